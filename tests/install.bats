#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# `make install`, and a tree that it made elsewhere.

load lib/job

SOURCES=$(realpath "$LIB/../..")

# Installs below the folder $1; the other arguments are variables of make.
installed()
{
	env -u MAKEFLAGS -u MAKELEVEL make -C "$SOURCES" -s install BUILD="$(dirname "$JOBFENCE")" DESTDIR="$1" \
		"${@:2}" >"$BATS_TEST_TMPDIR/make" 2>&1 || lab_fail "$(<"$BATS_TEST_TMPDIR/make")"
}

@test "presets are installed, and found there" {
	local root=$BATS_TEST_TMPDIR/root share=$SOURCES/share/jobfence

	installed "$root"
	is "$(ls "$root/usr/local/share/jobfence/presets")" "$(ls "$share/presets")"
	is "$(ls "$root/usr/local/share/jobfence/guard")" "$(ls "$share/guard")"
	# shellcheck disable=SC2016 # expanded by the inner shell
	is "$(in_lab unshare --mount sh -c 'mount --bind "$1" /usr/local && jobfence preset show go --json' sh \
		"$root/usr/local" | jq -r .path)" /usr/local/share/jobfence/presets/go.domains
}

@test "an installation is complete, and works wherever it is moved" {
	local root=$BATS_TEST_TMPDIR/root moved=$BATS_TEST_TMPDIR/moved share file

	installed "$root" PREFIX=/usr
	mv "$root/usr" "$moved"
	share=$moved/share
	[ -e "$moved/libexec/jobfence/jobfence-slurm.so" ] || lab_fail 'there is no plugin for Slurm'
	is "$(in_lab "$moved/bin/jobfence" preset show go --json | jq -r .path)" "$share/jobfence/presets/go.domains"
	is "$(in_lab "$moved/bin/jobfence" run --domain allowed.test -- curl -sS http://allowed.test/)" \
		'this is allowed.test'
	for file in bash-completion/completions/jobfence zsh/site-functions/_jobfence \
		fish/vendor_completions.d/jobfence.fish; do
		grep -q 'jobfence completion words' "$share/$file" || return
	done
	mandoc -Tlint "$share/man/man8/jobfence.8"
	is "$(grep -c "$BATS_TEST_TMPDIR\|$SOURCES\|@[A-Z]*@" "$share/man/man8/jobfence.8")" 0
	like "$(mandoc "$share/man/man8/jobfence.8" | col -b)" '*/usr/share/doc/jobfence/policy.md*'
	is "$(ls "$share/doc/jobfence/examples")" "$(ls "$SOURCES/examples")"
	env -u MAKEFLAGS -u MAKELEVEL make -C "$SOURCES" -s uninstall PREFIX="$moved"
	is "$(find "$moved" ! -type d)" ''
}

@test "each page that a message names is installed" {
	local page pages

	pages=$(grep -rhoE '(installed_document\("|share/doc/jobfence/)[a-z/-]+\.md' "$SOURCES/user" "$SOURCES/share" |
		sed -E 's,.*("|share/doc/jobfence/),,' | sort -u)
	like "$pages" '*browsers.md*policy.md*'
	for page in $pages; do
		[ -e "$SOURCES/docs/$page" ] || lab_fail "there is no $page" || return
	done
	is "$(grep -rnE '"[^"]*\bdocs/' "$SOURCES"/user --include='*.c')" ''
	mkdir -p "$BATS_TEST_TMPDIR/etc"
	echo frobnicate = yes >"$BATS_TEST_TMPDIR/policy"
	ends_with 3 jobfence policy check --config "$BATS_TEST_TMPDIR/policy"
	[ -e "$(grep -oE '/[^ ;]*/policy\.md' <<<"$ERRORS")" ] || lab_fail "it names what is not there: $ERRORS"
}

@test "each link of an installed page leads somewhere" {
	local docs=$BATS_TEST_TMPDIR/root/usr/local/share/doc/jobfence page link

	installed "$BATS_TEST_TMPDIR/root"
	like "$(<"$docs/policy.md")" '*](../../jobfence/jobfence.conf)*'
	while IFS=: read -r page link; do
		link=${link#*](} link=${link%)}
		[ -e "$(dirname "$page")/${link%%#*}" ] || lab_fail "$page: $link" || return
	done < <(grep -roE --include='*.md' '\]\([^)#:][^):]*\)' "$docs")
}

@test "no proxy is started that others could have put there" {
	local tree=$BATS_TEST_TMPDIR/root/usr/local part

	installed "$BATS_TEST_TMPDIR/root"
	for part in libexec libexec/jobfence libexec/jobfence/jobfence-proxy; do
		chmod o+w "$tree/$part"
		ends_with 125 in_lab "$tree/bin/jobfence" run --domain allowed.test -- true
		like "$ERRORS" "jobfence: others may write to $tree/$part, *" || return
		chmod o-w "$tree/$part"
		chown nobody "$tree/$part"
		ends_with 125 in_lab "$tree/bin/jobfence" run --domain allowed.test -- true
		like "$ERRORS" "jobfence: others may write to $tree/$part, *" || return
		chown root "$tree/$part"
	done
	rm "$tree/libexec/jobfence/jobfence-proxy"
	ends_with 125 in_lab "$tree/bin/jobfence" run --domain allowed.test -- true
	like "$ERRORS" 'jobfence: cannot find jobfence-proxy: No such file or directory'
}

@test "the proxy's filters are for the architecture that CC compiles for, and not for this one" {
	local build=$BATS_TEST_TMPDIR/build

	env -u MAKEFLAGS -u MAKELEVEL make -C "$SOURCES" -s BUILD="$build" CC="$LIB/cc-of-arm64" "$build/filters.h"
	# AUDIT_ARCH_AARCH64, which each filter asks for first, and AUDIT_ARCH_X86_64.
	is "$(grep -c 0xc00000b7 "$build/filters.h")" 3
	is "$(grep -c 0xc000003e "$build/filters.h")" 0
}

# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Packages and repositories at the origins, and projects that use them.

# shellcheck source=tests/lib/origins.bash
. "${BASH_SOURCE[0]%/*}/origins.bash"

# Makes the archive $1 of files, without entries for their folders.
pack()
{
	python3 "$LIB/zip_files.py" "$@"
}

# Makes a module of Go, and a program that uses it.
publish_module()
{
	local dep=$ORIGIN/go/example.com/dep/@v

	mkdir -p "$dep" "$BATS_TEST_TMPDIR/zip/example.com/dep@v1.0.0"
	echo v1.0.0 >"$dep/list"
	echo '{"Version": "v1.0.0", "Time": "2020-01-01T00:00:00Z"}' >"$dep/v1.0.0.info"
	echo 'module example.com/dep' | tee "$dep/v1.0.0.mod" >"$BATS_TEST_TMPDIR/zip/example.com/dep@v1.0.0/go.mod"
	printf 'package dep\nconst Two = 2\n' >"$BATS_TEST_TMPDIR/zip/example.com/dep@v1.0.0/dep.go"
	(cd "$BATS_TEST_TMPDIR/zip" && pack "$dep/v1.0.0.zip" example.com/dep@v1.0.0/*)
	printf 'module example.com/app\ngo 1.19\n' >"$PROJECT/go.mod"
	printf 'package main\nimport "example.com/dep"\nfunc main() { println(dep.Two) }\n' >"$PROJECT/main.go"
}

# Makes a package of npm with the name $1 and the module $3. The object $2 is added to its
# description.
publish()
{
	local folder=$BATS_TEST_TMPDIR/$1 npm=$ORIGIN/npm

	mkdir -p "$folder/package" "$npm/-"
	jq -n --arg name "$1" "{name: \$name, version: \"1.0.0\"} + $2" >"$folder/package/package.json"
	echo "$3" >"$folder/package/index.js"
	tar -C "$folder" -czf "$npm/-/$1-1.0.0.tgz" package
	jq --arg url "https://npm.wild.test/-/$1-1.0.0.tgz" \
		--arg integrity "sha512-$(openssl dgst -sha512 -binary "$npm/-/$1-1.0.0.tgz" | base64 -w 0)" \
		'{name, "dist-tags": {latest: .version}, versions: {"1.0.0": (. + {dist: {tarball: $url, integrity: $integrity}})}}' \
		"$folder/package/package.json" >"$npm/$1"
}

publish_two()
{
	publish tiny-one '{dependencies: {"tiny-two": "^1.0.0"}, scripts: {postinstall: "node -e 1 && echo done >ran"}}' \
		'module.exports = require("tiny-two") + 1'
	publish tiny-two '{bin: {"tiny-two": "index.js"}}' $'#!/usr/bin/env node\nmodule.exports = 1; if (require.main === module) console.log("called")'
	printf '%s\n' registry=https://npm.wild.test/ fetch-retries=0 audit=false fund=false update-notifier=false >"$PROJECT/.npmrc"
	echo '{"name": "app", "version": "1.0.0", "dependencies": {"tiny-one": "^1.0.0", "tiny-two": "^1.0.0"}, "scripts": {"test": "tiny-two"}}' \
		>"$PROJECT/package.json"
}

# Makes a wheel of Python, with a script.
publish_wheel()
{
	local simple=$ORIGIN/pypi/simple/tiny

	mkdir -p "$simple" && cd "$BATS_TEST_TMPDIR" && mkdir -p wheel/tiny wheel/tiny-1.0.dist-info
	echo 'def main(): print("called")' >wheel/tiny/__init__.py
	printf 'Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n' >wheel/tiny-1.0.dist-info/METADATA
	printf 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n' >wheel/tiny-1.0.dist-info/WHEEL
	printf '[console_scripts]\ntiny = tiny:main\n' >wheel/tiny-1.0.dist-info/entry_points.txt
	printf '%s,,\n' tiny/__init__.py tiny-1.0.dist-info/{METADATA,WHEEL,entry_points.txt,RECORD} >wheel/tiny-1.0.dist-info/RECORD
	(cd wheel && pack "$simple/tiny-1.0-py3-none-any.whl" tiny/* tiny-1.0.dist-info/*)
	echo '<a href="tiny-1.0-py3-none-any.whl">tiny-1.0-py3-none-any.whl</a>' >"$simple/index.html"
}

# Makes a git repository whose content compresses badly. It exceeds the size that git sends
# at once.
publish_repository()
{
	local bare=$ORIGIN/git/repository.git

	export GIT_AUTHOR_DATE=2020-01-01T00:00:00Z GIT_COMMITTER_DATE=2020-01-01T00:00:00Z
	git init -q --bare "$bare" && git -C "$bare" config http.receivepack true && git -C "$bare" config uploadpack.allowFilter true &&
		git -C "$bare" symbolic-ref HEAD refs/heads/main
	git init -q "$BATS_TEST_TMPDIR/first" && cd "$BATS_TEST_TMPDIR/first"  || return
	seq 300000 | openssl enc -aes-128-ctr -K 00 -iv 00 2>/dev/null >large
	git add . && git -c user.name=a -c user.email=a@allowed.test commit -qm first && git push -q "$bare" HEAD:main
	chown -R www-data: "$bare"
	printf '[user]\n\tname = a\n\temail = a@allowed.test\n[init]\n\tdefaultBranch = main\n' >"$PROJECT/home/.gitconfig"
	ENVIRONMENT+=(GIT_AUTHOR_DATE="$GIT_AUTHOR_DATE" GIT_COMMITTER_DATE="$GIT_COMMITTER_DATE")
}

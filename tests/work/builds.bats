#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Builds, and work on files.

# shellcheck disable=SC2016 # scripts are expanded by inner shells
load ../lib/work

# Compile the standard library once.
share()
{
	mkdir "$BATS_FILE_TMPDIR/go"
	printf 'package main\nimport _ "fmt"\nfunc main() {}\n' >"$BATS_FILE_TMPDIR/go/warm.go"
	in_lab env HOME="$BATS_FILE_TMPDIR/go" GO111MODULE=off go build -o /dev/null "$BATS_FILE_TMPDIR/go/warm.go"
}

@test "files move and are linked from folder to folder" {
	mkdir -p "$PROJECT/from" "$PROJECT/to"
	echo one >"$PROJECT/from/one"
	same_at_work '
		ln from/one to/hard && ln -s ../from/one to/soft
		stat -c "%n %h" from/one to/hard && mv from/one to/two && cat to/two && ls -R
		mkfifo to/pipe
		mv from to/below && ls -R to'
}

@test "tar makes and unpacks hard links, soft links, modes and owners" {
	mkdir -p "$PROJECT/tree/"{a,b}
	echo text >"$PROJECT/tree/a/file"
	ln "$PROJECT/tree/a/file" "$PROJECT/tree/b/link"
	ln -s ../a/file "$PROJECT/tree/b/soft"
	install -m 4751 -o daemon -g games /bin/true "$PROJECT/tree/a/true"
	same_at_work '
		tar -czf tree.tar.gz tree && mkdir out && tar -C out -xpf tree.tar.gz
		stat -c "%n %h %a %U %G %s" out/tree/*/*
		cp -al out/tree copy && stat -c "%n %h" copy/a/file && diff -r out/tree copy && mv copy/a/file copy/b/moved'
}

@test "rsync copies, with hard links" {
	mkdir -p "$PROJECT/from/"{a,b}
	seq 1000 >"$PROJECT/from/a/file"
	ln "$PROJECT/from/a/file" "$PROJECT/from/b/link"
	same_at_work '
		rsync -aHAX --delete from/ to/ && stat -c "%n %h %s" to/*/* && echo more >>from/a/file && touch -d 2001-01-01 from/a/file
		rsync -aH -i --link-dest="$PWD/to" from/ next/ && wc -l next/*/*'
}

# A program of four files. Three of them are compiled at once.
write_program()
{
	local part

	cat >"$PROJECT/Makefile" <<-'END'
		.RECIPEPREFIX = >
		program: main.o one.o two.o three.o sub
		>$(CC) -o $@ main.o one.o two.o three.o
		%.o: %.c
		>$(CC) -c $<
		sub:
		>+$(MAKE) -C . one.o two.o three.o
		.PHONY: sub
	END
	for part in one two three; do
		echo "int $part(int x) { return x + 1; }" >"$PROJECT/$part.c"
	done
	cat >"$PROJECT/main.c" <<-'END'
		#include <stdio.h>
		int one(int), two(int), three(int);
		int main(void) { return printf("%d\n", one(two(three(0)))) < 0; }
	END
}

@test "make and gcc build a program, with a job server" {
	write_program
	same_at_work 'make -s -j3 --output-sync=target CC="gcc -pipe" && ./program && make -sj2 -B CC="gcc -save-temps -flto=2" && ./program'
}

@test "ccache keeps what was compiled" {
	write_program
	same_at_work '
		export CCACHE_DIR=$PWD/cache CCACHE_TEMPDIR=$PWD/temporary
		make -s CC="ccache gcc" && ./program && rm ./*.o && make -s CC="ccache gcc" && ./program
		ccache --print-stats | grep -E "^(direct_cache_hit|cache_miss)"'
}

@test "cargo builds and tests a workspace with path dependencies" {
	mkdir -p "$PROJECT/"{app,lib}/src
	printf '[workspace]\nmembers = ["app", "lib"]\n' >"$PROJECT/Cargo.toml"
	printf '[package]\nname = "lib"\nversion = "0.1.0"\nedition = "2021"\n' >"$PROJECT/lib/Cargo.toml"
	printf '[package]\nname = "app"\nversion = "0.1.0"\nedition = "2021"\n[dependencies]\nlib = { path = "../lib" }\n' \
		>"$PROJECT/app/Cargo.toml"
	printf 'pub fn two() -> u32 { 2 }\n#[test]\nfn is_two() { assert_eq!(two(), 2) }\n' >"$PROJECT/lib/src/lib.rs"
	echo 'fn main() { println!("{}", lib::two()) }' >"$PROJECT/app/src/main.rs"
	same_at_work '
		cargo build -q --offline && target/debug/app && cargo test -q --offline -p lib --lib | grep "test result" | cut -d";" -f1
		echo "fn main() { println!(\"{}\", lib::two() + 1) }" >app/src/main.rs && cargo run -q --offline'
}

@test "go builds and tests a module" {
	mkdir -p "$PROJECT/home/.cache" "$PROJECT/part"
	cp -a "$BATS_FILE_TMPDIR/go/.cache/go-build" "$PROJECT/home/.cache"
	printf 'module example.com/app\ngo 1.19\n' >"$PROJECT/go.mod"
	printf 'package part\nfunc Two() int { return 2 }\n' >"$PROJECT/part/part.go"
	printf 'package main\nimport ("fmt"; "example.com/app/part")\nfunc main() { fmt.Println(part.Two()) }\n' >"$PROJECT/main.go"
	same_at_work 'go build -o app . && ./app && go run . && go vet ./...'
}

@test "javac compiles, java runs, jar packs" {
	mkdir "$PROJECT/classes"
	cat >"$PROJECT/Main.java" <<-'END'
		import java.util.concurrent.*;
		public class Main {
			public static void main(String[] arguments) throws Exception {
				var pool = Executors.newFixedThreadPool(4);
				System.out.println(pool.submit(() -> 6 * 7).get());
				pool.shutdown();
				System.out.println(new ProcessBuilder("echo", "child").inheritIO().start().waitFor());
			}
		}
	END
	same_at_work 'javac -d classes Main.java && java -cp classes Main && jar cfe app.jar Main -C classes . && java -jar app.jar'
}

@test "sqlite writes, with a journal of either kind" {
	same_at_work '
		for mode in delete wal; do
			sqlite3 $mode.db "PRAGMA journal_mode=$mode; CREATE TABLE t(x); INSERT INTO t VALUES(1),(2)"
			sqlite3 $mode.db "BEGIN IMMEDIATE; UPDATE t SET x=x+1; COMMIT; VACUUM; SELECT sum(x) FROM t; PRAGMA integrity_check"
		done'
}

@test "git commits, moves, packs, and pushes to a folder" {
	same_at_work '
		export GIT_AUTHOR_DATE="2020-01-01T00:00:00Z" GIT_COMMITTER_DATE="2020-01-01T00:00:00Z"
		git config --global user.name a && git config --global user.email a@allowed.test
		git config --global init.defaultBranch main
		git init -q --bare there.git && git init -q here && cd here
		mkdir a b && seq 100 >a/f && git add . && git commit -qm one && git mv a/f b/f && git commit -qm two
		git push -q ../there.git main && git gc -q && git -C ../there.git log --format=%H main
		git clone -q ../there.git ../again && git clone -q --shared ../there.git ../shared && ls ../again ../shared
		git worktree add -q ../tree && git stash list && git -C ../tree status --short && git fsck'
}

@test "a Debian package is built, installed into a root, upgraded and removed" {
	local version

	for version in 1 2; do
		mkdir -p "$PROJECT/$version/DEBIAN" "$PROJECT/$version/etc" "$PROJECT/$version/usr/share/tool"
		printf '%s\n' 'Package: tool' "Version: $version" 'Architecture: all' 'Maintainer: a <a@allowed.test>' \
			'Description: a tool' >"$PROJECT/$version/DEBIAN/control"
		echo /etc/tool.conf >"$PROJECT/$version/DEBIAN/conffiles"
		printf '#!/bin/sh\necho "$1 $DPKG_MAINTSCRIPT_NAME"\n' |
			tee "$PROJECT/$version/DEBIAN/postinst" >"$PROJECT/$version/DEBIAN/prerm"
		chmod 755 "$PROJECT/$version/DEBIAN/"{postinst,prerm}
		echo "$version" | tee "$PROJECT/$version/etc/tool.conf" >"$PROJECT/$version/usr/share/tool/version"
		ln "$PROJECT/$version/usr/share/tool/version" "$PROJECT/$version/usr/share/tool/link"
	done
	mkdir -p "$PROJECT/root/"{bin,var/lib/dpkg/{info,updates,triggers}}
	: >"$PROJECT/root/var/lib/dpkg/status"
	cp /bin/busybox "$PROJECT/root/bin/sh"
	same_at_work '
		for version in 1 2; do
			dpkg-deb --root-owner-group -b $version tool_$version.deb
			dpkg --root="$PWD/root" --force-script-chrootless --force-depends -i tool_$version.deb
			cat root/usr/share/tool/version root/etc/tool.conf
		done
		dpkg --root="$PWD/root" -s tool | grep ^Status
		dpkg --root="$PWD/root" -P tool && ls root'
}

@test "bubblewrap and unshare make sandboxes of their own" {
	# shellcheck disable=SC2034 # read by same_behind_the_fence
	local ways=(loopback run exec) # Docker's capabilities are too few for it

	same_behind_the_fence '
		bwrap --ro-bind / / --dev /dev --proc /proc --tmpfs /tmp --unshare-all --die-with-parent sh -c "echo \$\$; ls /tmp; echo hi >/tmp/file && cat /tmp/file"
		unshare --user --map-root-user --mount --pid --fork --mount-proc sh -c "id -u; mount -t tmpfs none /mnt && touch /mnt/a && ls /mnt; echo \$\$"'
}

@test "a chroot and another user work" {
	mkdir -p "$PROJECT/root/bin"
	cp /bin/busybox "$PROJECT/root/bin/sh"
	chmod 777 "$PROJECT"
	same_at_work '
		chroot root /bin/sh -c "echo /*; id -u"
		setpriv --reuid=daemon --regid=daemon --clear-groups sh -c "id; touch mine; stat -c %U mine; ln mine yours; mv yours theirs"
		su -s /bin/sh daemon -c "id -un; echo \$HOME"
		cp /usr/bin/id root/id
		chown daemon:games root/id && stat -c "%U %G %a" root/id'
}

@test "locks, notices of changes, and large and sparse files work" {
	cp "$LIB/map_and_link.py" "$PROJECT"
	same_at_work '
		exec 9>lock && flock -n 9 && ! flock -n lock true && echo locked
		truncate -s 1G sparse && stat -c %s sparse && fallocate -l 1M full && stat -c %s full
		cp --reflink=auto --sparse=always sparse again && cmp -n 1000000 sparse again && echo same
		python3 map_and_link.py'
}

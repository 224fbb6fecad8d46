#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Package managers and git, against origins that the test makes.

# shellcheck disable=SC2016 # scripts are expanded by inner shells
load ../lib/origins

share()
{
	origins_up
}

# Makes the archive $1 of files, without entries for their folders.
pack()
{
	python3 "$LIB/zip_files.py" "$@"
}

@test "go builds with a module of a module proxy" {
	local dep=$ORIGIN/go/example.com/dep/@v

	mkdir -p "$dep" "$BATS_TEST_TMPDIR/zip/example.com/dep@v1.0.0"
	echo v1.0.0 >"$dep/list"
	echo '{"Version": "v1.0.0", "Time": "2020-01-01T00:00:00Z"}' >"$dep/v1.0.0.info"
	echo 'module example.com/dep' | tee "$dep/v1.0.0.mod" >"$BATS_TEST_TMPDIR/zip/example.com/dep@v1.0.0/go.mod"
	printf 'package dep\nconst Two = 2\n' >"$BATS_TEST_TMPDIR/zip/example.com/dep@v1.0.0/dep.go"
	(cd "$BATS_TEST_TMPDIR/zip" && pack "$dep/v1.0.0.zip" example.com/dep@v1.0.0/*)
	printf 'module example.com/app\ngo 1.19\n' >"$PROJECT/go.mod"
	printf 'package main\nimport "example.com/dep"\nfunc main() { println(dep.Two) }\n' >"$PROJECT/main.go"
	ENVIRONMENT+=(GOPROXY=https://go.wild.test GONOSUMDB='*' GOFLAGS=-mod=mod GOTOOLCHAIN=local)
	same_online 'go get example.com/dep@latest && cat go.sum && go list -m all && go build -o app . && ./app 2>&1 && ls'
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
	printf '%s\n' registry=https://npm.wild.test/ "cafile=$LAB/authority.pem" fetch-retries=0 audit=false fund=false update-notifier=false >"$PROJECT/.npmrc"
	echo '{"name": "app", "version": "1.0.0", "dependencies": {"tiny-one": "^1.0.0"}, "scripts": {"test": "tiny-two"}}' \
		>"$PROJECT/package.json"
}

@test "npm installs, and runs scripts" {
	publish_two
	same_online '
		npm install >log 2>&1 || { cat log; exit 1; }
		 node -p "require(\"tiny-one\")" && cat node_modules/tiny-one/ran
		npm test --silent && rm -r node_modules && npm ci --silent --offline && ls node_modules node_modules/.bin'
}

@test "yarn installs, and runs scripts" {
	publish_two
	ENVIRONMENT+=(YARN_CACHE_FOLDER="$WORK/cache")
	# Where Debian has yarn's modules, which not every node looks for.
	ENVIRONMENT+=(NODE_PATH=/usr/share/nodejs)
	echo 'registry "https://npm.wild.test/"' >"$PROJECT/.yarnrc"
	printf '%s\n' 'npmRegistryServer: https://npm.wild.test' 'nodeLinker: node-modules' 'enableTelemetry: false' >"$PROJECT/.yarnrc.yml"
	same_online '
		yarnpkg install >log 2>&1 || { cat log; exit 1; }
		node -p "require(\"tiny-one\")" && yarnpkg run test | grep called && ls node_modules node_modules/.bin'
}

@test "pip installs wheels into a virtual environment" {
	local simple=$ORIGIN/pypi/simple/tiny

	mkdir -p "$simple" && cd "$BATS_TEST_TMPDIR" && mkdir -p wheel/tiny wheel/tiny-1.0.dist-info
	echo 'def main(): print("called")' >wheel/tiny/__init__.py
	printf 'Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n' >wheel/tiny-1.0.dist-info/METADATA
	printf 'Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n' >wheel/tiny-1.0.dist-info/WHEEL
	printf '[console_scripts]\ntiny = tiny:main\n' >wheel/tiny-1.0.dist-info/entry_points.txt
	printf '%s,,\n' tiny/__init__.py tiny-1.0.dist-info/{METADATA,WHEEL,entry_points.txt,RECORD} >wheel/tiny-1.0.dist-info/RECORD
	(cd wheel && pack "$simple/tiny-1.0-py3-none-any.whl" tiny/* tiny-1.0.dist-info/*)
	echo '<a href="tiny-1.0-py3-none-any.whl">tiny-1.0-py3-none-any.whl</a>' >"$simple/index.html"
	ENVIRONMENT+=(PIP_INDEX_URL=https://pypi.wild.test/simple/ PIP_RETRIES=0 PIP_DISABLE_PIP_VERSION_CHECK=1)
	same_online '
		/usr/bin/python3 -m venv --without-pip venv && /usr/bin/python3 -m pip --python venv/bin/python install -q tiny
		venv/bin/tiny && /usr/bin/python3 -m pip --python venv/bin/python list --format=freeze && ls home/.cache/pip'
}

@test "apt updates, installs and upgrades in a root of its own" {
	mkdir -p "$BATS_TEST_TMPDIR/deb/"{DEBIAN,usr/share/tiny} "$PROJECT/root/"{bin,etc/apt/{apt.conf.d,preferences.d},var/lib/dpkg/{info,updates,triggers},var/{cache/apt/archives/partial,log/apt,lib/apt/lists/partial}}
	echo text | tee "$BATS_TEST_TMPDIR/deb/usr/share/tiny/"{one,two} >"$BATS_TEST_TMPDIR/deb/usr/share/tiny/three"
	printf '%s\n' 'Package: tiny' 'Version: 1' 'Architecture: all' 'Maintainer: a <a@allowed.test>' 'Description: tiny' \
		>"$BATS_TEST_TMPDIR/deb/DEBIAN/control"
	dpkg-deb --root-owner-group -b "$BATS_TEST_TMPDIR/deb" "$ORIGIN/apt/tiny.deb"
	(cd "$ORIGIN/apt" && apt-ftparchive packages . >Packages && gzip -k Packages && apt-ftparchive release . >"$BATS_TEST_TMPDIR/Release" &&
		mv "$BATS_TEST_TMPDIR/Release" .)
	: >"$PROJECT/root/var/lib/dpkg/status"
	echo 'deb [trusted=yes] http://apt.wild.test ./' >"$PROJECT/root/etc/apt/sources.list"
	cat >"$PROJECT/apt.conf" <<-END
		Dir "$WORK/root";
		Dir::State::status "$WORK/root/var/lib/dpkg/status";
		DPkg::Options { "--root=$WORK/root"; "--force-script-chrootless"; };
		Acquire::Retries "0";
		Dpkg::Use-Pty "0";
	END
	ENVIRONMENT+=(APT_CONFIG="$WORK/apt.conf" DEBIAN_FRONTEND=noninteractive)
	same_online '
		apt-get -qq update && ls root/var/lib/apt/lists && apt-cache policy tiny
		apt-get -qq install -y tiny && ls root/usr/share/tiny root/var/cache/apt/archives && dpkg --root="$PWD/root" -s tiny | grep ^Status
		apt-get -qq download tiny && ls ./*.deb && apt-get -qq remove -y tiny'
}

# Makes a git repository whose content compresses badly. It exceeds the size that git sends
# at once.
publish_repository()
{
	local there=$ORIGIN/git/repository.git

	export GIT_AUTHOR_DATE=2020-01-01T00:00:00Z GIT_COMMITTER_DATE=2020-01-01T00:00:00Z
	git init -q --bare "$there" && git -C "$there" config http.receivepack true && git -C "$there" config uploadpack.allowFilter true &&
		git -C "$there" symbolic-ref HEAD refs/heads/main
	git init -q "$BATS_TEST_TMPDIR/first" && cd "$BATS_TEST_TMPDIR/first"  || return
	seq 300000 | openssl enc -aes-128-ctr -K 00 -iv 00 2>/dev/null >large
	git add . && git -c user.name=a -c user.email=a@allowed.test commit -qm first && git push -q "$there" HEAD:main
	chown -R www-data: "$there"
	printf '[user]\n\tname = a\n\temail = a@allowed.test\n[init]\n\tdefaultBranch = main\n' >"$PROJECT/home/.gitconfig"
	ENVIRONMENT+=(GIT_AUTHOR_DATE="$GIT_AUTHOR_DATE" GIT_COMMITTER_DATE="$GIT_COMMITTER_DATE")
}

@test "git clones, fetches and pushes over HTTP and HTTPS" {
	publish_repository
	same_online '
		for scheme in http https; do
			git clone -q $scheme://git.wild.test/repository.git $scheme && git -C $scheme log --format=%H && md5sum $scheme/large
			git clone -q --depth 1 --filter=blob:none --no-checkout $scheme://git.wild.test/repository.git shallow-$scheme
			cd $scheme && mkdir folder && git mv large folder/ && seq 1 400000 | gzip -1 >folder/more && git add . && git commit -qm more
			git push -q origin HEAD:$0-$scheme && git fetch -q && git rev-parse "origin/$0-$scheme" && git status --short && cd ..
		done
		git ls-remote https://git.wild.test/repository.git main
		! git clone -q https://git.wild.test/none.git 2>/dev/null'
}

@test "git-lfs uploads and downloads" {
	same_online '
		git lfs install --skip-repo >log && git config --global user.name a && git config --global user.email a@allowed.test
		git config --global init.defaultBranch main && git config --global lfs.url https://lfs.wild.test
		git config --global lfs.locksverify false
		git init -q --bare there.git && git init -q here && cd here && git lfs track "*.bin" >log
		{ echo "$0"; seq 100000; } >one.bin && git add . && git commit -qm one && git push -q ../there.git main >log
		cd .. && git clone -q there.git again && tail -n 1 again/one.bin && head -n 1 again/one.bin | grep -qx "$0" && git -C again lfs ls-files -n'
}

#!/usr/bin/env bats
# SPDX-License-Identifier: BSD-2-Clause
#
# Package managers and git, against origins that the test makes.

# shellcheck disable=SC2016 # scripts are expanded by inner shells
load ../lib/published

share()
{
	origins_up
}

@test "go builds with a module of a module proxy" {
	publish_module
	ENVIRONMENT+=(GOPROXY=https://go.wild.test GONOSUMDB='*' GOFLAGS=-mod=mod GOTOOLCHAIN=local)
	same_online 'go get example.com/dep@latest && cat go.sum && go list -m all && go build -o app . && ./app 2>&1 && ls'
}

@test "npm installs, and runs scripts" {
	publish_two
	echo "cafile=$LAB/authority.pem" >>"$PROJECT/.npmrc"
	same_online '
		npm install >log 2>&1 || { cat log; exit 1; }
		 node -p "require(\"tiny-one\")" && cat node_modules/tiny-one/ran
		npm test --silent && rm -r node_modules && npm ci --silent --offline && ls node_modules node_modules/.bin'
}

@test "yarn installs, and runs scripts" {
	publish_two
	echo "cafile=$LAB/authority.pem" >>"$PROJECT/.npmrc"
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
	publish_wheel
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

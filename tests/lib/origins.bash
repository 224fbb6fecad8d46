# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What package managers and git fetch from, at 11.0.0.3: files below $ORIGIN/SITE for each
# site of the names SITE.wild.test, repositories of git that take pushes, and a server of
# large files.

# shellcheck source=tests/lib/work.bash
. "${BASH_SOURCE[0]%/*}/work.bash"

ORIGIN=$BATS_FILE_TMPDIR/origin

origins_up()
{
	local module site

	mkdir -p "$ORIGIN/cgi"
	cp "$LIB/large_files.py" "$ORIGIN/cgi/objects"
	{
		for module in mpm_event authz_core alias cgid dir env mime setenvif ssl; do
			echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"
		done
		cat <<-END
			ServerName origin.wild.test
			User www-data
			Group www-data
			PidFile $ORIGIN/pid
			ErrorLog $ORIGIN/errors
			ScriptSock $ORIGIN/cgid
			DefaultRuntimeDir $ORIGIN
			ListenCoresBucketsRatio 1
			TypesConfig /dev/null
			AddType text/html .html
			SetEnv GIT_PROJECT_ROOT $ORIGIN/git
			SetEnv GIT_HTTP_EXPORT_ALL 1
			SetEnvIf Git-Protocol ".*" GIT_PROTOCOL=\$0
			SetEnv LARGE_FILES $ORIGIN/lfs
			<Directory />
				Require all granted
			</Directory>
			Listen 11.0.0.3:80
			Listen 11.0.0.3:443
		END
		for site in "${SITES[@]}"; do
			mkdir "$ORIGIN/$site"
			serve_site "$site" 80
			serve_site "$site" 443 "SSLEngine on
				SSLCertificateFile $LAB/server.pem"
		done
	} >"$ORIGIN/apache.conf"
	chown -R www-data: "$ORIGIN/git" "$ORIGIN/lfs"
	chmod go+x "$ORIGIN"
	in_internet apache2 -f "$ORIGIN/apache.conf" -k start >"$ORIGIN/log" 2>&1 || lab_fail "$(<"$ORIGIN/log")"
}

# Prints the part of the configuration for the site $1 at port $2; $3 is more of it.
serve_site()
{
	printf '%s\n' "<VirtualHost 11.0.0.3:$2>" "ServerName $1.wild.test" "DocumentRoot $ORIGIN/$1" "${3:-}"
	case $1 in
	git) echo 'ScriptAlias / /usr/lib/git-core/git-http-backend/' ;;
	lfs) echo "ScriptAlias / $ORIGIN/cgi/" ;;
	esac
	echo '</VirtualHost>'
}

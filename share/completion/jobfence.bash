# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Completion of jobfence for bash. The program itself knows which words may come next.

_jobfence()
{
	local line lines

	COMPREPLY=()
	mapfile -t lines < <(command jobfence completion words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
	for line in "${lines[@]}"; do
		case $line in
		:files)
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]#=}")
			;;
		:commands) mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}") ;;
		*) COMPREPLY+=("${line%%$'\t'*}") ;;
		esac
	done
}

complete -F _jobfence jobfence

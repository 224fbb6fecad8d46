#compdef jobfence
# SPDX-License-Identifier: BSD-2-Clause
#
# Completion of jobfence for zsh. The program itself knows which words may come next.

_jobfence()
{
	local line
	local -a described

	for line in "${(@f)$(command jobfence completion words "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
		case $line in
		'') ;;
		:files) _files ;;
		:commands) _command_names -e ;;
		*) described+=("${line/$'\t'/:}") ;;
		esac
	done
	(( ! $#described )) || _describe jobfence described
}

if [[ $funcstack[1] = _jobfence ]]; then
	_jobfence "$@"
else
	compdef _jobfence jobfence
fi

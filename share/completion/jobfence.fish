# SPDX-License-Identifier: BSD-2-Clause
#
# Completion of jobfence for fish. The program itself knows which words may come next.

function __jobfence_words
    set -l before (commandline -opc)
    set -l current (commandline -ct)
    for line in (command jobfence completion words $before[2..-1] "$current" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$current"
            case :commands
                __fish_complete_command
            case '*'
                echo $line
        end
    end
end

complete --command jobfence --no-files --arguments '(__jobfence_words)'

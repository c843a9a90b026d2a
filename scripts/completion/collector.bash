# shellcheck shell=bash
# Completion of collector's commands and their options in bash. Asks the program's own --help, so it
# needs no list of its own. Commands take files where nothing else fits.

_collector() {
	local word=${COMP_WORDS[COMP_CWORD]} words
	COMPREPLY=()
	if [[ $COMP_CWORD -eq 1 ]]; then
		words=$("$1" --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\)  .*/\1/p')
	elif [[ $word == -* ]]; then
		words=$("$1" "${COMP_WORDS[1]}" --help 2>/dev/null |
			sed -n 's/^ \{2,6\}\(-., \)\{0,1\}\(--[a-z][a-z-]*\).*/\2/p')
	else
		return
	fi
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
complete -o default -F _collector collector

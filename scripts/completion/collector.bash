# shellcheck shell=bash
# Completion of collector's commands and their options, and of the options of the scripts of the phases,
# in bash. Asks their own --help, so it needs no list of its own. They take files where nothing else fits.

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

_simprof_script() {
	local word=${COMP_WORDS[COMP_CWORD]} phase=()
	COMPREPLY=()
	[[ $word == -* ]] || return 0
	# run_phase takes the phase first.
	[[ $1 != *run_phase || ${COMP_WORDS[1]} == -* ]] || phase=("${COMP_WORDS[1]}")
	mapfile -t COMPREPLY < <(compgen -W "$("$1" "${phase[@]}" --help 2>/dev/null |
		grep -oE -- '--[a-z][a-z-]+' | sort -u)" -- "$word")
}
complete -o default -F _simprof_script run_phase run_phase{1,2,3,4}_profiling run_all_phases validate_quick_wins \
	check_profiling_status.sh compare_profiles analyze_profile

#!/usr/bin/env bats
# Completion in bash.

load requirements

setup() {
	cd "$BATS_TEST_TMPDIR"
}

# complete_words WORD...: what completing the last of them offers
complete_words() {
	# shellcheck disable=SC1091
	source "$BATS_TEST_DIRNAME/../../scripts/completion/collector.bash"
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_collector collector
	printf '%s\n' "${COMPREPLY[@]}"
}

@test "completion offers every command, each of which has a help" {
	complete_words collector '' >offered
	[ "$(wc -l <offered)" -eq "$(collector --help | grep -c '^  [a-z]* *  [a-z]')" ]
	while read -r command; do
		collector "$command" --help | grep -q '^Usage:'
	done <offered
}

@test "completion narrows commands, and offers the options of the command" {
	[ "$(complete_words collector summ)" = summary ]
	complete_words collector compare -- | grep -qx -e --paired
	[ "$(complete_words collector compare --lim)" = --limit ]
	[ -z "$(complete_words collector compare base)" ]
}

@test "completion offers the options of the scripts of the phases" {
	# shellcheck disable=SC1091
	source "$BATS_TEST_DIRNAME/../../scripts/completion/collector.bash"
	local script
	for script in run_all_phases run_phase4_profiling validate_quick_wins check_profiling_status.sh compare_profiles; do
		complete -p "$script"
		COMP_WORDS=("$script" --out)
		COMP_CWORD=1
		_simprof_script "$BATS_TEST_DIRNAME/../../scripts/$script"
		[ "${COMPREPLY[*]}" = --output-dir ]
	done
}

@test "completion offers a phase those options that it takes" {
	# shellcheck disable=SC1091
	source "$BATS_TEST_DIRNAME/../../scripts/completion/collector.bash"
	# own SCRIPT [PHASE]: which of the options are offered that not every phase has
	own() {
		COMP_WORDS=("$@" --)
		COMP_CWORD=$#
		_simprof_script "$BATS_TEST_DIRNAME/../../scripts/$1"
		printf '%s\n' "${COMPREPLY[@]}" | grep -xE -e '--(component|function|memory|win)' | paste -sd ' '
	}
	[ "$(own run_phase1_profiling)" = '' ]
	[ "$(own run_phase2_profiling)" = --component ]
	[ "$(own run_phase3_profiling)" = '--function --memory' ]
	[ "$(own validate_quick_wins)" = --win ]
	[ "$(own run_phase 3)" = '--function --memory' ]
	[ "$(own run_phase)" = '--component --function --memory --win' ]
	own run_all_phases | grep -c . | grep -qx 0
}

#!/usr/bin/env bash
# check_profiling_status.sh [--output-dir DIR]: how far the four phases are, and about how long the one
# that runs will still take. Fit for watch(1).

set -euo pipefail

fail() {
	echo "check_profiling_status.sh: $1" >&2
	exit 1
}
output=profiling_results
while [[ $# -gt 0 ]]; do
	case $1 in
	-h | --help)
		sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
		exit
		;;
	--output-dir)
		[[ -n ${2-} ]] || fail "--output-dir takes a path"
		output=$2
		shift
		;;
	*) fail "there is no option '$1'; --help lists them" ;;
	esac
	shift
done
[[ -d $output ]] || fail "there is no folder $output; nothing was measured yet"

# runs FOLDER: how many runs are over in it
runs() {
	if [[ -d $1 ]]; then find "$1" -path '*/runs/*/run.json' ! -path '*/runs/*.*/*'; fi | wc -l
}

over_all=0 planned_all=0 rate=
for title in phase1 phase2 phase3 phase4 wins; do
	folder=$output/$title state='not begun' summary=$output/$title/${title}_summary.json
	[[ $title != wins || -d $folder ]] || continue
	over=$(runs "$folder") pid='' waiting='' turn='' before=0 sweeps='?' planned='?' left=''
	[[ ! -f $folder/planned ]] || read -r sweeps planned <"$folder/planned" || :
	[[ ! -f $folder/running ]] || read -r pid before <"$folder/running" || :
	[[ ! -f $folder/waiting ]] || read -r waiting turn <"$folder/waiting" || :
	# Also when it is another user's.
	if [[ -n $waiting && -d /proc/$waiting ]]; then
		state="waits for its turn, after $(cat "$turn" 2>/dev/null || echo 'another phase')"
	elif [[ -n $pid && -d /proc/$pid ]]; then
		state=running
	elif [[ -f $summary ]]; then
		state="ended, $(sed -n 's/^ "status": "\(.*\)",\{0,1\}$/\1/p' "$summary")"
	elif [[ -d $folder && -n $(find "$folder" -name sweep.json -print -quit) ]]; then
		state='interrupted; the same command goes on'
	fi
	if [[ $state == running && $over -gt $before && $planned != '?' ]]; then
		rate="$(($(date +%s) - $(stat -c %Y "$folder/running"))) / ($over - $before)"
		left=", about $(awk "BEGIN { printf \"%d\", ($planned - $over) * $rate / 60 + 0.5 }") min left"
	fi
	if [[ $planned != '?' ]]; then
		planned_all=$((planned_all + planned))
		over_all=$((over_all + (over < planned ? over : planned)))
	fi
	printf '%s: %s; %d of %s runs, %s sweeps%s\n' "${title/phase/phase }" "$state" "$over" "$planned" "$sweeps" "$left"
done
[[ -z $rate ]] || printf 'all: %d of %d runs, about %d min left\n' $over_all $planned_all \
	"$(awk "BEGIN { printf \"%d\", ($planned_all - $over_all) * $rate / 60 + 0.5 }")"

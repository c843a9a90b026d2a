#!/usr/bin/env bash
# check_profiling_status.sh [--output-dir DIR]: how far the four phases are, and about how long the one
# that runs will still take. Fit for watch(1).

set -euo pipefail

output=profiling_results
case ${1-} in
-h | --help)
	sed -n '2,/^$/s/^# \{0,1\}//p' "$0"
	exit
	;;
--output-dir) output=${2:?--output-dir takes a path} ;;
'') ;;
*)
	echo "check_profiling_status.sh: there is no option '$1'; --help lists them" >&2
	exit 1
	;;
esac
[[ -d $output ]] || {
	echo "check_profiling_status.sh: there is no folder $output; nothing was measured yet" >&2
	exit 1
}
for phase in 1 2 3 4; do
	folder=$output/phase$phase state='not begun' summary=$output/phase$phase/phase${phase}_summary.json
	if [[ -f $folder/running ]] && kill -0 "$(<"$folder/running")" 2>/dev/null; then
		state=running
	elif [[ -f $summary ]]; then
		state="ended, $(sed -n 's/^ "status": "\(.*\)",\{0,1\}$/\1/p' "$summary")"
	elif [[ -d $folder ]]; then
		state='interrupted; the same command goes on'
	fi
	runs=$(find "$folder" -path '*/runs/*/run.json' ! -path '*/runs/*.*/*' 2>/dev/null | wc -l)
	sweeps=$(find "$folder" -mindepth 2 -maxdepth 2 -name sweep.json 2>/dev/null | wc -l)
	planned=$(cat "$folder/sweeps.planned" 2>/dev/null || echo '?')
	left=
	if [[ $state == running && $sweeps -gt 1 && $planned != '?' ]]; then
		passed=$(($(date +%s) - $(stat -c %Y "$folder/running")))
		left=", about $((passed * (planned - sweeps + 1) / (sweeps - 1) / 60)) min left"
	fi
	printf 'phase %d: %s; sweep %s of %s, %d runs%s\n' $phase "$state" "$sweeps" "$planned" "$runs" "$left"
done

# shellcheck shell=bash
# What the tests of sim and its drivers have in common: `load sim`.
#
# bats sets status, stderr and stderr_lines:
# shellcheck disable=SC2154

# count NAME: the number behind a name in $output
count() {
	awk -v line="^$1 +[0-9]+\$" '$0 ~ line { print $NF }' <<<"$output"
}

# refuses PATTERN COMMAND...: exit 1, nothing on stdout, one sentence on stderr
refuses() {
	local pattern=$1
	shift
	run --separate-stderr "$@"
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[[ ${stderr_lines[0]} =~ $pattern ]] || { echo "said: $stderr"; return 1; }
	[ "${#stderr_lines[@]}" -eq 1 ]
}

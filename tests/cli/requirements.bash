# shellcheck shell=bash
# What a command line test needs from the machine: `load requirements`, then in a test
#
#     require perf
#
# skips it with the reason where the machine lacks that, or fails it where REQUIRE=perf,… promises
# it. tests/requirements.h lists the names. scripts/run-tests sets BUILD and puts its programs first
# in PATH.

require() {
	local name why status
	for name in "$@"; do
		status=0
		why=$("$BUILD/tests/requirements" "$name") || status=$?
		case $status in
		0) ;;
		77) skip "$why" ;;
		*)
			echo "$why" >&2
			return 1
			;;
		esac
	done
}

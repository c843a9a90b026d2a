# shellcheck shell=bash
# Programs that are recorded must not notice.

# same_output COMMAND…: it prints the same and ends the same with and without `recorded COMMAND…`, which
# the file has.
same_output() {
	local plain watched plain_status=0 watched_status=0
	plain=$("$@") || plain_status=$?
	watched=$(recorded "$@") || watched_status=$?
	[ "$plain" = "$watched" ]
	[ "$plain_status" = "$watched_status" ]
}

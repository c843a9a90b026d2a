# shellcheck shell=bash
# What the recording x.prof has of allocations.

value() {
	sqlite3 x.prof "$1"
}

# total METRIC: the sum of its amounts.
total() {
	value "SELECT coalesce(sum(value), 0) FROM samples s JOIN metrics m ON m.id = s.metric
		WHERE m.name = '$1'"
}

meta() {
	value "SELECT coalesce((SELECT value FROM meta WHERE key = 'memory.$1'), 0)"
}

# site FUNCTION AMOUNT: an amount of the call sites in FUNCTION.
site() {
	collector memory --json -o x.json x.prof
	sqlite3 :memory: "SELECT coalesce(sum(json_extract(value, '\$.\"$2\"')), 0)
		FROM json_each(readfile('x.json'), '\$.sites')
		WHERE json_extract(value, '\$.function') = '$1'"
}

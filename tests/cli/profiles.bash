# shellcheck shell=bash
# Profiles of a known shape for the tests of the reports, and expected outputs.

# synthetic KIND [SIZE]: makes KIND.prof in the present folder.
synthetic() {
	"$BUILD/bench/synthetic_profile" "$1" "$1.prof" "${@:2}"
}

# assert_golden NAME FILE: FILE is what tests/golden/NAME holds; UPDATE_GOLDEN=1 rewrites it.
assert_golden() {
	local golden=$BATS_TEST_DIRNAME/../golden/$1
	if [[ -n ${UPDATE_GOLDEN-} ]]; then
		cp "$2" "$golden"
	fi
	diff -u "$golden" "$2"
}

# fails_with STATUS TEXT COMMAND…: the status, and one sentence on standard error that has TEXT.
fails_with() {
	local status=0 wanted=$1 text=$2 said
	shift 2
	said=$("$@" 2>&1 >/dev/null) || status=$?
	echo "status $status: $said"
	[[ $status -eq $wanted && $said == *"$text"* ]]
}

# ask FILE EXPRESSION: a JavaScript expression on the file's JSON, called "it"
ask() {
	node -p "const it = JSON.parse(require('fs').readFileSync('$1')); $2"
}

# sum: of the numbers on standard input, one a line
sum() {
	awk '{ sum += $1 } END { print sum + 0 }'
}

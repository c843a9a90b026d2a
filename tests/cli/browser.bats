#!/usr/bin/env bats
# The flame graph in a real browser: what is on the screen is what is in the profile.

load requirements
load profiles

setup() {
	require browser node
	cd "$BATS_TEST_TMPDIR"
}

# look CASE [KIND [SIZE]]: one case of tests/browser/flame.mjs on a synthetic profile
look() {
	synthetic "${2-small}" ${3+"$3"}
	reports flame -o picture.svg "${2-small}.prof"
	reports export --format folded -o folded "${2-small}.prof"
	timeout 120 node "$BATS_TEST_DIRNAME/../browser/flame.mjs" "$1" picture.svg folded
}

@test "every box has its place, width and details" {
	look boxes
}

@test "the boxes of 10,000 stacks are the profile's, and at most 4,000" {
	look boxes wide 10000
}

@test "click, breadcrumb, back and reset zoom" {
	look zoom
}

@test "a change shows what became of each call, and what is gone" {
	local i
	for i in 1 2 3 4 5 6 7 8; do
		"$BUILD/bench/synthetic_profile" replicate "base$i.prof" "$i"
		"$BUILD/bench/synthetic_profile" replicate "new$i.prof" $((100 + i))
	done
	reports flame --compare -o picture.svg base?.prof -- new?.prof
	timeout 120 node "$BATS_TEST_DIRNAME/../browser/flame.mjs" change picture.svg -
}

@test "a search says how much matches, counting nothing twice" {
	look search
}

@test "n and Enter walk the matches" {
	look walk
}

@test "the keyboard walks the calls" {
	look keys
}

@test "a screen reader hears the call that the keyboard is at" {
	look words
}

@test "callers and table show the same costs" {
	look callers
}

@test "light, dark and paper" {
	look themes
}

@test "a link leads back to the same view, or to the nearest caller" {
	look links
}

@test "the picture is there where scripts are blocked" {
	look blocked
}

@test "the viewer works in a data: page" {
	look sandboxed
}

@test "hostile names show as they are and run nothing" {
	look hostile hostile
}

#!/usr/bin/env bats
# The drivers of the engine's components: that they do what they count, and how they refuse.

bats_require_minimum_version 1.5.0

load sim

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

@test "every driver counts nothing but activity, and the same again" {
	for driver in spatial observation database decision resources; do
		"sim-$driver" >one
		"sim-$driver" >two
		cmp one two
		[ $driver != spatial ] || sim-spatial --index-update batched --urgent 0.1 >two
		run -0 awk '$NF > 0 { print $0 }' one two
		[ "$(grep -vcE '^(batche|dirty)' <<<"$output")" -eq "$(cat one two | grep -vcE '^(batche|dirty)')" ]
		run -0 "sim-$driver" --help
		[[ $output == *--seed=N* ]]
		refuses "'stray' belongs to no option" "sim-$driver" stray
		refuses "^sim-$driver: unrecognized option '--nonsense'\$" "sim-$driver" --nonsense
		run -1 bash -c "sim-$driver >/dev/full"
		[[ $output == *"cannot write to standard output"* ]]
		run -1 bash -c "sim-$driver --help >/dev/full"
		[[ $output == "sim-$driver: cannot write to standard output; "* ]]
	done
}

@test "sim-spatial finds the same with every index and every kind of update" {
	local spread index update first found
	for spread in uniform clustered; do
		first=
		for index in kdtree quadtree hash; do
			for update in rebuild incremental batched; do
				run -0 sim-spatial --entities 500 --rounds 3 --queries 100 --spread $spread \
					--index $index --index-update $update --batch 20
				found=$(grep -E 'found|queries|^moves' <<<"$output")
				[ "$found" = "${first:=$found}" ]
			done
		done
		output=$first
		[ "$(count 'nearby queries')" -eq 300 ]
		[ "$(count 'nearby found')" -ge 300 ]
		[ "$(count moves)" -eq 750 ]
	done
}

@test "sim-spatial counts batches and does one operation alone when told" {
	run -0 sim-spatial --operation update --rounds 2 --index-update batched --batch 20
	[ "$(count batches)" -eq 50 ]
	[ "$(count 'batched moves')" -gt 900 ]
	[ "$(count 'dirty regions')" -eq "$(count 'dirty regions processed')" ]
	[ "$(count 'dirty regions preferred')" -eq 0 ]
	run -0 sim-spatial --operation nearest --rounds 2 --queries 7
	[ "$(count builds)" -eq 1 ]
	[ "$(count 'nearest queries')" -eq 14 ]
	[ "$(count 'nearby queries')" -eq 0 ]
	[ "$(count moves)" -eq 0 ]
	run -0 sim-spatial --operation build --rounds 3
	[ "$(count builds)" -eq 3 ]
	refuses '--operation takes all, build, nearby, nearest, range or update, not' sim-spatial --operation sort
	refuses '--entities takes a whole number from 1 to' sim-spatial --entities 0
	refuses '--batch takes a whole number from 1 to 50' sim-spatial --batch 51
	refuses '--radius takes a number from 0 to' sim-spatial --radius -1
}

@test "sim-spatial hands urgent regions over first, some of them only when told, and finds the same" {
	local found first
	for options in '' '--urgent 0.1' '--urgent 0.1 --index-flush 5' '--urgent 1'; do
		# shellcheck disable=SC2086
		run -0 sim-spatial --rounds 3 --queries 100 --index-update batched $options
		found=$(grep -E 'found|queries|^moves' <<<"$output")
		[ "$found" = "${first:=$found}" ]
		case $options in
		'' | '--urgent 1') [ "$(count 'dirty regions preferred')" -eq 0 ] ;;
		'--urgent 0.1') [ "$(count 'dirty regions preferred')" -gt 50 ] ;;
		*) [ "$(count batches)" -gt 150 ] ;;
		esac
	done
	refuses '--index-flush does nothing with --index-update rebuild; ' sim-spatial --index-flush 5
	refuses '--urgent does nothing where no move waits; ' sim-spatial --urgent 0.5
	refuses '--index-flush takes a whole number from 1 to 50' sim-spatial --index-update batched --index-flush 51
}

@test "sim-observation sees the same with every storage and index" {
	run -0 sim-observation --agents 20 --rounds 10
	first=$(grep -E '^(observations|cells)' <<<"$output")
	[ "$(count observations)" -eq 200 ]
	for variant in '--observation dense' '--buffers fresh' '--index hash' '--resource-index quadtree'; do
		# shellcheck disable=SC2086
		run -0 sim-observation --agents 20 --rounds 10 $variant
		[ "$(grep -E '^(observations|cells)' <<<"$output")" = "$first" ]
	done
	run -0 sim-observation --agents 20 --rounds 10 --resource-layer memmap
	[ "$(count 'resource points')" -gt 20000 ]
	refuses '--width 5 is a world smaller than' sim-observation --width 5
	TMPDIR=/nonexistent refuses "cannot make the resource layer's file" sim-observation --resource-layer memmap
}

@test "sim-database writes what it counts" {
	for pattern in mixed actions states; do
		run -0 sim-database --records 1234 --pattern $pattern --database $pattern.db --flush-every 100
		[ "$(count transactions)" -eq 13 ]
		for table in agent_actions agent_states learning_experiences interactions; do
			[ "$(sqlite3 $pattern.db "SELECT count(*) FROM $table")" -eq "$(count "rows $table")" ]
		done
	done
	run -0 sim-database --records 1000 --database-buffer 50 --pattern actions --database-thread on
	[ "$(count transactions)" -eq 20 ]
	refuses 'its folder is missing' sim-database --database missing/log.db
	refuses '--flush-every does nothing with --database none; ' sim-database --database none --flush-every 5
	refuses '--database-thread does nothing with --database none; ' sim-database --database none --database-thread on
	refuses '--records takes a whole number from 1' sim-database --records -1
}

@test "sim-decision chooses the same one by one and in batches, and trains only when told" {
	run -0 sim-decision --agents 40 --rounds 20
	first=$output
	[ "$(count decisions)" -eq 800 ]
	[ "$(count trainings)" -gt 0 ]
	run -0 sim-decision --agents 40 --rounds 20 --decisions batched
	[ "$(grep -v forward <<<"$output")" = "$(grep -v forward <<<"$first")" ]
	[ "$(count 'forward passes')" -lt "$(awk '/^forward/ { print $NF }' <<<"$first")" ]
	run -0 sim-decision --agents 40 --rounds 20 --train off
	[ "$(count trainings)" -eq 0 ]
	for algorithm in ddqn ppo; do
		run -0 sim-decision --agents 40 --rounds 20 --algorithm $algorithm
		[ "$(count trainings)" -gt 0 ]
	done
	run -0 sim-decision --network seed --agents 2 --rounds 2 --train off
	[ "$(count 'forward passes')" -eq 4 ]
	refuses '--algorithm does nothing with --network none; ' sim-decision --algorithm ppo --network none
	refuses '--memory does nothing with --algorithm ppo; ' sim-decision --algorithm ppo --memory 300
	refuses '--batch 40 is more than' sim-decision --batch 40 --memory 20
}

@test "sim-resources takes no more than there was and has grown" {
	run -0 sim-resources --resources 50 --rounds 200
	[ "$(count searches)" -eq 20000 ]
	[ "$(count 'units taken')" -gt 1500 ]
	[ "$(count 'units taken')" -le $((50 * 30 + $(count 'units grown') + 1)) ]
	first=$output
	for index in quadtree hash; do
		run -0 sim-resources --resources 50 --rounds 200 --resource-index $index
		[ "$output" = "$first" ]
	done
	refuses '--regeneration-chance takes a number from 0 to 1' sim-resources --regeneration-chance 2
}

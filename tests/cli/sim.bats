#!/usr/bin/env bats
# The command line of sim: what a run says, what it leaves, how it fails.

bats_require_minimum_version 1.5.0

load sim

setup_file() {
	export SIM=${BUILD:-$BATS_TEST_DIRNAME/../../build}/bin/sim
	# The run that people are told to make; several tests look at what it said.
	"$SIM" --agents 200 >"$BATS_FILE_TMPDIR/default.txt"
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

@test "the default run with 200 agents has everything in it" {
	output=$(<"$BATS_FILE_TMPDIR/default.txt")
	for name in turns observations births 'deaths by starvation' 'deaths by combat' alive attacks \
		shares gathers 'reproductions tried' moves 'moves refused' defends passes \
		'agent index rebuilds' 'resource index rebuilds' 'forward passes' \
		'decisions at random' trainings transactions 'rows agents' 'rows agent deaths' \
		'rows agent_states' 'rows resource_states' 'rows simulation_steps' \
		'rows agent_actions' 'rows interactions' 'rows learning_experiences' \
		'rows health_incidents' 'rows reproduction_events' 'rows social_interactions'; do
		[ "$(count "$name")" -gt 0 ] || { echo "no $name"; return 1; }
	done
	[ "$(count steps)" -eq 1000 ]
	[ "$(count 'agent index rebuilds')" -gt 900 ]
}

@test "the counts of the default run agree with each other" {
	output=$(<"$BATS_FILE_TMPDIR/default.txt")
	acted=$(count turns)
	killed=$(count 'deaths by combat') # before its action, with two looks, or after it
	[ "$(count observations)" -ge $((3 * acted - killed)) ]
	[ "$(count observations)" -le $((3 * acted + 2 * killed)) ]
	[ "$(count 'rows agent_actions')" -eq "$acted" ]
	[ "$(count 'forward passes')" -ge $((acted + 2 * $(count trainings))) ]
	[ "$(count 'forward passes')" -le $((acted + killed + 2 * $(count trainings))) ]
	deaths=$(($(count 'deaths by starvation') + $(count 'deaths by combat')))
	[ "$(count alive)" -eq $((200 + $(count births) - deaths)) ]
	[ "$(count 'rows agents')" -eq $((200 + $(count births))) ]
	[ "$(count 'rows agent deaths')" -eq "$deaths" ]
	[ "$(count 'rows social_interactions')" -eq "$(count shares)" ]
	[ "$(count 'rows resource_states')" -eq $((1000 * 134)) ]
}

@test "a log file holds what the summary says" {
	run -0 "$SIM" --agents 40 --steps 60 --database log.db
	for table in agents agent_states resource_states simulation_steps agent_actions interactions \
		learning_experiences health_incidents reproduction_events social_interactions; do
		[ "$(sqlite3 log.db "SELECT count(*) FROM $table")" -eq "$(count "rows $table")" ]
	done
	[ "$(sqlite3 log.db "SELECT status FROM simulations")" = completed ]
	[ "$(sqlite3 log.db "SELECT json_extract(parameters, '$.agents') FROM simulations")" -eq 40 ]
	[ "$(sqlite3 log.db "SELECT json_extract(results_summary, '$.turns') FROM simulations")" \
		-eq "$(count turns)" ]
	[ "$(sqlite3 log.db "PRAGMA integrity_check")" = ok ]
	[ "$(ls)" = log.db ]
}

@test "nothing is left behind unless asked for, and none logs nothing" {
	run -0 "$SIM" --steps 5
	[ "$(count 'rows simulation_steps')" -eq 5 ]
	run -0 "$SIM" --steps 5 --database none
	[ -z "$(count transactions)" ]
	[ -z "$(ls)" ]
}

@test "the same seed gives the same trace, with any log, and another seed another" {
	"$SIM" --agents 60 --steps 40 --state-hash >one 2>summary
	"$SIM" --agents 60 --steps 40 --state-hash --database none >same 2>/dev/null
	"$SIM" --agents 60 --steps 40 --state-hash --database log.db >logged 2>/dev/null
	"$SIM" --agents 60 --steps 40 --state-hash --seed 2 >other 2>/dev/null
	cmp one same
	cmp one logged
	[ "$(wc -l <one)" -eq 40 ]
	[ "$(grep -cE '^[0-9]+ [0-9a-f]{16}$' one)" -eq 40 ]
	[ "$(head -1 one | cut -d' ' -f1)" -eq 0 ]
	[ -z "$(comm -12 <(sort one) <(sort other))" ]
	grep -q '^turns ' summary
}

@test "another optimisation level gives the same trace" {
	other=$BATS_TEST_TMPDIR/other
	env -u MAKEFLAGS -u MAKELEVEL make -C "$BATS_TEST_DIRNAME/../.." SAN= B="$other" CFLAGS=-O0 "$other/bin/sim"
	for options in '' '--algorithm ppo --observations 1' '--network seed --agents 6 --steps 3'; do
		# shellcheck disable=SC2086
		"$SIM" --agents 40 --steps 20 --state-hash --database none $options >usual 2>/dev/null
		# shellcheck disable=SC2086
		"$other/bin/sim" --agents 40 --steps 20 --state-hash --database none $options >unusual 2>/dev/null
		cmp usual unusual
		[ -s usual ]
	done
}

@test "options decide what the world is like" {
	run -0 "$SIM" --agents 7 --steps 3 --seed 5 --width 60 --height 40 --resources 11
	[ "${lines[0]}" = "7 agents, 11 resources, world 60 x 40, seed 5: completed" ]
	[ "$(count 'rows resource_states')" -eq 33 ]
	run -0 "$SIM" --agents 300 --steps 1
	[[ ${lines[0]} == "300 agents, 200 resources, world 100 x 100, "* ]]
}

@test "the population stays within its limit" {
	run -0 "$SIM" --agents 20 --resources 200 --steps 300 --max-population 25 --database log.db
	[ "$(sqlite3 log.db "SELECT max(total_agents) FROM simulation_steps")" -eq 25 ]
}

@test "a world in which all died says so and ends" {
	run -0 "$SIM" --agents 3 --resources 1 --steps 100000 --max-population 3 --database log.db
	[[ ${lines[0]} == *": extinct" ]]
	[ "$(count alive)" -eq 0 ]
	[ "$(count steps)" -lt 100000 ]
	[ "$(sqlite3 log.db "SELECT status FROM simulations")" = extinct ]
}

# ends_on SIGNAL: a run without end is ended by the signal, cleanly
ends_on() {
	# A shell starts background jobs with SIGINT ignored, and that stays so.
	env --default-signal="$1" "$SIM" --agents 20 --steps 0 --database log.db >out 2>err &
	local sim=$! waited=0
	until [ -n "$(sqlite3 -readonly log.db "SELECT 1 FROM agent_actions LIMIT 1" 2>/dev/null)" ]; do
		sleep 0.1
		((++waited < 300))
	done
	kill -s "$1" "$sim"
	wait "$sim"
	[ ! -s err ]
	output=$(<out)
	[[ $output == *": interrupted"* ]]
	[ "$(count steps)" -gt 0 ]
	[ "$(sqlite3 log.db "SELECT status FROM simulations WHERE end_time NOT NULL")" = interrupted ]
	[ "$(sqlite3 log.db "SELECT count(*) FROM simulation_steps")" -eq "$(count steps)" ]
	[ "$(sqlite3 log.db "SELECT count(*) FROM agent_actions")" -eq "$(count 'rows agent_actions')" ]
}

@test "SIGTERM ends a run without end, and the log is complete" {
	ends_on TERM
}

@test "SIGINT ends a run without end, and the log is complete" {
	ends_on INT
}

@test "SIGHUP ends a run without end, and the log is complete" {
	ends_on HUP
}

@test "signals that are ignored from the beginning end nothing" {
	env --ignore-signal=INT,HUP "$SIM" --agents 20 --steps 0 --state-hash --database none >trace 2>err &
	local sim=$! waited=0 steps
	until [ -s trace ]; do
		sleep 0.1
		((++waited < 300))
	done
	kill -s INT "$sim"
	kill -s HUP "$sim"
	steps=$(wc -l <trace)
	until [ "$(wc -l <trace)" -gt $((steps + 5)) ]; do
		sleep 0.1
		((++waited < 300))
	done
	kill -s TERM "$sim"
	wait "$sim"
	[[ $(<err) == *": interrupted"* ]]
}

@test "a step that takes too long is ended by the third signal" {
	# All in one place: everybody sees everybody, and the first step takes hours.
	"$SIM" --agents 100000 --width 6 --height 6 --network none --database log.db >out 2>err &
	local sim=$! status=0 waited=0
	# Agents are logged as they are made; with the last of them the step begins.
	until [ "$(sqlite3 -readonly log.db 'SELECT count(*) FROM agents' 2>/dev/null || echo 0)" -ge 99000 ]; do
		sleep 0.1
		((++waited < 300))
	done
	sleep 1
	for ((i = 0; i < 50 && status == 0; i++)); do
		kill -s TERM "$sim" 2>/dev/null || status=1
		sleep 0.1
	done
	status=0
	wait "$sim" || status=$?
	[ "$status" -eq 143 ]
	[ "$(sqlite3 log.db "SELECT status FROM simulations")" = running ]
}

@test "a killed run leaves a log that can be read up to its last flush" {
	"$SIM" --agents 100 --steps 0 --database log.db >/dev/null &
	local sim=$! waited=0
	until [ -n "$(sqlite3 -readonly log.db "SELECT 1 FROM agent_actions LIMIT 1" 2>/dev/null)" ]; do
		sleep 0.1
		((++waited < 300))
	done
	kill -s KILL "$sim"
	wait "$sim" || true
	[ "$(sqlite3 log.db "PRAGMA integrity_check")" = ok ]
	[ "$(sqlite3 log.db "SELECT count(*) > 0 FROM agent_states")" -eq 1 ]
	[ "$(sqlite3 log.db "SELECT status FROM simulations")" = running ]
}

@test "help and version" {
	run -0 "$SIM" --help
	for option in agents steps seed width height resources max-population database state-hash; do
		[[ $output == *"--$option"* ]]
	done
	run -0 "$SIM" --version
	[[ $output =~ ^sim\ [0-9]+\.[0-9]+ ]]
	for option in help version; do
		run -1 bash -c '"$SIM" --$1 >/dev/full' - $option
		[[ $output == "sim: cannot write to standard output; "* ]]
	done
}

@test "more than this machine's memory is refused before anything is made" {
	refuses "1000000 agents need .* GB of memory, .* this machine has .* GB; try fewer --agents" \
		"$SIM" --agents 1000000 --network seed --sharing agent
	refuses "30 agents need .* less --memory or a smaller network" "$SIM" --memory 10000000
	refuses "30 agents need .* less --memory or a smaller network" "$SIM" --memory 10000000 --sharing agent
}

@test "a population that may outgrow this machine's memory is told, and a birth without memory ends the run" {
	run -0 --separate-stderr "$SIM" --agents 3 --steps 1 --sharing agent --max-population 100000
	# shellcheck disable=SC2154 # bats sets stderr
	[[ $stderr == "sim: 100000 agents, which --max-population allows, and what they learn by take up to "* ]]
	# shellcheck disable=SC2154 # bats sets stderr_lines
	[ "${#stderr_lines[@]}" -eq 1 ]
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount a file in the place of another"
	printf 'MemAvailable: 1000 kB\nSwapFree: 24 kB\n' >meminfo
	unshare --mount mount --bind meminfo /proc/meminfo || skip "may not mount"
	refuses 'no memory for what another agent learns by .up to 0.0.. GB, and 0.001 GB are left with [0-9]+ agents.; try ' \
		unshare --mount sh -c 'mount --bind meminfo /proc/meminfo && exec "$@"' - \
		"$SIM" --agents 30 --resources 200 --sharing agent --database log.db
	[ "$(sqlite3 log.db "SELECT status FROM simulations WHERE end_time NOT NULL")" = interrupted ]
	[ "$(sqlite3 log.db "SELECT count(*) > 0 FROM reproduction_events WHERE failure_reason = 'memory'")" -eq 1 ]
	[ "$(sqlite3 log.db "SELECT count(*) > 0 FROM simulation_steps")" -eq 1 ]
}

@test "a run that gets too little memory ends at once with a sentence, and one that has enough goes on" {
	nm -u "$SIM" | grep -qE '__(a|t)san_init' && skip "the sanitizer takes all addresses there are"
	local bytes threads
	for bytes in 60000000 100000000 125000000 200000000; do
		for threads in 1 3; do
			refuses 'out of memory; try fewer --agents or a lower --max-population' timeout -s KILL 30 \
				prlimit --as=$bytes "$SIM" --agents 20000 --width 1000 --height 1000 --steps 5 --threads $threads
		done
	done
	run -0 timeout -s KILL 30 prlimit --as=50000000 "$SIM" --network none --steps 5
	refuses 'OpenBLAS needs 144 MB of memory for each of 1 threads; raise ulimit -v, or take --blas own' \
		timeout -s KILL 30 prlimit --as=120000000 "$SIM" --steps 5 --blas openblas
}

@test "OpenBLAS is loaded only when it is wanted, and starts no thread" {
	run -0 "$SIM" --steps 30 --agents 20 --database none --blas openblas
	[ "$(count trainings)" -gt 0 ]
	run ! grep -q openblas <(ldd "$SIM")
	"$SIM" --steps 0 --agents 20 --database none --blas openblas >out &
	local sim=$! waited=0
	until grep -q openblas /proc/$sim/maps; do
		sleep 0.1
		((++waited < 300))
	done
	[ "$(find /proc/$sim/task -mindepth 1 -maxdepth 1 | wc -l)" -eq 1 ]
	kill $sim
	wait $sim
}

@test "a log that cannot be written is refused with the remedy" {
	refuses 'its folder is missing or may not be written to; choose another' \
		"$SIM" --steps 5 --database missing/log.db
	for place in . /dev/full /dev/null; do
		refuses "$place is no file but a folder, device or pipe; choose another --database" \
			"$SIM" --steps 5 --database $place
	done
	[ ! -e /dev/full-journal ]
	mkdir read-only
	touch read-only/log.db
	chmod 555 read-only
	chmod 444 read-only/log.db
	if [ "$(id -u)" -eq 0 ]; then
		command -v setpriv >/dev/null
		chmod 755 . "$BATS_RUN_TMPDIR" "$BATS_TEST_TMPDIR"
		refuses 'choose a' setpriv --reuid 65534 --clear-groups "$SIM" --steps 5 \
			--database "$PWD/read-only/log.db"
	else
		refuses 'choose a' "$SIM" --steps 5 --database read-only/log.db
		chmod 755 read-only # so that it can be cleared away
	fi
}

@test "too many open files are told as that, and a name with a line end in one line" {
	# Numbers 3 and 4, which this shell may have open, are enough to load libraries.
	refuses 'too many files are open; raise ulimit -n' \
		bash -c 'exec prlimit --nofile=5 "$SIM" --steps 5 --database log.db 3>&- 4>&-'
	refuses 'cannot write the log missing./log.db ' "$SIM" --steps 5 --database $'missing\n/log.db'
}

@test "a log of another program, or none at all, is left as it is" {
	sqlite3 foreign.db 'CREATE TABLE letters (text)'
	cp foreign.db before.db
	refuses 'is a database of another program' "$SIM" --steps 5 --database foreign.db
	cmp foreign.db before.db
	yes 'dear reader' | head -500 >letter.txt
	cp letter.txt before.txt
	refuses 'is no SQLite database' "$SIM" --steps 5 --database letter.txt
	cmp letter.txt before.txt
}

@test "a locked log is refused" {
	"$SIM" --steps 2 --database log.db >/dev/null
	mkfifo hold
	sqlite3 log.db <hold >held &
	local holder=$! waited=0
	exec 7>hold
	echo 'BEGIN EXCLUSIVE; SELECT 1;' >&7
	until [ -s held ]; do
		sleep 0.1
		((++waited < 300))
	done
	refuses 'another program keeps it locked' "$SIM" --steps 2 --database log.db
	exec 7>&-
	wait "$holder"
}

@test "a disk that fills up while running ends the run with a sentence and a readable log" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount a small file system"
	mkdir small
	mount -t tmpfs -o size=2m small small || skip "may not mount"
	run --separate-stderr "$SIM" --agents 50 --steps 2000 --database small/log.db
	integrity=$(sqlite3 -readonly small/log.db "PRAGMA integrity_check")
	rows=$(sqlite3 -readonly small/log.db "SELECT count(*) FROM agent_actions")
	umount small
	[ "$status" -eq 1 ]
	[ -z "$output" ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == *"the disk is full; make room or choose another --database"* ]]
	[ "$integrity" = ok ]
	[ "$rows" -gt 1000 ]
}

@test "a limit of the file's size ends the run with a sentence and a readable log" {
	local thread
	for thread in off on; do
		run --separate-stderr bash -c 'ulimit -f 1000; exec "$SIM" --agents 50 --steps 2000 \
			--database log.$1.db --database-thread $1' - $thread
		[ "$status" -eq 1 ]
		[ -z "$output" ]
		[ "${#stderr_lines[@]}" -eq 1 ]
		[[ $stderr == *"the file has become as large as ulimit -f allows; raise the limit or"* ]]
		[ "$(sqlite3 log.$thread.db 'PRAGMA integrity_check')" = ok ]
		[ "$(sqlite3 log.$thread.db 'SELECT count(*) FROM agent_actions')" -gt 1000 ]
	done
}

@test "an output that is closed, full or gone is noticed, and the log is completed" {
	run -1 bash -c '"$SIM" --steps 5 >&-'
	[[ $output == "sim: standard output is closed; "* ]]
	run -1 bash -c '"$SIM" --steps 5 --database log.db >/dev/full'
	[[ $output == "sim: cannot write to standard output (No space left on device); "* ]]
	[ "$(sqlite3 log.db "SELECT status FROM simulations")" = completed ]
	run -1 bash -c '"$SIM" --steps 5000 --state-hash 2>said | true; exit "${PIPESTATUS[0]}"'
	[[ $(<said) == "sim: cannot write to standard output (Broken pipe); "* ]]
}

@test "index, its updates, storage and buffers change no trace" {
	local index update first
	first=$("$SIM" --agents 40 --width 50 --height 50 --steps 20 --state-hash --database none 2>/dev/null)
	for index in kdtree quadtree hash; do
		for update in rebuild incremental batched 'batched --index-urgency danger --index-flush 10'; do
			# shellcheck disable=SC2086
			run -0 --separate-stderr "$SIM" --agents 40 --width 50 --height 50 --steps 20 --state-hash \
				--database none --index $index --index-update $update
			[ "$output" = "$first" ]
		done
	done
	run -0 --separate-stderr "$SIM" --agents 40 --width 50 --height 50 --steps 20 --state-hash \
		--database none --observation dense --buffers fresh
	[ "$output" = "$first" ]
}

@test "batched updates go by their urgency, which the log tells step by step, and the trace is the same" {
	local urgency preferred
	for urgency in equal danger; do
		run -0 --separate-stderr "$SIM" --agents 200 --width 300 --height 300 --steps 40 --state-hash \
			--database $urgency.db --index-update batched --index-urgency $urgency --index-flush 10
		echo "$output" >trace.$urgency
		preferred=$(awk '/^dirty regions preferred/ { print $NF }' <<<"$stderr")
		[ "$(sqlite3 $urgency.db 'SELECT sum(index_regions_preferred) FROM simulation_steps')" -eq "$preferred" ]
		[ "$(sqlite3 $urgency.db 'SELECT sum(index_dirty_regions) >= sum(index_regions_processed) AND
			sum(index_regions_processed) > 1000 AND
			min(index_dirty_regions) > 0 AND max(index_average_batch) > 5 FROM simulation_steps')" -eq 1 ]
		if [ $urgency = equal ]; then [ "$preferred" -eq 0 ]; else [ "$preferred" -gt 100 ]; fi
	done
	cmp trace.equal trace.danger
}

@test "the radius says how far agents see, and storage, threads and index still change no trace" {
	local radius first
	for radius in 1 9 20; do
		first=$("$SIM" --radius $radius --agents 20 --steps 8 --state-hash --database none 2>/dev/null)
		run -0 --separate-stderr "$SIM" --radius $radius --agents 20 --steps 8 --state-hash --database none \
			--observation dense --threads 2 --index quadtree --decisions batched
		[ "$output" = "$first" ]
		traces+=$first
	done
	[ "$(grep -o '[0-9a-f]\{16\}' <<<"$traces" | sort | uniq -d)" = "" ]
	refuses '--radius takes a whole number from 1 to 20, not' "$SIM" --radius 0
	refuses '--width 19 is a world smaller than the observation radius; take at least 20' "$SIM" --radius 20 --width 19
	run -0 "$SIM" --radius 1 --width 1 --height 1 --agents 3 --steps 5
}

@test "agents look as often as told: two looks give the trace of three, one another" {
	local looks
	for looks in 1 2 3; do
		"$SIM" --agents 40 --steps 20 --state-hash --database none --observations $looks >trace.$looks 2>summary.$looks
	done
	cmp trace.2 trace.3
	run -1 cmp -s trace.1 trace.3
	for looks in 1 2 3; do
		output=$(<summary.$looks)
		[ "$(count observations)" -le $(($(count turns) * looks + 40 + $(count births))) ]
		[ "$(count observations)" -ge $((($(count turns) - $(count 'deaths by combat')) * looks)) ]
	done
	refuses '--observations takes a whole number from 1 to 3, not' "$SIM" --observations 0
	refuses '--observations takes a whole number from 1 to 3, not' "$SIM" --observations 4
}

@test "the resources' index may be of another kind, and changes no trace" {
	first=$("$SIM" --agents 40 --steps 10 --state-hash --database none 2>/dev/null)
	for index in same kdtree quadtree hash; do
		run -0 --separate-stderr "$SIM" --agents 40 --steps 10 --state-hash --database none \
			--index hash --resource-index $index
		[ "$output" = "$first" ]
	done
	refuses "--resource-index takes kdtree, quadtree, hash or same, not 'list'" "$SIM" --resource-index list
}

@test "more indices are kept under their names, and change no trace" {
	first=$("$SIM" --agents 40 --steps 10 --state-hash --database none 2>/dev/null)
	run -0 --separate-stderr "$SIM" --agents 40 --steps 10 --state-hash --database none \
		--more-indices hash,kdtree --index-update batched
	[ "$output" = "$first" ]
	[[ $stderr =~ agents_kdtree\ rebuilds\ +[1-9] && $stderr =~ resources_hash\ rebuilds\ +[0-9] ]]
	run -0 "$SIM" --more-indices hash,kdtree --print-config
	[[ $output == *"more_indices = kdtree,hash"* ]]
	for kinds in tree hash,hash 'hash,' ''; do
		refuses "--more-indices takes none, or some of kdtree, quadtree and hash with commas between, not '$kinds'" \
			"$SIM" --more-indices "$kinds"
	done
}

@test "the mapped resource layer runs in the smallest world and leaves no file" {
	mkdir folder
	TMPDIR=$PWD/folder run -0 "$SIM" --resource-layer memmap --width 6 --height 6 --agents 5 --steps 20
	[ -z "$(ls folder)" ]
}

@test "a mapped resource layer without a place for its file is told" {
	TMPDIR=/nonexistent refuses \
		'cannot make the resource layer'\''s file in /nonexistent .No such file or directory.; set TMPDIR' \
		"$SIM" --resource-layer memmap
}

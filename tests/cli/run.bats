#!/usr/bin/env bats
# collector run: the target's life stays its own, and every way to fail says what to do.

bats_require_minimum_version 1.5.0
load requirements

setup() {
	require perf
	cd "$BATS_TEST_TMPDIR"
}

# Uses $1 tenths of a second of CPU, more or less.
burn='i=0; while [ $i -lt 40000 ]; do i=$((i+1)); done'

samples() {
	sqlite3 "$1" 'SELECT count(*) FROM samples'
}

state() {
	sqlite3 "$1" "SELECT value FROM meta WHERE key = 'state'"
}

@test "leaves a profile and a picture named after the program" {
	run collector run -- sh -c "$burn"
	[ "$status" -eq 0 ]
	[ "$(state sh.prof)" = complete ]
	[ "$(samples sh.prof)" -gt 10 ]
	xmllint --noout sh.svg
	[[ $output == *"sh.prof"* && $output == *"sh.svg"* ]]
	[ "$(ls)" = "$(printf 'sh.prof\nsh.svg')" ]
}

@test "keeps files of the same name as .old" {
	collector run -q -- sh -c "$burn"
	first=$(sqlite3 sh.prof "SELECT value FROM meta WHERE key = 'start_time'")
	collector run -q -- sh -c "$burn"
	[ "$(sqlite3 sh.prof.old "SELECT value FROM meta WHERE key = 'start_time'")" = "$first" ]
	[ -s sh.svg.old ]
}

@test "-o names both results, with or without .prof" {
	mkdir out
	collector run -q -o out/a -- true
	collector run -q -o out/b.prof -- true
	[ "$(ls out)" = "$(printf 'a.prof\na.svg\nb.prof\nb.svg')" ]
}

@test "the program's exit status is its own" {
	run collector run -q -- sh -c 'exit 42'
	[ "$status" -eq 42 ]
	run collector run -q -- sh -c 'kill -SEGV $$'
	[ "$status" -eq 139 ]
	[ "$(state sh.prof)" = complete ]
	run collector run -q -- sh -c "$burn; kill -KILL \$\$"
	[ "$status" -eq 137 ]
	[ "$(samples sh.prof)" -gt 10 ]
}

@test "how the program ended is said when it is worth a word" {
	run collector run -- sh -c 'kill -SEGV $$'
	[[ $output == *"killed by signal 11 (Segmentation fault)"* ]]
	run collector run -- sh -c "$burn; kill -KILL \$\$"
	[[ $output == *"killed by signal 9 (Killed)"* ]]
	[ "$(collector summary --json sh.prof | grep -c '"signal": 9')" -eq 1 ]
	run collector run -- sh -c 'exit 139'
	[[ $output == *"exit status 139"* && $output != *signal* ]]
	run collector run -- true
	[[ $output != *"exit status"* ]]
}

@test "signals that programs use among themselves are passed on" {
	local signal
	for signal in USR1 USR2 ALRM HUP QUIT; do
		collector run -q -o x -- perl -e '$SIG{$ARGV[0]} = sub { exit 9 }; open F, ">ready"; print F "x"; close F; 1 while 1' $signal 3>&- &
		collector=$!
		wait_for ready
		kill -$signal $collector
		status=0
		wait $collector || status=$?
		[ "$status" -eq 9 ] || { echo "$signal: $status"; false; }
		[ "$(state x.prof)" = complete ]
		rm ready
	done
}

@test "a limit on the size of files is one sentence, before the program starts" {
	run bash -c 'ulimit -f 10; exec collector run -o x -- touch started'
	[ "$status" -eq 125 ]
	[[ $output == *"\`ulimit -f\` allows 10240 bytes a file"* ]]
	[ ! -e started ]
	# And the program sees its own limit as ever.
	run bash -c 'ulimit -f 2000; exec collector run -q -o y -- sh -c "head -c 3000000 /dev/zero >big"'
	[ "$status" -eq 153 ]
}

@test "a program that exits at once leaves a valid profile and picture" {
	run collector run -- true
	[ "$status" -eq 0 ]
	[ "$(state true.prof)" = complete ]
	xmllint --noout true.svg
}

@test "a missing program is 127 and leaves nothing, not even for an old profile" {
	collector run -q -o kept -- true
	run -127 collector run -o kept -- ./nosuch
	[ "$status" -eq 127 ]
	[ "$output" = "collector run: there is no program ./nosuch; look at its path" ]
	[ "$(state kept.prof)" = complete ]
	[ ! -e kept.prof.old ]
	run -127 collector run -- nosuch-program
	[ "$status" -eq 127 ]
	[ "$output" = "collector run: nosuch-program: not found in PATH" ]
	[ ! -e nosuch-program.prof ]
}

@test "a file that cannot be executed is 126" {
	echo text >plain
	run collector run -- ./plain
	[ "$status" -eq 126 ]
	[[ $output == "collector run: cannot execute ./plain: Permission denied;"*"chmod +x ./plain"* ]]
	[ ! -e plain.prof ]
	run collector run -o folder -- /tmp
	[ "$status" -eq 126 ]
	[ "$output" = "collector run: cannot execute /tmp: it is a folder" ]
}

@test "a program that cannot be started says so with probes, too" {
	require bpf
	run -127 collector run --time main -- ./nosuch
	[ "$output" = "collector run: there is no program ./nosuch; look at its path" ]
	echo text >plain
	run -126 collector run --time main -- ./plain
	[[ $output == "collector run: cannot execute ./plain: Permission denied;"* ]]
	run -126 collector run --time main -- /tmp
	[ "$output" = "collector run: cannot execute /tmp: it is a folder" ]
	run -125 collector run --time nosuch -- true
	[ ! -e plain.prof ]
}

@test "a script whose interpreter is missing says so" {
	printf '#!/no/such/interpreter\n' >script
	chmod +x script
	run -127 collector run -- ./script
	[ "$status" -eq 127 ]
	[[ $output == *"interpreter"* ]]
}

@test "bad option values are one sentence and 125" {
	local bad
	for bad in '-F 0' '-F 10000000' '-F abc' '-F -5' '-F' '-e nosuch' '--nosuch' ''; do
		# shellcheck disable=SC2086
		run collector run $bad
		[ "$status" -eq 125 ] || { echo "$bad: $status"; false; }
		[[ $output == "collector run: "* ]]
	done
	[ -z "$(ls)" ]
}

@test "the collector names its commands, and refuses others" {
	run collector --help
	[ "$status" -eq 0 ]
	[[ $output == *"collector run -- ./sim --agents 200"* ]]
	run collector
	[ "$status" -eq 1 ]
	run collector nosuch
	[ "$status" -eq 1 ]
	[[ $output == "collector: there is no command 'nosuch'"* ]]
	run collector --version
	[[ $output == "collector "[0-9]* ]]
	run collector run --help
	[ "$status" -eq 0 ]
	[[ $output == *"Exit status"* ]]
}

@test "a folder that is missing or refuses is told before the program starts" {
	run collector run -o nodir/x -- touch started
	[ "$status" -eq 125 ]
	[[ $output == *"nodir/x.prof: No such file or directory"* ]]
	run collector run -o /proc/x -- touch started
	[ "$status" -eq 125 ]
	[ ! -e started ]
}

@test "a user without rights gets a user-space profile of his own programs" {
	require root
	[ "$(cat /proc/sys/kernel/perf_event_paranoid)" -le 2 ] || skip "perf_event_paranoid is above 2"
	# The folders above the test's own are closed to others.
	theirs=$(mktemp -d)
	chmod 777 "$theirs"
	cp "$(command -v collector)" "$(command -v reports)" "$theirs"
	cd "$theirs"
	run setpriv --reuid=65534 --regid=65534 --clear-groups ./collector run -- sh -c "$burn"
	[ "$status" -eq 0 ]
	[ "$(sqlite3 sh.prof "SELECT value FROM meta WHERE key = 'engine'")" = cpu-clock-user ]
	[[ $output == *"kernel code is not seen"* ]]
	[ "$(samples sh.prof)" -gt 10 ]
	chmod 755 .
	run setpriv --reuid=65534 --regid=65534 --clear-groups ./collector run -o x -- touch started
	[ "$status" -eq 125 ]
	[[ $output == *"x.prof: Permission denied"* ]]
	rm -r "$theirs"
}

@test "a full disk ends the recording, not the program" {
	require mount
	mkdir small
	cat >fill <<-'SH'
		mount -t tmpfs -o size=200k none small || exit 99
		collector run -F 9000 -o small/x -- sh -c 'i=0; while [ $i -lt 1500000 ]; do i=$((i+1)); done; echo unharmed; exit 7'
		echo "status $?"
		collector functions small/x.prof >functions.txt || echo "functions failed"
	SH
	run unshare -m sh fill
	[[ $output == *unharmed* ]]
	[[ $output == *"disk is full"* ]]
	[[ $output == *"status 7"* ]]
	[[ $output != *"functions failed"* ]]
}

@test "standard input, output and error pass through untouched" {
	head -c 300000 /dev/urandom >in
	collector run -q -o x -- sh -c 'tee /dev/stderr' <in >out 2>err
	cmp in out
	cmp in err
}

@test "the program sees the same descriptors, signals, environment and folder" {
	cat >look <<-'SH'
		ls -l /proc/self/fd | awk '{print $9}' | sort
		grep -E '^Sig(Blk|Ign|Cgt)' /proc/self/status
		env | grep -v '^_='
		pwd
		ps -o pgid= -p $$ | tr -d ' '
	SH
	sh look </dev/null >without
	collector run -q -o x -- sh look </dev/null >with 2>/dev/null
	# The process group is the caller's in both cases.
	diff without with
}

@test "all children and threads are recorded" {
	collector run -q -o x -- sh -c "($burn) & ($burn) & ($burn) & wait"
	[ "$(sqlite3 x.prof 'SELECT count(DISTINCT pid) FROM threads JOIN samples ON thread = threads.id')" -ge 3 ]
}

@test "short-lived programs one after the other keep their names" {
	collector run -q -F 4999 -o x -- sh -c 'for i in $(seq 60); do ls -R /usr/share/doc/bash >/dev/null; done'
	[ "$(sqlite3 x.prof "SELECT count(*) FROM threads WHERE name = 'ls'")" -eq 60 ]
	[ "$(sqlite3 x.prof "SELECT value FROM meta WHERE key = 'lost.side_ring_full'")" -eq 0 ]
}

# A program that counts the signals it gets and ends on USR1.
signal_counter() {
	cat >counter <<-'SH'
		n=0
		trap 'n=$((n+1)); echo $n >interrupted' INT
		trap 'echo term' TERM
		trap 'echo "interrupts $n"; exit 5' USR1
		echo $$ >pid
		while :; do sleep 0.05; done
	SH
}

wait_for() {
	local i
	for ((i = 0; i < 1200; i++)); do
		[ -s "$1" ] && return
		sleep 0.05
	done
	false
}

@test "an interrupt goes to the program, once, and the profile is written" {
	signal_counter
	env --default-signal=INT collector run -q -o x -- sh counter >out 2>err 3>&- &
	collector=$!
	wait_for pid
	kill -INT $collector
	wait_for interrupted
	sleep 0.3 # a second one would have come by then
	kill -USR1 "$(cat pid)"
	status=0
	wait $collector || status=$?
	[ "$status" -eq 5 ]
	[ "$(cat out)" = "interrupts 1" ]
	[ "$(state x.prof)" = complete ]
}

@test "a second interrupt ends the collector; the program runs on and the profile is valid" {
	signal_counter
	env --default-signal=INT collector run -o x -- sh counter >out 2>err 3>&- &
	collector=$!
	wait_for pid
	kill -INT $collector
	wait_for interrupted
	sleep 0.7 # together they would be one wish
	kill -INT $collector
	status=0
	wait $collector || status=$?
	[ "$status" -eq 130 ]
	kill -0 "$(cat pid)"
	kill -USR1 "$(cat pid)"
	[ "$(state x.prof)" = "stopped: interrupted twice" ]
	grep -q "interrupted twice" err
}

@test "a collector that is killed leaves a file that opens, and the program unharmed" {
	collector run -q -o x -- sh -c 'echo $$ >pid; until [ -e end ]; do :; done; echo done >result' 3>&- &
	collector=$!
	wait_for pid
	local waited=0
	until [ "$(samples x.prof 2>/dev/null || echo 0)" -gt 100 ]; do
		sleep 0.1
		((++waited < 600))
	done
	kill -KILL $collector
	wait $collector || true
	touch end
	wait_for result
	[ "$(cat result)" = "done" ]
	[ "$(state x.prof)" = recording ]
	[ "$(samples x.prof)" -gt 100 ]
	run collector summary x.prof
	[ "$status" -eq 0 ]
	[[ $output == *incomplete* ]]
}

@test "works with standard error closed" {
	run sh -c 'collector run -o x -- sh -c "exit 3" 2>&-'
	[ "$status" -eq 3 ]
	[ "$(state x.prof)" = complete ]
}

@test "without reports beside it, says so and keeps the profile" {
	cp "$(command -v collector)" ./alone
	run env PATH=/usr/bin:/bin ./alone run -o x -- sh -c 'exit 4'
	[ "$status" -eq 4 ]
	[[ $output == *"cannot run the program reports"* ]]
	[ "$(state x.prof)" = complete ]
}

@test "the engine's results are the same with and without the collector" {
	sim --agents 60 --steps 60 --seed 7 --state-hash --database none | grep -v steps/s >without
	engines=("cpu-clock-user -F 2000")
	[ "$EUID" -ne 0 ] || engines+=("cpu-clock -F 2000" tick)
	! "$BUILD/tests/requirements" cycles || engines+=("cycles -F 2000" cycles-user)
	for engine in "${engines[@]}"; do
		# shellcheck disable=SC2086
		collector run -q -e $engine -o x -- sim --agents 60 --steps 60 --seed 7 --state-hash --database none |
			grep -v steps/s >with
		diff without with
	done
	[ "$(wc -l <without)" -eq 60 ]
}

@test "a full disk leaves names, the reason and the number of samples it cost" {
	require mount
	mkdir small
	cat >fill <<-'SH'
		mount -t tmpfs -o size=400k none small || exit 99
		collector run -F 9000 -o small/x -- sh -c 'i=0; while [ $i -lt 2500000 ]; do i=$((i+1)); done; exit 7'
		echo "status $?"
		collector summary small/x.prof
		sqlite3 small/x.prof "SELECT 'state ' || value FROM meta WHERE key = 'state'; SELECT 'lost ' || value FROM meta WHERE key = 'lost.write_failed'; SELECT 'samples ' || count(*) FROM samples; SELECT 'named ' || count(*) FROM lines"
	SH
	run unshare -m sh fill
	[[ $output == *"status 7"* ]]
	[[ $output == *"state stopped: the disk is full"* ]]
	[[ $output =~ lost\ [1-9] ]]
	[[ $output =~ samples\ [1-9] ]]
	[[ $output =~ named\ [1-9] ]]
	[[ $output != *"still ran"* ]]
	[[ $output == *__libc_start_main* ]]
}

@test "a disk that is full only when the recording ends costs no more than is said" {
	require mount
	mkdir small
	# So short that the first commit that meets the full disk is the last one.
	cat >fill <<-'SH'
		mount -t tmpfs -o size=200k none small || exit 99
		collector run -F 10000 -o small/x -- sh -c 'i=0; while [ $i -lt 1000000 ]; do i=$((i+1)); done; exit 7'
		echo "status $?"
		sqlite3 small/x.prof "SELECT 'state ' || value FROM meta WHERE key = 'state'; SELECT 'lost ' || value FROM meta WHERE key = 'lost.write_failed'"
	SH
	run unshare -m sh fill
	[[ $output == *"status 7"* ]]
	[[ $output == *"state stopped: the disk is full"* ]]
	[[ $output =~ lost\ [1-9] ]]
}

@test "however small the disk is, the profile says why it is incomplete, what it cost, and has names or says not" {
	require mount
	mkdir small
	cat >fill <<-'SH'
		mount -t tmpfs -o size=$1k none small || exit 99
		collector run -q -F 9000 -o small/x -- perl -e 'for (1 .. 150000) { my %h = map { $_ => sprintf("%x", $_ * 7) } 1 .. 10; my @s = sort values %h; join(",", @s) =~ s/(\w+),/$1;/gr } exit 7'
		echo "status $?"
		sqlite3 small/x.prof "SELECT 'state ' || value FROM meta WHERE key = 'state'; SELECT 'lost ' || value FROM meta WHERE key = 'lost.write_failed'; SELECT 'named ' || count(*) FROM lines; PRAGMA integrity_check"
		collector summary small/x.prof
	SH
	local size
	for size in 64 100 140; do
		run unshare -m sh fill $size
		[[ $output == *"status 7"* ]]
		[[ $output == *"state stopped: the disk is full"* ]]
		[[ $output =~ lost\ [1-9] ]]
		[[ $output =~ named\ [1-9] || $output == *"no room for the names"* ]]
		[[ $output == *$'\nok\n'* ]]
	done
}

@test "a reader that holds the file when the recording ends costs nothing" {
	collector run -q -o x -- sh -c 'touch started; until [ -e end ]; do :; done; exit 3' 3>&- &
	collector=$!
	until [ -e started ] && [ "$(samples x.prof 2>/dev/null || echo 0)" -gt 0 ]; do sleep 0.05; done
	mkfifo questions
	sqlite3 x.prof <questions >answers 3>&- &
	exec 9>questions
	echo 'BEGIN; SELECT count(*) FROM samples;' >&9
	wait_for answers
	sleep 1.5
	touch end
	sleep 1
	echo 'COMMIT;' >&9
	exec 9>&-
	status=0
	wait $collector || status=$?
	[ "$status" -eq 3 ]
	[ "$(state x.prof)" = complete ]
	[ "$(sqlite3 x.prof "SELECT value FROM meta WHERE key = 'lost.write_failed'")" = "" ]
	[ "$(samples x.prof)" -gt "$(cat answers)" ]
}

@test "ends with its program also when children are ignored" {
	run timeout 60 perl -e '$SIG{CHLD} = "IGNORE"; exec @ARGV' collector run -q -o x -- sh -c 'exit 3'
	[ "$status" -eq 3 ]
	[ "$(state x.prof)" = complete ]
}

@test "a program that the user may run but not read says why nothing was sampled" {
	require root
	[ "$(cat /proc/sys/kernel/perf_event_paranoid)" -le 2 ] || skip "perf_event_paranoid is above 2"
	theirs=$(mktemp -d)
	chmod 777 "$theirs"
	cp "$(command -v collector)" "$(command -v reports)" "$theirs"
	cp /bin/dash "$theirs/unreadable"
	chmod 711 "$theirs/unreadable"
	cd "$theirs"
	run setpriv --reuid=65534 --regid=65534 --clear-groups ./collector run -- ./unreadable -c "$burn; $burn; $burn; $burn"
	[ "$status" -eq 0 ]
	[[ $output == *"run as root"* ]]
	# It must wait, not spin.
	cpu=$(sqlite3 unreadable.prof "SELECT value FROM meta WHERE key = 'collector_cpu_ns'")
	wall=$(sqlite3 unreadable.prof "SELECT value FROM meta WHERE key = 'duration_ns'")
	[ $((cpu * 4)) -lt "$wall" ]
	cd /
	rm -r "$theirs"
}

@test "two collectors do not record into one file" {
	collector run -q -o both -- sh -c 'echo go >started; until [ -e over ]; do sleep 0.05; done; exit 5' 3>&- &
	first=$!
	wait_for started
	run collector run -o both -- touch second
	[ "$status" -eq 125 ]
	[[ $output == *"another collector is recording into both.prof"* ]]
	[ ! -e second ]
	touch over
	status=0
	wait $first || status=$?
	[ "$status" -eq 5 ]
	[ "$(state both.prof)" = complete ]
}

@test "a terminating signal sent twice is the program's, and the profile is written" {
	local i
	for i in 1 2 3; do
		# What ends timeout it hands on, to its program and then to the group.
		timeout 60 collector run -q -o x -- sh -c 'echo >started; while :; do :; done' 3>&- &
		wait_for started
		kill -TERM $!
		status=0
		wait $! || status=$?
		[ "$status" -eq 143 ]
		[ "$(state x.prof)" = complete ]
		rm started
	done
}

@test "the second signal of one wish may come when the recording is being finished" {
	# Ends at the first one; the second follows while names are looked up, at the latest.
	for pause in 0.01 0.02 0.04 0.08; do
		collector run -q -o x -- sh -c 'echo >started; while :; do :; done' 3>&- &
		collector=$!
		wait_for started
		kill -TERM $collector
		sleep $pause
		kill -TERM $collector || true
		status=0
		wait $collector || status=$?
		[ "$status" -eq 143 ]
		[ "$(state x.prof)" = complete ]
		rm started
	done
}

@test "a program named without its folder is looked up in PATH only" {
	cp /bin/true mytool
	run -127 collector run -- mytool
	[ "$output" = "collector run: mytool: not found in PATH; did you mean ./mytool?" ]
}

@test "processes that outlive the program are told, and counted time is theirs too" {
	run collector run -o x -- sh -c "(sleep 0.1; $burn; $burn; $burn; sleep 3) >/dev/null 2>&1 & sleep 1; exit 2"
	[ "$status" -eq 2 ]
	[ "$(sqlite3 x.prof "SELECT value FROM meta WHERE key = 'still_running'")" -ge 1 ]
	samples=$(samples x.prof)
	[ "$samples" -gt 30 ]
	cpu_ms=$(($(sqlite3 x.prof "SELECT value FROM meta WHERE key = 'target_cpu_ns'") / 1000000))
	[ $((cpu_ms * 13 / 10)) -gt "$samples" ]
}

@test "names of results that cannot be are refused before the program starts" {
	local name
	for name in '' . .. out/ .prof; do
		run collector run -o "$name" -- touch started
		[ "$status" -eq 125 ] || { echo "$name"; false; }
		[[ $output == *"need a name"* ]]
	done
	cp /bin/true x.prof
	run collector run -- ./x.prof
	[ "$status" -eq 125 ]
	[[ $output == *"would replace the program itself"* ]]
	for name in x.prof y.svg z.prof.old; do
		cp /bin/true $name
		run collector run -o "${name%%.*}" -- touch started
		[ "$status" -eq 125 ] || { echo "$name"; false; }
		[[ $output == *"would replace a program of that name"* ]]
		cmp /bin/true $name
	done
	run collector run -o /dev/null -- touch started
	[ "$status" -eq 125 ]
	[[ $output == *"cannot be a device"* ]]
	[ ! -e /dev/null.prof ]
	run collector run -o - -- touch started
	[ "$status" -eq 125 ]
	[[ $output == *"cannot be standard output"* ]]
	[ ! -e ./-.prof ]
	[ ! -e started ]
}

@test "a result name that looks like an option is a name" {
	run collector run -o -x -- sh -c "$burn"
	[ "$status" -eq 0 ]
	[ -s ./-x.prof ]
	[ -s ./-x.svg ]
	[[ $output == *"trust:"* ]]
}

@test "an interrupt typed at the terminal reaches the program once" {
	require script perl
	# A shell would take two that come close together for one.
	cat >counter.pl <<-'PERL'
		$SIG{INT} = sub { $n++; open G, ">got"; print G "$n\n"; close G };
		open F, ">pid"; print F "$$\n"; close F;
		until (-e "end") { select undef, undef, undef, 0.05 }
		open F, ">count"; print F "$n\n"; close F;
		exit 6;
	PERL
	mkfifo keys
	# The status is the collector's own: script answers the end of its keys in its own way.
	script -qc 'collector run -q -o x -- perl counter.pl 2>err; echo $? >status' /dev/null <keys >/dev/null 2>&1 3>&- &
	script=$!
	exec 9>keys
	wait_for pid
	sleep 0.3
	printf '\003' >&9
	wait_for got
	sleep 0.3 # a second one would have come by then
	touch end
	wait_for status
	exec 9>&-
	wait $script
	[ "$(cat count)" = 1 ]
	[ "$(cat status) $(cat err)" = "6 " ]
	[ "$(state x.prof)" = complete ]
}

@test "what many samples took of the program is measured and said" {
	require perf
	run collector run -o x -F 8000 -- "$BUILD/workloads/leaf" 0.3
	[ "$status" -eq 0 ]
	[[ $output == *"sampling took at least "*" % of the CPU time"* ]]
	[ "$(sqlite3 x.prof "SELECT value > 100 FROM meta WHERE key = 'sample_cost_ns'")" = 1 ]
	run collector run -o x -F 99 -- "$BUILD/workloads/leaf" 0.1
	[[ $output != *"sampling took"* ]]
}

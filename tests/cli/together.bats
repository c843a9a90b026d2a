#!/usr/bin/env bats
# Everything that libprobe.so counts, at once, in programs that make it hard.

bats_require_minimum_version 1.5.0
load requirements

setup() {
	cd "$BATS_TEST_TMPDIR"
}

all() {
	collector run -q -o x --memory --locks --io --sql -- "$@"
}

# same COMMAND…: it prints the same and ends the same with and without, but for what the collector
# itself says.
same() {
	local plain watched plain_status=0 watched_status=0
	plain=$(timeout 60 "$@" 2>&1) || plain_status=$?
	watched=$(all timeout 60 "$@" 2>&1) || watched_status=$?
	[ "$plain" = "$(grep -v '^collector run: ' <<<"$watched")" ]
	[ "$plain_status" = "$watched_status" ]
}

@test "forks, vforks, small stacks, closed descriptors, other roots, little memory" {
	for case in spawns inherited forks threads ends descriptors confined little; do
		same "$BUILD/workloads/allocations" $case
	done
	same bash -c "ulimit -v 300000; exec $BUILD/workloads/files churn"
}

@test "real programs" {
	require perl python3 git sqlite3
	same git -C "$BATS_TEST_DIRNAME" log -3 --stat
	same perl -e 'open F, "/etc/passwd"; @l = <F>; print scalar @l, "\n"; system("echo hi"); print `ls /`'
	same python3 -c '
import subprocess, threading
lock = threading.Lock()
def work():
    for i in range(1000):
        with lock: pass
threads = [threading.Thread(target=work) for i in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(subprocess.run(["echo", "x"], capture_output=True).stdout)'
	same bash -c 'for i in 1 2 3; do echo $i | cat; done; exec 5<&1; echo x >&5; (exec 9>/dev/null; echo y >&9)'
	same sort --parallel=4 /etc/services
	same tar -cf - -C /etc passwd group
	same sqlite3 :memory: 'SELECT 1; SELECT nonsense'
}

@test "an object that binds to the C library itself is survived" {
	cat >plugin.c <<-'END'
		#include <pthread.h>
		#include <stdio.h>
		#include <unistd.h>
		static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
		void plugin(void)
		{
			pthread_mutex_lock(&lock);
			write(1, "plugin\n", 7);
			fflush(stdout);
			pthread_mutex_unlock(&lock);
		}
	END
	cat >host.c <<-'END'
		#include <dlfcn.h>
		#include <stdio.h>
		int main(void)
		{
			void *object = dlopen("./plugin.so", RTLD_NOW | RTLD_DEEPBIND);
			void (*plugin)(void) = (void (*)(void))dlsym(object, "plugin");
			printf("host\n");
			for (int i = 0; i < 10; i++)
				plugin();
			return dlclose(object);
		}
	END
	gcc -O2 -g -w -shared -fPIC -o plugin.so plugin.c
	gcc -O2 -g -o host host.c
	same ./host
}

@test "the engine's states are the same when it is sampled and counted from inside in all ways" {
	sim=("$BUILD/bin/sim" --agents 20 --steps 15 --threads 2 --state-hash)
	plain=$("${sim[@]}" --database plain.db 2>/dev/null)
	[ "$(collector run -q -o x -e probe --memory --locks --io --sql -- "${sim[@]}" --database x.db 2>/dev/null)" = "$plain" ]
	[ "$(sqlite3 x.prof "SELECT count(DISTINCT m.name) FROM samples s JOIN metrics m ON m.id = s.metric
		WHERE m.name IN ('allocations', 'io-time', 'sql-time')")" = 3 ]
}

@test "the engine's states are the same with waits, files, statements, allocations and off-CPU times" {
	require bpf
	plain=$("$BUILD/bin/sim" --agents 20 --steps 15 --threads 2 --state-hash)
	[ "$(collector run -q -o x --off-cpu --memory --locks --io --sql -- \
		"$BUILD/bin/sim" --agents 20 --steps 15 --threads 2 --state-hash)" = "$plain" ]
	run -0 collector locks x.prof
	run -0 collector io x.prof
	run -0 collector sql x.prof
	run -0 collector memory x.prof
}

@test "--time and --step go with all of them" {
	require bpf
	sim=("$BUILD/bin/sim" --agents 20 --steps 15 --state-hash)
	plain=$("${sim[@]}" --database plain.db 2>/dev/null)
	[ "$(collector run --budget none -q -o x --memory --locks --io --sql --time agent_act --step environment_step -- \
		"${sim[@]}" --database x.db 2>/dev/null)" = "$plain" ]
	[ "$(sqlite3 x.prof 'SELECT count(*) FROM steps')" = 15 ]
	[ "$(sqlite3 x.prof 'SELECT sum(count) > 0 FROM operations WHERE kind = 13')" = 1 ]
}

# counted: what the profile has of the programs below, as far as it is there.
counted() {
	sqlite3 x.prof "SELECT s.name, o.kind, sum(o.count), sum(o.amount) FROM operations o
		JOIN subjects s ON s.id = o.subject
		WHERE s.name IN ('door', 'CREATE TABLE t(a)') OR s.name GLOB '*/made'
		GROUP BY 1, 2 ORDER BY 1, 2" 2>/dev/null || :
}

@test "a killed collector leaves what was counted of waits, files and statements, step by step" {
	require sqlite3
	sqlite=(sqlite3 t.db 'CREATE TABLE t(a)')
	collector run -q -o x --locks --io --sql -- bash -c '
		"$0" held; "$1" known; "${@:2}"' "$BUILD/workloads/locks" "$BUILD/workloads/files" "${sqlite[@]}" >/dev/null
	counted >whole
	[ "$(wc -l <whole)" -ge 6 ]
	rm t.db x.prof
	collector run -q -o x --locks --io --sql -- bash -c '
		"$0" held; "$1" known; "${@:2}"
		for ((i = 0; i < 400; i++)); do [ ! -e over ] || break; sleep 0.05; done' \
		"$BUILD/workloads/locks" "$BUILD/workloads/files" "${sqlite[@]}" >/dev/null 3>&- &
	collector=$!
	for ((i = 0; i < 200; i++)); do
		! cmp -s whole <(counted) || break
		sleep 0.05
	done
	kill -KILL $collector
	wait $collector || true
	touch over
	diff whole <(counted)
	for report in locks io sql; do
		run -0 collector $report x.prof
		[[ $output == *"the recording did not reach its end"* ]]
	done
}

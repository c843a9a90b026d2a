#!/usr/bin/env bats
# collector run --locks: every wait is counted with the lock, who waited and who held it.

bats_require_minimum_version 1.5.0
load requirements
load same_output

setup() {
	cd "$BATS_TEST_TMPDIR"
	L=$BUILD/workloads/locks
}

value() {
	sqlite3 x.prof "$1"
}

record() {
	collector run -q -o x --locks "$@"
}

recorded() {
	record -- "$@"
}

# lock NAME COLUMN: of all waits for a lock.
lock() {
	value "SELECT coalesce(sum($2), 0) FROM operations o JOIN subjects s ON s.id = o.subject
		WHERE s.name = '$1'"
}

# stacks METRIC: folded stacks with nanoseconds.
stacks() {
	collector export --format folded --metric "$1" x.prof
}

# elapsed: nanoseconds of the recording.
elapsed() {
	value "SELECT value FROM meta WHERE key = 'duration_ns'"
}

# between LEAST NUMBER MOST
between() {
	[ "$1" -le "$2" ] && [ "$2" -le "$3" ]
}

@test "a wait has its lock by the variable's name, the waiter's stack and the holder's" {
	record -- "$L" held
	[ "$(lock door count)" = 3 ]
	between 299000000 "$(lock door total_ns)" "$(elapsed)"
	stacks lock-wait >folded
	grep -qE ';visitor;enter;\[mutex door\] [0-9]+$' folded
	collector flame --metric lock-wait -o waits.svg x.prof
	grep -q '<title>\[mutex door\]' waits.svg
	run -0 collector locks x.prof
	[[ $output == *"mutex door"*"waited in"*"enter (locks.c:"*" < visitor"* ]]
	[[ $output == *"held by"*"hold (locks.c:"*" < held < main"* ]]
	[[ ${lines[0]} == *"locks held" && ${lines[1]} == "locks  "*"in 3 waits"* ]]
}

@test "who held the lock for long is blamed for all that queued, not they one another" {
	record -- "$L" blame
	[ "$(lock door count)" = 3 ]
	collector locks --json -o x.json x.prof
	sqlite3 :memory: "SELECT json_extract(value, '\$.ns'), json_extract(value, '\$.other[0]')
		FROM json_each(readfile('x.json'), '\$.locks[0].sites')" >sites
	held=$(awk -F'|' '$2 == "hold" { sum += $1 } END { print sum + 0 }' sites)
	passed=$(awk -F'|' '$2 == "pass" { sum += $1 } END { print sum + 0 }' sites)
	between 299000000 "$held" $((3 * $(elapsed)))
	[ "$passed" -lt "$held" ]
	# However long they took: nothing of the waits is unexplained, and each waited for who held it.
	[ $((held + passed)) = "$(lock door total_ns)" ]
	[ "$(value "SELECT count(DISTINCT o.thread) FROM operations o JOIN stacks k ON k.id = o.other
		JOIN lines l ON l.frame = k.frame AND l.depth = 0 JOIN functions f ON f.id = l.function
		WHERE f.name = 'hold'")" = 3 ]
}

@test "who unlocks a lock to no effect is not blamed: once more, without having it, one of several readers" {
	record -- "$BUILD/workloads/owners"
	[ "$(value "SELECT DISTINCT s.name || ' ' || f.name FROM operations o JOIN subjects s ON s.id = o.subject
		JOIN stacks k ON k.id = o.other JOIN lines l ON l.frame = k.frame AND l.depth = 0
		JOIN functions f ON f.id = l.function
		WHERE s.name IN ('twice', 'checked', 'shelf') ORDER BY s.name")" = $'checked guilty\nshelf guilty\ntwice guilty' ]
}

@test "a lock on the heap has the name of the place that allocated it, with --memory" {
	record --memory -- "$L" heap
	run -0 collector locks x.prof
	[[ $output == *"mutex allocated in main (locks.c:"* ]]
	record -- "$L" heap
	run -0 collector locks x.prof
	[[ $output == *"mutex 0x"* ]]
}

@test "a lock in memory that was another's before has the name of its own place" {
	cat >places.c <<-'END'
		#include <pthread.h>
		#include <stdint.h>
		#include <stdlib.h>
		#include <time.h>
		#include <unistd.h>
		static void *enter(void *lock)
		{
			pthread_mutex_lock(lock);
			pthread_mutex_unlock(lock);
			return NULL;
		}
		static void be_waited_for(pthread_mutex_t *lock)
		{
			struct timespec moment = {0, 1000000};
			pthread_t thread;
			pthread_mutex_init(lock, NULL);
			pthread_mutex_lock(lock);
			pthread_create(&thread, NULL, enter, lock);
			while (*(volatile int *)&lock->__data.__lock != 2) /* glibc's: somebody waits */
				nanosleep(&moment, NULL);
			pthread_mutex_unlock(lock);
			pthread_join(thread, NULL);
		}
		static __attribute__((noinline)) void *first(void)
		{
			void *volatile block = malloc(sizeof(pthread_mutex_t));
			return block;
		}
		static __attribute__((noinline)) void *second(void)
		{
			void *volatile block = malloc(sizeof(pthread_mutex_t));
			return block;
		}
		int main(void)
		{
			void *lock = first();
			uintptr_t before = (uintptr_t)lock;
			alarm(60);
			be_waited_for(lock);
			free(lock);
			for (int i = 0; i < 100 && (uintptr_t)(lock = second()) != before; i++)
				;
			be_waited_for(lock);
			return (uintptr_t)lock != before;
		}
	END
	gcc -g -w -o places places.c
	record --memory -- ./places
	run -0 collector locks x.prof
	[[ $output == *"mutex allocated in first "* && $output == *"mutex allocated in second "* ]]
}

@test "waits for conditions, semaphores, barriers and threads are apart from those for locks" {
	record -- "$L" awaits
	[ "$(value "SELECT count(*) FROM operations o JOIN subjects s ON s.id = o.subject
		WHERE o.kind <> 3")" = 0 ]
	for name in meal bell fence; do
		between 49000000 "$(lock $name 'CASE WHEN o.total_ns > 49000000 THEN o.total_ns END')" "$(elapsed)"
	done
	run -0 collector locks x.prof
	[[ $output == *"no thread waited for one"* ]]
	[[ $output == *"condition meal"*"woken by    serve ("* ]]
	[[ $output == *"semaphore bell"*"woken by    ring ("* ]]
	stacks await | grep -qE ';main;await_all;dine;\[condition meal\] [0-9]+$'
}

@test "locks that are free are counted, to the last one" {
	record -- "$L" free 123456
	[ "$(value "SELECT taken FROM subjects WHERE name GLOB 'gate*'")" = 123456 ]
	[ "$(value "SELECT taken FROM subjects WHERE name GLOB 'book*'")" = 123456 ]
	[ "$(value "SELECT count(*) FROM operations WHERE kind < 3")" = 0 ]
}

@test "memory that was a lock of one kind and is one of another is counted as both" {
	cat >kinds.c <<-'END'
		#include <pthread.h>
		static union {
			pthread_mutex_t mutex;
			pthread_rwlock_t both;
		} place;
		int main(void)
		{
			pthread_mutex_init(&place.mutex, NULL);
			for (int i = 0; i < 100; i++)
				pthread_mutex_unlock((pthread_mutex_lock(&place.mutex), &place.mutex));
			pthread_mutex_destroy(&place.mutex);
			pthread_rwlock_init(&place.both, NULL);
			for (int i = 0; i < 900; i++)
				pthread_rwlock_unlock((pthread_rwlock_rdlock(&place.both), &place.both));
			return 0;
		}
	END
	gcc -w -o kinds kinds.c
	record -- ./kinds
	[ "$(value "SELECT taken FROM subjects WHERE name GLOB 'place*' ORDER BY taken" | tr '\n' ' ')" = "100 900 " ]
}

@test "waits that never end are told" {
	cat >dead.c <<-'END'
		#include <pthread.h>
		#include <semaphore.h>
		#include <stdlib.h>
		#include <time.h>
		#include <unistd.h>
		static pthread_mutex_t door = PTHREAD_MUTEX_INITIALIZER;
		static sem_t never;
		static void *enter(void *argument)
		{
			pthread_mutex_lock(&door);
			return argument;
		}
		static void *await(void *argument)
		{
			sem_wait(&never);
			return argument;
		}
		int main(void)
		{
			struct timespec moment = {0, 1000000};
			pthread_t threads[3];
			alarm(60);
			pthread_mutex_lock(&door);
			for (int i = 0; i < 3; i++)
				pthread_create(&threads[i], NULL, i ? await : enter, NULL);
			pthread_cancel(threads[2]);
			pthread_join(threads[2], NULL);
			/* glibc's own notes of somebody who waits */
			while (door.__data.__lock != 2 || *(volatile unsigned long *)&never >> 32 != 1)
				nanosleep(&moment, NULL);
			exit(0);
		}
	END
	gcc -w -o dead dead.c
	record -- ./dead
	run -0 collector locks x.prof
	[[ $output == *"locks        no wait for one ended; taken 1 times"* ]]
	[[ $output == *"(!) 1 thread still waited for a lock when"*"(!) 1 thread still waited for something else when"* ]]
	collector locks --json -o x.json x.prof
	[ "$(sqlite3 :memory: "SELECT json_extract(readfile('x.json'), '\$.notes.open_locks')")" = 1 ]
}

@test "who takes a robust lock again does not wait for it" {
	cat >again.c <<-'END'
		#include <pthread.h>
		static pthread_mutex_t chest;
		int main(void)
		{
			pthread_mutexattr_t attributes;
			int failures = 0;
			pthread_mutexattr_init(&attributes);
			pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_RECURSIVE);
			pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
			pthread_mutex_init(&chest, &attributes);
			for (int i = 0; i < 1000; i++)
				failures += !!pthread_mutex_lock(&chest);
			for (int i = 0; i < 1000; i++)
				failures += !!pthread_mutex_unlock(&chest);
			return !!failures;
		}
	END
	gcc -o again again.c
	record -- ./again
	[ "$(value "SELECT taken FROM subjects WHERE name GLOB 'chest*'")" = 1000 ]
	[ "$(value "SELECT count(*) FROM operations WHERE kind < 3")" = 0 ]
}

@test "a lock of a library has its variable's name, also where the library is found by a link" {
	cat >lib.c <<-'END'
		#include <pthread.h>
		static pthread_mutex_t inner = PTHREAD_MUTEX_INITIALIZER;
		void turn(void)
		{
			pthread_mutex_lock(&inner);
			pthread_mutex_unlock(&inner);
		}
	END
	gcc -O2 -g -shared -fPIC -Wl,-soname,libturn.so.1 -o libturn.so.1.0 lib.c
	ln -s libturn.so.1.0 libturn.so.1
	echo 'void turn(void); int main(void) { for (int i = 0; i < 77; i++) turn(); }' >host.c
	gcc -O2 -g -o host host.c libturn.so.1 -Wl,-rpath,"$PWD"
	record -- ./host
	[ "$(value "SELECT taken FROM subjects WHERE name = 'inner'")" = 77 ]
}

@test "64 threads at a time on few locks: waits and takes add up to the program's own count" {
	record -- "$L" churn >counts
	[ "$(value "SELECT (SELECT sum(taken) FROM subjects) +
		(SELECT coalesce(sum(count), 0) FROM operations WHERE kind = 1)")" = "$(cat counts)" ]
	[ "$(value "SELECT count(*) FROM meta WHERE key LIKE 'operations.lost%'")" = 0 ]
}

@test "more locks than there is room for: none of the takes is lost, and it is said" {
	record -- "$L" many >counts
	[ "$(value "SELECT sum(taken) + (SELECT value FROM meta
		WHERE key = 'operations.taken_elsewhere') FROM subjects")" = "$(cat counts)" ]
	run -0 collector locks x.prof
	[[ $output == *"times taken at locks that are in no row, as their threads took too many others: "* ]]
	# The headline has them too.
	waits=$(value "SELECT coalesce(sum(count), 0) FROM operations WHERE kind = 1")
	[[ $output == *"taken $(($(cat counts) - waits)) times"* ]]
}

@test "all kinds of locks return what they return without, and errno stays" {
	same_output "$L" results
	record -- "$L" results >said
	[ "$(wc -l <said)" -gt 100 ]
}

@test "cancelled threads, forks from among fighters, posts by signal handlers are survived" {
	for case in cancelled forks handler; do
		same_output timeout 60 "$L" $case
	done
}

@test "each thread's waits are what the scheduler says it did not run" {
	require bpf
	record --off-cpu -- "$L" blame
	# Of those that waited for nothing else: within 5 ms of the start of the thread.
	value "SELECT t.off_cpu_ns + t.run_queue_ns - sum(o.total_ns) FROM thread_times t
		JOIN operations o ON o.thread = t.thread WHERE o.kind = 1 GROUP BY t.thread" >rests
	[ "$(wc -l <rests)" = 3 ]
	while read -r rest; do between -1000000 "$rest" 40000000; done <rests
	run -0 collector locks x.prof
	[[ $output == *"did not run  for anything else"* ]]
}

@test "C++ locks and conditions are seen" {
	cat >waits.cc <<-'END'
		#include <atomic>
		#include <chrono>
		#include <condition_variable>
		#include <fstream>
		#include <mutex>
		#include <shared_mutex>
		#include <string>
		#include <thread>
		#include <unistd.h>
		std::mutex gate;
		std::shared_mutex book;
		std::condition_variable bell, silent;
		bool rung;
		std::atomic<int> reader;
		/* Whatever else the machine does, the wait has begun when the sleep does. */
		static void await_reader()
		{
			for (std::string state; state != "S"; usleep(1000)) {
				std::ifstream stat("/proc/self/task/" + std::to_string(reader) + "/stat");
				std::string number, name;
				stat >> number >> name >> state;
			}
		}
		int main()
		{
			std::unique_lock<std::mutex> held(gate);
			std::unique_lock<std::shared_mutex> written(book);
			std::thread other([] {
				reader = gettid();
				{ std::shared_lock<std::shared_mutex> read(book); }
				std::lock_guard<std::mutex> own(gate);
				rung = true;
				bell.notify_one();
			});
			await_reader();
			std::this_thread::sleep_for(std::chrono::milliseconds(30));
			written.unlock();
			bell.wait(held, [] { return rung; });
			silent.wait_for(held, std::chrono::milliseconds(5));
			held.unlock();
			other.join();
		}
	END
	g++ -O2 -g -o waits waits.cc -pthread
	record -- ./waits
	[ "$(lock book count)" = 1 ]
	between 29000000 "$(lock book total_ns)" "$(elapsed)"
	[ "$(lock bell count)" -ge 1 ]
	run -0 collector locks x.prof
	told=${output#*rwlock book}
	[[ $told == *"waited in   "*"operator()"*" (waits.cc:30) < "* && $told != *invoke* ]]
	[[ $told == *"held by     main (waits.cc:"* ]]
	[[ ${output#*condition silent} == *"waited in   main (waits.cc:"*"woken by    nobody who was seen"* ]]
}

@test "the engine's states are the same" {
	same_output "$BUILD/bin/sim" --agents 20 --steps 15 --threads 2 --state-hash
}

@test "what was waited for is there when the program is killed, with -e probe, too" {
	run -137 collector run -q -o x -e probe --locks -- bash -c "$L held; kill -KILL \$\$"
	[ "$(lock door count)" = 3 ]
}

@test "--locks is told in the help; other profiles have none" {
	run -0 collector run --help
	[[ $output == *"--locks"* ]]
	run -0 collector locks --help
	[[ $output == *"--json"* ]]
	collector run -q -o x -- "$L" free 1
	run -1 --separate-stderr collector locks x.prof
	# shellcheck disable=SC2154 # by run --separate-stderr
	[[ $stderr == *"record with collector run --locks"* ]]
}

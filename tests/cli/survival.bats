#!/usr/bin/env bats
# libprobe.so in programs that make it hard, and programs that cannot take it: all end as without.

bats_require_minimum_version 1.5.0
load requirements

setup() {
	cd "$BATS_TEST_TMPDIR"
	S=$BUILD/workloads/survival
}

# all COMMAND…: with everything that the probe does.
all() {
	collector run -q -o x -e probe --memory --locks --io --sql -- "$@"
}

# same COMMAND…: it prints the same and ends the same with and without.
same() {
	local plain_status=0 watched_status=0
	"$@" >plain 2>&1 || plain_status=$?
	all "$@" >watched 2>&1 || watched_status=$?
	diff plain watched
	[ "$plain_status" = "$watched_status" ]
}

value() {
	sqlite3 x.prof "$1"
}

meta() {
	value "SELECT coalesce((SELECT value FROM meta WHERE key = '$1'), 0)"
}

# refused SENTENCE STATUS COMMAND…: it ends as it does, nothing is counted, for the reason that one
# sentence says, and it is sampled.
refused() {
	local said="collector run: what the probe counts was not counted: libprobe.so $1"

	run --separate-stderr collector run -q -o x --memory --locks --io --sql -- "${@:3}"
	# shellcheck disable=SC2154 # by run --separate-stderr
	[ "$stderr" = "$said" ]
	[ "$status" = "$2" ]
	[ "$(value 'SELECT count(*) FROM samples')" -gt 10 ]
}

# as_child STATUS COMMAND…: a program that the program executes runs without a complaint.
as_child() {
	run --separate-stderr all sh -c '"$@"; exit $?' sh "${@:2}"
	[ "$status" = "$1" ]
	[ -z "$stderr" ]
}

@test "with no descriptors, or hardly any" {
	same "$S" start_bare
	same "$S" start_starved
	grep -q 'ended with 0' watched
}

@test "the collector has no descriptors 0 to 2" {
	collector run -q -o x --memory --locks --io --sql -- "$S" bare said <&- >&- 2>&- 3>&-
	[ "$(cat said)" = "descriptors 0 0, worked 100" ]
	[ "$(value "SELECT sum(count) FROM operations WHERE kind = 7")" = 101 ] # and the dprintf that says so
}

@test "in handlers of signals, on other stacks" {
	same "$S" signals
	same "$S" switch_stacks
}

@test "in 64 threads, half of them with the smallest stacks, and in their destructors" {
	same "$S" crowd
	[ "$(value "SELECT sum(count) FROM operations o JOIN subjects s ON s.id = o.subject
		WHERE o.kind = 7 AND s.name = '/dev/null'")" = "$(sed 's/.*: //' plain)" ]
	same "$S" leave_first
}

@test "in forks and vforks" {
	same "$S" forks
	same "$S" vforks
}

@test "without rights, where the kernel lets it do nothing any more, and at a crash" {
	same "$S" drop_rights
	same "$S" lock_in
	grep -qx 'locked in: 0' watched
	same "$S" crash
}

@test "a thread with a small stack executes with a large environment" {
	cat >small.c <<-'C'
		#define _GNU_SOURCE
		#include <pthread.h>
		#include <stdio.h>
		#include <string.h>
		#include <sys/wait.h>
		#include <unistd.h>
		static char list[9000] = "LD_PRELOAD=", *environment[400];
		static void *execute(void *unused)
		{
			char *arguments[] = {"true", NULL};
			int status;
			pid_t pid = vfork();
			if (!pid) {
				execve("/bin/true", arguments, environment);
				_exit(9);
			}
			waitpid(pid, &status, 0);
			printf("%d\n", status);
			return unused;
		}
		int main(void)
		{
			pthread_attr_t small;
			pthread_t thread;
			memset(list + strlen(list), ':', sizeof(list) - strlen(list) - 1);
			environment[0] = list;
			for (int i = 1; i < 399; i++)
				environment[i] = "A=";
			pthread_attr_init(&small);
			pthread_attr_setstacksize(&small, 16384);
			pthread_create(&thread, &small, execute, NULL);
			pthread_join(thread, NULL);
		}
	C
	gcc -o small small.c
	same ./small
	grep -qx 0 watched
}

# A program that kills itself for calls that it does not know, and one whom it executes: counted until
# then. One that forbids what nobody calls is counted to its end.
@test "a program's own seccomp filter never meets a call of ours" {
	confined=$BUILD/workloads/confined
	for what in few threads execute; do
		same "$confined" $what syscall
		[ "$(meta memory.confined)" = 1 ]
		[ "$(value "SELECT sum(s.value) FROM samples s JOIN metrics m ON m.id = s.metric
			WHERE m.name = 'allocations'")" -ge 1000 ]
		run -0 collector memory x.prof
		[[ $output == *"trust: not every allocation counted · (!) processes not counted any more"*"seccomp"* ]]
	done
	same "$confined" few prctl
	[ "$(meta operations.confined)" = 1 ]
	run -0 collector locks x.prof
	[[ $output == *"trust: not every wait counted"* ]]
	same "$confined" most syscall
	[ "$(meta memory.confined)" = 0 ]
	[ "$(value "SELECT sum(s.value) FROM samples s JOIN metrics m ON m.id = s.metric
		WHERE m.name = 'allocations'")" -ge 2000 ]
	run -0 collector memory x.prof
	[[ $output == *"trust: every allocation counted"* ]]
}

@test "the collector is killed: the program goes on to its end" {
	"$S" outlive >plain
	collector run -q -o x -e probe --memory --locks --io --sql -- "$S" outlive 2>/dev/null | cat >watched
	diff plain watched
}

@test "more samples than there is room for: the program does not wait, and they are counted" {
	same "$S" flood
	[ "$(meta lost.ring_full)" -gt 10 ]
	[ "$(value "SELECT sum(count) FROM operations WHERE kind = 7")" = 1000 ]
	run -0 collector summary x.prof
	[[ $output == *"the ring was full $(meta lost.ring_full)"* ]]
}

@test "a program with rights of its own is not counted, and sampled all the same" {
	require root perf
	cp "$BUILD/workloads/leaf" own
	chown 65534 own
	chmod u+s own
	run --separate-stderr collector run -o x --locks -- ./own 0.2
	[ "$status" = 0 ]
	# shellcheck disable=SC2154 # by run --separate-stderr
	[ "${stderr_lines[0]}" = "collector run: what the probe counts was not counted: libprobe.so cannot be loaded into ./own, which runs with rights of its own (set-user-id, set-group-id or capabilities)" ]
	[[ $stderr != *"stopped counting"* ]]
	collector export --format folded x.prof | grep -q 'main;.*burn [0-9]*$'
	as_child 0 ./own 0.1
}

@test "a program with another C library is sampled only" {
	require perf musl-gcc
	echo 'int main(void) { for (volatile long i = 0; i < 99999999; i++) { } return 7; }' >other.c
	musl-gcc -O1 -o other other.c
	refused "cannot be loaded into ./other, which uses another C library (/lib/ld-musl-x86_64.so.1)" 7 ./other
	as_child 7 ./other
}

@test "a program with another C library that is executed by a descriptor runs without a complaint" {
	require musl-gcc
	echo 'int main(void) { return 7; }' >other.c
	musl-gcc -O1 -o other other.c
	cat >way.c <<-'C'
		#define _GNU_SOURCE
		#include <errno.h>
		#include <fcntl.h>
		#include <stdlib.h>
		#include <unistd.h>
		int main(int argc, char **argv)
		{
			char *volatile nothing = NULL;
			char *arguments[] = {"other", NULL};
			int fd = open(argv[1], O_RDONLY);
			if (argc != 3 || execve(nothing, arguments, environ) != -1 || errno != EFAULT ||
			    execveat(fd, nothing, arguments, environ, 0) != -1 || errno != EFAULT)
				return 1;
			switch (atoi(argv[2])) {
			case 0:
				return execveat(AT_FDCWD, argv[1], arguments, environ, 0);
			case 1:
				return execveat(fd, "", arguments, environ, AT_EMPTY_PATH);
			default:
				return fexecve(fd, arguments, environ);
			}
		}
	C
	gcc -w -o way way.c
	for way in 0 1 2; do
		as_child 7 ./way ./other $way
	done
}

@test "a 32-bit program is sampled only" {
	require perf
	[ -e /lib/ld-linux.so.2 ] || skip "no C library for 32-bit programs (libc6-i386)"
	cat >narrow.c <<-'C'
		int puts(const char *line);
		void exit(int status);
		void _start(void)
		{
			for (volatile long i = 0; i < 99999999; i++) { }
			puts("thirty-two");
			exit(8);
		}
	C
	gcc -m32 -O1 -fno-pie -no-pie -nostdlib -o narrow narrow.c \
		-Wl,--dynamic-linker=/lib/ld-linux.so.2 /lib32/libc.so.6
	refused "cannot be loaded into ./narrow, which is not a 64-bit program for x86-64" 8 ./narrow
	[ "$output" = thirty-two ]
	as_child 8 ./narrow
}

@test "a static program is sampled only" {
	require perf
	gcc -O2 -static -I"$BATS_TEST_DIRNAME/../.." -o static "$BATS_TEST_DIRNAME/../workloads/leaf.c"
	refused "cannot be loaded into ./static, which is statically linked" 0 ./static 0.2
	as_child 0 ./static 0.1
}

@test "without libprobe.so the program is sampled only" {
	require perf
	mkdir alone
	cp "$(command -v collector)" "$(command -v reports)" alone
	PATH=$PWD/alone:$PATH refused "is missing; it belongs beside collector, or in ../lib from there" 0 \
		"$BUILD/workloads/leaf" 0.2
}

@test "what it allocates itself, before its turn to begin, is not counted as the program's" {
	cat >early.c <<-'C'
		#include <stdlib.h>
		void *kept;
		__attribute__((constructor)) static void construct(void) { kept = malloc(100); }
	C
	echo 'extern void *kept; int main(void) { return !kept; }' >host.c
	gcc -O1 -shared -fPIC -o libearly.so early.c
	gcc -O1 -o host host.c ./libearly.so
	collector run -q -o x --memory -- ./host
	[ "$(value "SELECT group_concat(value) FROM (SELECT sum(value) AS value FROM samples s JOIN metrics m
		ON m.id = s.metric WHERE m.name IN ('allocations', 'allocated') GROUP BY m.name)")" = 100,1 ]
}

# by_site: folded stacks to "FUNCTION AMOUNT" of the planted functions.
by_site() {
	collector export --format folded --metric "$1" x.prof | awk '
		{ amount = $NF; while (match($0, /plant_[a-z]+/)) {
			name = substr($0, RSTART, RLENGTH); $0 = substr($0, RSTART + RLENGTH) }
		sums[name] += amount; name = "" }
		END { for (name in sums) print name, sums[name] }' | sort
}

# bats test_tags=alone
@test "planted leaks are found at the sites, with the bytes and blocks, that valgrind finds" {
	require valgrind
	cat >planted.c <<-'C'
		#include <pthread.h>
		#include <stdlib.h>
		#include <string.h>
		#define PLANT(name, times, allocation)                              \
			__attribute__((noinline, noclone)) static void plant_##name(void) \
			{                                                           \
				for (int i = 0; i < (times); i++) {                 \
					void *volatile block = allocation;          \
					memset(block, 0, 1);                        \
					block = NULL;                               \
				}                                                   \
			}
		PLANT(plain, 10, malloc(123))
		PLANT(zeroed, 3, calloc(7, 50))
		PLANT(grown, 4, realloc(malloc(10), 1000))
		PLANT(text, 5, strdup("nine.bytes"))
		PLANT(aligned, 2, aligned_alloc(64, 640))
		PLANT(late, 6, malloc(31))
		static void kept(void)
		{
			void *blocks[100];
			for (int i = 0; i < 100; i++)
				blocks[i] = malloc(500);
			for (int i = 0; i < 100; i++)
				free(blocks[i]);
		}
		static void *thread(void *unused)
		{
			plant_late();
			return unused;
		}
		int main(void)
		{
			pthread_t other;
			plant_plain(), plant_zeroed(), plant_grown(), plant_text(), plant_aligned(), kept();
			pthread_create(&other, NULL, thread, NULL);
			return pthread_join(other, NULL);
		}
	C
	gcc -O1 -g -fno-builtin -fno-optimize-sibling-calls -o planted planted.c
	valgrind --leak-check=full --show-leak-kinds=definite --num-callers=20 ./planted 2>&1 | tr -d , | awk '
		/are definitely lost/ { bytes = $2; blocks = $5; sub(/ .*/, "", bytes) }
		bytes && match($0, /plant_[a-z]+/) { name = substr($0, RSTART, RLENGTH)
			lost[name] += bytes; count[name] += blocks; bytes = 0 }
		END { for (name in lost) { print name, lost[name] >"lost"; print name, count[name] >"count" } }'
	collector run -q -o x --memory -- ./planted
	[ "$(wc -l <lost)" = 6 ]
	diff <(sort lost) <(by_site live | grep plant_)
	diff <(sort count) <(by_site live-blocks | grep plant_)
	# Nothing else is live but what the thread library keeps of a thread that ended.
	[ "$(by_site live | grep -cv plant_)" -le 1 ]
}

# bats test_tags=alone
@test "leaks behind wrappers, pools and operators are told by caller: valgrind's records, all of them" {
	require valgrind python3
	cat >wrapped.cc <<-'C'
		#include <stdlib.h>
		#include <string.h>
		#define KEEP __attribute__((noinline, noclone))
		#define PLANT(name, times, allocation)                                          \
			KEEP void plant_##name() {                                              \
				for (int i = 0; i < (times); i++) {                             \
					char *volatile block = (char *)allocation;              \
					memset(block, 0, 1);                                    \
					block = NULL;                                           \
				}                                                               \
			}
		struct node { char bytes[72]; };
		template <class T> struct pool { KEEP T *get() { T *volatile t = new T; return t; } };
		pool<node> nodes;
		KEEP void *allocate(size_t bytes) { void *volatile block = malloc(bytes); return block; }
		KEEP void *checked(size_t bytes) { void *volatile block = allocate(bytes); if (!block) abort(); return block; }
		PLANT(one, 7, allocate(100))
		PLANT(two, 5, allocate(100))
		PLANT(three, 3, checked(64))
		PLANT(four, 2, checked(64))
		PLANT(five, 4, nodes.get())
		PLANT(six, 6, nodes.get())
		PLANT(seven, 8, new char[31])
		KEEP void kept() { for (int i = 0; i < 1000; i++) free(allocate(1000)); }
		KEEP void again() { plant_one(); }
		int main() { plant_one(), plant_two(), plant_three(), plant_four(), plant_five(), plant_six(), plant_seven(); kept(), again(); }
	C
	g++ -O1 -g -fno-builtin -fno-optimize-sibling-calls -o wrapped wrapped.cc
	valgrind --leak-check=full --show-leak-kinds=definite --num-callers=20 ./wrapped 2>&1 | tr -d , | awk '
		function tell() { if (bytes) { lost[stack] += bytes; count[stack] += blocks }; bytes = 0; stack = "" }
		/are definitely lost/ { tell(); bytes = $2; blocks = $5 }
		/ (at|by) 0x/ { sub(/^==[0-9]+== +(at|by) 0x[0-9A-F]+: /, ""); sub(/ \([^()]*\)$/, "")
			if (!/^(malloc|operator new)/) stack = stack "<" $0 }
		END { tell(); for (stack in lost) print lost[stack], count[stack], stack }' | sort >theirs
	collector run -q -o x --memory -- ./wrapped
	collector memory --json --sort live -n 1000 x.prof >x.json
	python3 - <<-'END' | sort >ours
		import json
		for site in json.load(open("x.json"))["sites"]:
		    for path in site["paths"]:
		        names = [site["function"]] + [caller["function"] for caller in path["callers"]]
		        if "main" in names:
		            print(path["live"], path["live-blocks"], "<" + "<".join(names[: names.index("main") + 1]))
	END
	[ "$(wc -l <theirs)" = 8 ]
	diff theirs ours
	run -0 collector memory --sort live x.prof
	[[ $output == *"from plant_two()"*"wrapped.cc:"* ]]
	[[ $output != *"from kept()"* ]]
}

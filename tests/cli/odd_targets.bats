#!/usr/bin/env bats
# Programs as they come: stripped, static, without call frame information, gone when looked at.

load requirements

setup() {
	require perf
	root=$BATS_TEST_DIRNAME/../..
	cd "$BATS_TEST_TMPDIR"
}

# build NAME FLAG...: the recursion workload, 105 calls deep, built with other flags.
build() {
	gcc -std=gnu17 -I"$root" "${@:2}" -o "$1" "$root/tests/workloads/recursion.c" -lm -lpthread
}

# Prints the share, in percent, of the folded stacks in file `folded` that match $1. (awk has no
# repetition counts.)
share() {
	local all good
	all=$(awk '{ n += $NF } END { print n + 0 }' folded)
	good=$(grep -E "$1" folded | awk '{ n += $NF } END { print n + 0 }')
	echo $((all ? 100 * good / all : 0))
}

record() {
	collector run -q -o x -- "$@" >/dev/null
	collector export --format folded x.prof >folded
}

complete_percent() {
	sqlite3 x.prof 'SELECT CAST(100 * avg(complete) AS INTEGER) FROM samples JOIN endings ON endings.id = ending'
}

# 105 calls of descend between main and bottom, which works.
whole='^_start;.*;main;(descend;){105}bottom'

@test "a static program is walked and named" {
	build static -O2 -g -static
	record ./static 1
	[ "$(complete_percent)" -ge 99 ]
	[ "$(share "$whole")" -ge 95 ]
}

@test "a static position-independent program is walked and named" {
	build static -O2 -static-pie
	record ./static 1
	[ "$(complete_percent)" -ge 99 ]
	[ "$(share "$whole")" -ge 90 ]
}

@test "a program without an index of its call frame information is walked" {
	build noindex -O2 -Wl,--no-eh-frame-hdr -Wl,--build-id=none
	record ./noindex 1
	[ "$(complete_percent)" -ge 99 ]
	[ "$(share "$whole")" -ge 90 ]
}

@test "a program that has call frame information for debuggers only is walked" {
	local flag
	for flag in -gz=none -gz=zlib; do
		build debugframe -O2 -g $flag -fno-asynchronous-unwind-tables -fno-unwind-tables
		record ./debugframe 1
		[ "$(complete_percent)" -ge 99 ]
		[ "$(share "$whole")" -ge 90 ]
	done
}

@test "code without call frame information is passed, and its stacks are marked as guessed" {
	local flags
	for flags in -fomit-frame-pointer -fno-omit-frame-pointer; do
		build none -O2 -fno-asynchronous-unwind-tables -fno-unwind-tables $flags
		record ./none 1
		[ "$(share "$whole")" -ge 90 ]
		[ "$(sqlite3 x.prof "SELECT count(*) FROM samples WHERE ending = (SELECT id FROM endings WHERE name = 'guessed')")" -gt 100 ]
		run collector summary x.prof
		[[ $output == *"without full call frame information by frame pointer, "* ]]
	done
}

@test "a stripped program has functions with honest names" {
	build stripped -O2 -s
	record ./stripped 1
	[ "$(complete_percent)" -ge 99 ]
	# One name for the 105 calls of one function, made of the module and where it starts.
	[ "$(share '(stripped\+0x[0-9a-f]+;){106,}')" -ge 90 ]
	[ "$(collector functions --json x.prof | grep -c '"name": *"stripped+0x')" -le 6 ]
	run collector summary x.prof
	[[ $output == *"without symbol"* ]]
}

@test "reports need nothing but the profile" {
	build gone -O2 -g
	record ./gone 1
	cp folded before
	rm gone
	mkdir elsewhere
	mv x.prof elsewhere/y.prof
	chmod 444 elsewhere/y.prof
	collector export --format folded elsewhere/y.prof | cmp - before
	collector functions elsewhere/y.prof | grep -q descend
	collector flame -o y.svg elsewhere/y.prof
	grep -q descend y.svg
	[ "$(ls elsewhere)" = y.prof ]
}

@test "a program that was replaced while it ran is not named from the new file" {
	build first -O2 -g
	cat >replace <<-'SH'
		./first 2 &
		until grep -q /first "/proc/$!/maps"; do sleep 0.05; done
		sleep 0.2
		mv first was
		cp /bin/true first
		wait
	SH
	build first -O2 -g
	record sh replace
	run collector functions x.prof
	[ "$status" -eq 0 ]
	[[ $output == *descend* || $output == *"first+0x"* ]]
}

@test "a program that deletes itself is still walked" {
	build own -O2 -g
	record sh -c './own 1 & until grep -q /own /proc/$!/maps; do sleep 0.05; done; sleep 0.2; rm own; wait'
	[ "$(complete_percent)" -ge 99 ]
}

@test "a program executed from memory is walked and named" {
	require python3
	build app -O2 -g
	cat >from_memory.py <<-'PYTHON'
		import os, sys
		held = os.memfd_create("held")
		os.write(held, open(sys.argv[1], "rb").read())
		os.execve(held, sys.argv[1:], os.environ)
	PYTHON
	record python3 from_memory.py ./app 1
	grep -qE "$whole" folded
	[ "$(sqlite3 x.prof "SELECT path FROM modules WHERE path LIKE '/memfd:%'")" = '/memfd:held (deleted)' ]
}

@test "a library loaded from memory is named" {
	require root python3
	printf '%s\n' '#include "tests/workloads/workload.h"' \
		'void run(void) { clock_t end = clock() + CLOCKS_PER_SEC / 2; uint64_t v = 1; while (clock() < end) v = burn(v); printf("%d\n", (int)v); }' >library.c
	gcc -std=gnu17 -O2 -I"$root" -shared -fPIC -o library.so library.c
	cat >load.py <<-'PYTHON'
		import ctypes, os, sys
		held = os.memfd_create("held")
		os.write(held, open(sys.argv[1], "rb").read())
		library = ctypes.CDLL("/proc/self/fd/%d" % held)
		os.close(held)
		library.run()
	PYTHON
	record python3 load.py ./library.so
	[ "$(share ';run')" -ge 50 ]
}

@test "stacks that end too early hang under a frame that says so" {
	# Execution begins in memory without mapping information for the unwinder: a JIT's page.
	cat >jit.c <<-'C'
		#include <string.h>
		#include <sys/mman.h>
		int main(void)
		{
			/* spins with a useless bp, and returns in a way that nobody follows: mov (%rsp),%rdx;
			   add $8,%rsp; jmp *%rdx */
			unsigned char code[] = {0x55, 0xbd, 0x01, 0x00, 0x00, 0x00, 0xb9, 0x00, 0x00, 0x00, 0x40,
						0xff, 0xc9, 0x75, 0xfc, 0x5d, 0x48, 0x8b, 0x14, 0x24, 0x48, 0x83, 0xc4,
						0x08, 0xff, 0xe2};
			void *page = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			memcpy(page, code, sizeof(code));
			((void (*)(void))page)();
			return 0;
		}
	C
	gcc -O2 -o jit jit.c
	record ./jit
	[ "$(share '^\[no_rule\];\[jit\]')" -ge 90 ]
	run collector summary x.prof
	[[ $output == *"stopped in code without call frame information"* ]]
	# The same with a plain return: the code itself says who called it.
	sed 's/0x5d, 0x48,.*/0x5d, 0xc3};/; s/^.*0x08, 0xff, 0xe2};//' jit.c >plain.c
	gcc -O2 -o plain plain.c
	record ./plain
	[ "$(share 'main;\[jit\]')" -ge 90 ]
}

@test "Go's stacks are walked to the goroutine's root and named, in a stripped program too" {
	require go
	cat >work.go <<-'GO'
		package main

		type tree struct {
			left, right *tree
			key         int
		}

		func (t *tree) insert(key int) *tree {
			if t == nil {
				return &tree{key: key}
			}
			if key < t.key {
				t.left = t.left.insert(key)
			} else {
				t.right = t.right.insert(key)
			}
			return t
		}

		func work(seed int, done chan int) {
			x := seed
			for i := 0; i < 12; i++ {
				var root *tree
				for j := 0; j < 20000; j++ {
					x = (x*1103515245 + 12345) & 0x7fffffff
					root = root.insert(x)
				}
			}
			done <- x
		}

		func main() {
			done := make(chan int)
			for i := 0; i < 4; i++ {
				go work(i+1, done)
			}
			for i := 0; i < 4; i++ {
				<-done
			}
		}
	GO
	local flags
	for flags in -ldflags= '-ldflags=-s -w'; do
		HOME=$PWD GOCACHE=$PWD/cache go build "$flags" -o work work.go
		record ./work
		[ "$(complete_percent)" -ge 99 ]
		[ "$(share '^runtime\.goexit;main\.main\.(func1|gowrap1);main\.work;(main\.\(\*tree\)\.insert;?)+')" -ge 60 ]
		# The collector of garbage runs on the thread's own stack, called from the goroutine.
		grep -qE '^runtime\.goexit;.*main\.work;.*runtime\.mallocgc;.*runtime\.systemstack;' folded
		run collector summary x.prof
		[[ $output == *"0 % without symbol"* ]]
	done
}

@test "functions that node compiled have their names, files and lines when it writes a map" {
	require node
	cat >hot.js <<-'JS'
		function leaf(n) { let s = 0; for (let i = 0; i < n; i++) s += i % 7; return s; }
		function caller(n) { let s = 0; for (let i = 0; i < 200; i++) s += leaf(n); return s; }
		let s = 0;
		while (process.cpuUsage().user < 1.5e6) s += caller(2000);
	JS
	# What newer ones call JS:, node 18 calls LazyCompile:.
	collector run -q -o x -- node --perf-basic-prof --no-turbo-inlining hot.js
	rm -f "/tmp/perf-$(sqlite3 x.prof 'SELECT pid FROM threads WHERE id = 1').map"
	collector export --format folded x.prof >folded
	[ "$(complete_percent)" -ge 95 ]
	[ "$(share '^_start;.*(JS|LazyCompile):.?caller;(JS|LazyCompile):\*leaf')" -ge 50 ]
	sqlite3 x.prof "SELECT files.path, line FROM functions JOIN files ON files.id = file WHERE name IN ('JS:*leaf', 'LazyCompile:*leaf')" |
		grep -q '/hot.js|1$'
	# Without one the code is known to be generated, and no name is made up.
	collector run -q -o x -- node --no-turbo-inlining hot.js
	collector export --format folded x.prof >folded
	[ "$(complete_percent)" -ge 95 ]
	[ "$(share '^_start;.*\[jit\]')" -ge 50 ]
}

@test "a child at whose exec the kernel ends its events: its CPU time is said to be missing" {
	require root
	cp "$BUILD/workloads/leaf" own
	chown 65534 own
	chmod u+s own
	collector run -q -o x -- sh -c '"$0" 0.2; ./own 0.4' "$BUILD/workloads/leaf" >/dev/null
	run collector summary --check x.prof
	[ "$status" -eq 2 ]
	[[ $output =~ "(!) "[56][0-9]" % of the CPU time was not sampled" ]]
}

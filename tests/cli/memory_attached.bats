#!/usr/bin/env bats
# collector attach --memory: what a running program allocates, by probes on its allocator.

bats_require_minimum_version 1.5.0
load requirements
load begun
load memory_amounts

setup() {
	cd "$BATS_TEST_TMPDIR"
}

@test "of a running program allocations are sampled by probes, and it is said what those cannot see" {
	require root bpf perf
	"$BUILD/workloads/allocates" 3 >made &
	target=$!
	begun $target
	collector attach -q -d 2 --memory-rate 1024 -o x $target
	wait $target
	read -r sane blocks <made
	[ "$sane" = 1 ]
	often=$(site often allocations) seldom=$(site seldom allocations)
	[ "$often" -gt $((3 * seldom)) ]
	[ "$often" -gt 20 ]
	# What is told of a part of its time is not more than all that it did, but for the error.
	half=$(meta half_width)
	[ "$half" -lt 0 ] || [ "$(total allocated)" -le $((1000 * blocks + 2 * half)) ]
	[ "$(meta attached)" = 1 ]
	[ "$(meta hits)" -gt 20 ]
	[ "$(total live)" = 0 ]
	run -0 collector memory x.prof
	[[ $output == *"allocated "*" in about "* ]]
	[[ $output == *"looks of probes"* ]]
	[[ $output == *"frees are not seen: what is live, peaks, lifetimes and leaks cannot be told"* ]]
	[[ $output != *"live at end"* ]]
	# How many samples there are is told, and when they are too few for shares.
	samples=$(meta samples)
	[ "$samples" -gt 0 ]
	[[ $output == *" looks of probes, $samples samples"* ]]
	value "UPDATE meta SET value = 1 WHERE key IN ('memory.samples', 'memory.drowned')"
	run -0 collector memory x.prof
	[[ $output == *"totals are the least that it can have been"*"(!) few samples (1, in "*"tell no shares of call sites"* ]]
	[[ $output == *"allocated    at least "* ]]
	[[ $output != *"shares of call sites hold"* ]]
}

@test "of a running program that allocates little a sample by bytes says so, whatever the CPUs are" {
	require root bpf perf
	cat >little.c <<-'END'
		#include <stdlib.h>
		#include <unistd.h>
		int main(void) { for (int i = 0; i < 2000; i++) { free(malloc(10)); usleep(1000); } }
	END
	gcc -O0 -fno-builtin -o little little.c
	./little &
	target=$!
	begun $target
	collector attach -q -d 1 --memory-rate 1073741824 -o x $target
	wait $target
	# A hit on 20 KB has a chance of one in 50000, and stands for 1 GiB.
	[ "$(meta hits)" -gt 0 ]
	[ "$(total allocated)" = 0 ]
	run -1 collector memory x.prof
	[[ $output == *"the sample of allocations is empty: one in about 1073741824 bytes"* ]]
}

@test "allocators are found in programs at fixed addresses too: static ones, and those that bring their own" {
	require root bpf perf
	cat >fixed.c <<-'END'
		#include <stdlib.h>
		#include <unistd.h>
		#ifdef OWN
		static char room[64];
		void *malloc(size_t size) { return size ? room : NULL; }
		void free(void *block) { (void)block; }
		#endif
		int main(void) { for (;;) { free(malloc(1000)); usleep(100); } }
	END
	gcc -O0 -fno-builtin -static -o static fixed.c
	gcc -O0 -fno-builtin -no-pie -DOWN -o own fixed.c
	for program in static own; do
		./$program &
		target=$!
		begun $target
		collector attach -q -d 1 --memory-rate 1024 -o x $target
		kill $target
		wait $target || true
		[ "$(site main allocations)" -gt 0 ]
	done
}

@test "a running program whose allocator cannot be found is told, and left alone" {
	require root bpf perf
	printf 'int main(void) { volatile long i; for (i = 0; i < 3000000000; i++) ; return 0; }' >none.c
	gcc -O0 -static -s -nostartfiles -Wl,-e,main -o none none.c
	./none &
	target=$!
	begun $target
	run -1 collector attach -q -d 1 --memory -o x $target
	[[ $output == *"no file of it has a function malloc"* ]]
	kill -0 $target
	kill $target
	wait $target || true
}

@test "an ordinary user is told what it takes to see what a program of his own allocates" {
	local user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	require root
	theirs=$(mktemp -d)
	chmod 777 "$theirs"
	cp "$(command -v collector)" "$BUILD/workloads/leaf" "$theirs"
	cd "$theirs"
	"${user[@]}" ./leaf 20 >/dev/null 3>&- &
	target=$!
	while [ ! "/proc/$target/exe" -ef leaf ] && kill -0 $target; do sleep 0.1; done
	run -1 "${user[@]}" ./collector attach -q -d 1 --memory -o x $target
	[ "$output" = "collector attach: cannot see what process $target allocates: the kernel refuses to open its files (Operation not permitted); run as root, or with the capabilities CAP_CHECKPOINT_RESTORE, CAP_BPF and CAP_PERFMON" ]
	kill $target
	wait $target || true
	cd /
	rm -r "$theirs"
}

@test "--memory is told in the help of run and of attach" {
	run -0 collector run --help
	[[ $output == *"--memory"* ]]
	run -0 collector attach --help
	[[ $output == *"--memory"* ]]
	run -1 collector attach --memory-rate 64 1
	[[ $output == *"from 1024 to"* ]]
}

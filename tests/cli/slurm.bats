#!/usr/bin/env bats
# collector sweep --launcher slurm, on a small cluster.

# {NAME} is meant for the sweep.
# shellcheck disable=SC1083

load requirements
load profiles
load slurm

setup() {
	cd "$BATS_TEST_TMPDIR"
	cat >engine <<-'SCRIPT'
		#!/bin/bash
		echo "$*" >>order
		sleep "${2:-0}"
		echo "turns  $1"
	SCRIPT
	chmod +x engine
}

teardown() {
	slurm_stop
}

@test "an array on two nodes gives the models of a local sweep" {
	require perf bpf
	slurm_start
	# shellcheck disable=SC2054
	local point=(-r 1 --warm-up 0 --vary n=4,8,16,32,64 --run=--step=growth_step --run='--count=calls_*' --run=--budget=none)
	collector sweep -o far "${point[@]}" --launcher slurm -- "$BUILD/workloads/growth" {n} 2 >/dev/null
	collector sweep -o here "${point[@]}" -- "$BUILD/workloads/growth" {n} 2
	[ "$(for run in far/runs/*/run.json; do ask "$run" it.node; done | sort -u | paste -sd ' ')" = "n1 n2" ]
	for place in far here; do
		collector scaling --json $place >$place.json
		ask $place.json 'it.groups.map(group => group.machine + group.rows.filter(row => row.calls).map(row =>
			[row.name, row.calls.class, row.calls.exponent, row.points || ""].join(" ")).sort())' >$place.models
	done
	sed -i 's/ \[object.*//' far.models here.models
	[ "$(grep -c 'calls_square O(n²) 2' far.models)" -eq 1 ]
	diff far.models here.models
}

@test "a task that is cancelled is submitted again by the same command, and nothing else" {
	slurm_start
	local status=0
	collector sweep -o it -r 1 --warm-up 0 --launcher slurm --vary a=1,2,3,4 --run=-q -- ./engine {a} 1 >/dev/null & job=$!
	until [ -s order ]; do sleep 0.2; done
	scancel "$(squeue -h -t R -o %i | head -1)"
	wait $job || status=$?
	[ "$status" -eq 2 ]
	[ "$(find it/runs -name run.json | wc -l)" -eq 3 ]
	collector sweep -o it -r 1 --warm-up 0 --launcher slurm --vary a=1,2,3,4 --run=-q -- ./engine {a} 1 >/dev/null
	[ "$(find it/runs -name run.json | wc -l)" -eq 4 ]
	# Four runs, and the beginning of the one that was cancelled.
	[ "$(wc -l <order)" -le 5 ]
}

@test "a node that dies and a task that is requeued do not end the sweep, and nothing counts twice" {
	slurm_start
	collector sweep -o it -r 2 --warm-up 0 --launcher slurm --vary a=1,2,3 --run=-q -- ./engine {a} 1 >/dev/null & job=$!
	until squeue -h -t R -w n1 | grep -q . && squeue -h -t R -w n2 | grep -q .; do sleep 0.2; done
	kill -9 "$(<"${SLURM_CONF%/*}/n1.pid")"
	scontrol requeue "$(squeue -h -t R -w n2 -o %A | head -1)"
	scontrol update nodename=n1 state=down reason=died
	# What was requeued would wait for two minutes.
	while kill -0 $job 2>/dev/null; do
		for task in $(squeue -h -t PD -o '%i %r' | awk '/BeginTime/ { print $1 }'); do
			scontrol update jobid="$task" starttime=now || :
		done
		sleep 0.5
	done
	wait $job
	[ "$(find it/runs -mindepth 1 -maxdepth 1 ! -name '*.*' | wc -l)" -eq 6 ]
	for run in it/runs/p?r?/run.json; do
		[ "$(ask "$run" it.state)" = "done" ]
	done
	ask it/runs/p1r1/run.json it.job
}

@test "without Slurm it is refused with a sentence, and what was measured is kept" {
	collector sweep -o it -r 1 --warm-up 0 --vary a=1,2 --run=-q -- ./engine {a}
	rm -r it/runs/p2r1
	PATH=$(dirname "$(type -p collector)"):/bin fails_with 1 'cannot run sbatch' env PATH=/nonexistent "$(type -p collector)" \
		sweep -o it -r 1 --warm-up 0 --launcher slurm --vary a=1,2 --run=-q -- ./engine {a}
	[ -f it/runs/p1r1/run.json ]
}

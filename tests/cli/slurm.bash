# shellcheck shell=bash
# A cluster of two nodes on this machine: slurmctld and two slurmd, on loopback, in a folder of its own.

# slurm_start: starts it, or skips the test with the reason.
slurm_start() {
	# Below those that the kernel gives away, and three for each.
	local port=$((20000 + BASHPID % 4000 * 3)) folder=$BATS_TEST_TMPDIR/slurm
	require root slurmctld slurmd sbatch
	mkdir -p "$folder/state"
	cat >"$folder/slurm.conf" <<-END
		ClusterName=simprof
		SlurmctldHost=localhost(127.0.0.1)
		AuthType=auth/none
		CredType=cred/none
		SlurmUser=root
		SlurmdUser=root
		SlurmctldPort=$port
		SlurmctldPidFile=$folder/controller.pid
		SlurmdPidFile=$folder/%n.pid
		SlurmdSpoolDir=$folder/%n
		StateSaveLocation=$folder/state
		ProctrackType=proctrack/pgid
		TaskPlugin=task/none
		SelectType=select/cons_res
		SelectTypeParameters=CR_CPU
		SlurmdTimeout=3
		KillWait=1
		SchedulerParameters=sched_interval=1,batch_sched_delay=0
		SlurmctldLogFile=$folder/controller.log
		SlurmdLogFile=$folder/%n.log
		NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((port + 1)) CPUs=1
		NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port=$((port + 2)) CPUs=1
		PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
	END
	export SLURM_CONF=$folder/slurm.conf
	# They would keep the descriptors that bats waits for.
	slurmctld -f "$SLURM_CONF" 3>&- >/dev/null 2>&1
	slurmd -f "$SLURM_CONF" -N n1 3>&- >/dev/null 2>&1
	slurmd -f "$SLURM_CONF" -N n2 3>&- >/dev/null 2>&1
	local deadline=$((SECONDS + 60))
	until [[ $(sinfo -h -N -o %T 2>/dev/null | grep -c '^idle$') -eq 2 ]]; do
		[[ $SECONDS -lt $deadline ]] || { cat "$folder"/*.log; return 1; }
		sleep 0.2
	done
}

# slurm_stop: ends what slurm_start started.
slurm_stop() {
	local file
	[[ -n ${SLURM_CONF-} ]] || return 0
	scancel --user=root >/dev/null 2>&1 || :
	for file in "${SLURM_CONF%/*}"/*.pid; do
		[[ ! -f $file ]] || kill -9 "$(<"$file")" 2>/dev/null || :
	done
}

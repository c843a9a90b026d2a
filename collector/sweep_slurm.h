/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sweep_slurm: the runs of a sweep as a job array of Slurm.
 *
 * Each task of the array is `collector sweep --task N -o DIR`, which makes one run as a local sweep
 * does; the folder, shared by all nodes, is all they have in common. Nothing needs to be collected,
 * and a task that is requeued, or made twice because a node was thought dead, counts once
 * (sweep_run.h). What is cancelled or lost is simply missing: the same command submits it again.
 * Source: sbatch(1), --array, --wait, --requeue, --parsable.
 */
#pragma once

#include "collector/sweep_run.h"

enum {
	SWEEP_SLURM_TASKS = 1000 /* in one array: Slurm's MaxArraySize is 1001 unless told */
};

/*
 * Submits the runs that are not over and waits until Slurm has no task of them any more.
 *
 * @options  of sbatch, an array of texts
 * Returns 0, or a negative errno with a sentence: -ENOENT without Slurm, -EINTR.
 */
int sweep_slurm_make(const struct sweep_folder *folder, const struct sweep_plan *plan,
		     const struct sweep_run *runs, int count, const json_t *options,
		     struct error *error);

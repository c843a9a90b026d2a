/* SPDX-License-Identifier: GPL-3.0-or-later */
/* population: see population.h. */
#include "collector/population.h"

#include "collector/base/xalloc.h"

#define REMEMBER_NS 5000000000u /* ended threads; sources tell of them within a second */

/* A thread that has ended: what is told of it afterwards still finds its row. */
struct ended {
	UT_hash_handle hh;
	pid_t tid, pid;
	uint32_t id;
	uint64_t time_ns;
};

static void thread_remove(struct population *population, struct thread *thread)
{
	struct process *process = thread->process;

	HASH_DEL(population->threads, thread);
	unwind_memory_done(&thread->memory);
	free(thread->path);
	free(thread);
	if (--process->thread_count)
		return;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): it has a table */
	HASH_DEL(population->processes, process);
	address_space_free(process->space);
	free(process);
}

static void ended_forget(struct population *population, struct ended *ended)
{
	HASH_DEL(population->ended, ended);
	free(ended);
}

void population_done(struct population *population)
{
	struct thread *thread, *next;
	struct ended *ended, *next_ended;

	HASH_ITER (hh, population->threads, thread, next)
		thread_remove(population, thread);
	HASH_ITER (hh, population->ended, ended, next_ended)
		ended_forget(population, ended);
}

static struct thread *thread_add(struct population *population, struct process *process, pid_t tid,
				 const char *name)
{
	struct thread *thread = xcalloc(1, sizeof(*thread));

	thread->tid = tid;
	thread->process = process;
	thread->id = profile_thread_add(population->profile, process->pid, tid, name);
	process->thread_count++;
	HASH_ADD_INT(population->threads, tid, thread);
	return thread;
}

/* Returns the process @pid, a copy of @parent (which may be NULL) when it is new. */
static struct process *process_get(struct population *population, pid_t pid,
				   const struct process *parent)
{
	struct process *process;

	HASH_FIND_INT(population->processes, &pid, process);
	if (process)
		return process;
	process = xcalloc(1, sizeof(*process));
	process->pid = pid;
	process->space = parent ? address_space_fork(parent->space, pid)
				: address_space_new(population->profile, population->modules, pid);
	HASH_ADD_INT(population->processes, pid, process);
	return process;
}

struct thread *population_known(const struct population *population, const struct event *event)
{
	struct thread *thread;

	HASH_FIND_INT(population->threads, &event->tid, thread);
	return thread && thread->process->pid == event->pid ? thread : NULL;
}

void population_forget_interruptions(struct population *population)
{
	for (struct thread *thread = population->threads; thread; thread = thread->hh.next)
		thread->memory.interrupted.count = 0;
}

struct thread *population_thread(struct population *population, const struct event *event)
{
	struct thread *thread = population_known(population, event);

	if (thread)
		return thread;
	HASH_FIND_INT(population->threads, &event->tid, thread);
	if (thread)
		thread_remove(population, thread);
	return thread_add(population, process_get(population, event->pid, NULL), event->tid, "");
}

void population_fork(struct population *population, const struct event *event)
{
	struct process *parent;
	struct thread *parent_thread, *old;
	const char *name = "";

	HASH_FIND_INT(population->threads, &event->tid, old);
	if (old)
		thread_remove(population, old);
	HASH_FIND_INT(population->processes, &event->fork.parent_pid, parent);
	HASH_FIND_INT(population->threads, &event->fork.parent_tid, parent_thread);
	if (parent_thread)
		name = population->profile->threads[parent_thread->id].name;
	thread_add(population, process_get(population, event->pid, parent), event->tid, name);
}

void population_exit(struct population *population, const struct event *event)
{
	struct ended *ended, *next;
	struct thread *thread;

	HASH_FIND_INT(population->threads, &event->tid, thread);
	if (!thread)
		return;
	HASH_FIND_INT(population->ended, &event->tid, ended);
	if (ended)
		ended_forget(population, ended);
	ended = xcalloc(1, sizeof(*ended));
	*ended = (struct ended){.tid = thread->tid,
				.pid = thread->process->pid,
				.id = thread->id,
				.time_ns = event->time_ns};
	HASH_ADD_INT(population->ended, tid, ended);
	HASH_ITER (hh, population->ended, ended, next) {
		if (ended->time_ns + REMEMBER_NS > event->time_ns)
			break;
		ended_forget(population, ended);
	}
	thread_remove(population, thread);
}

uint32_t population_row(struct population *population, const struct event *event)
{
	struct thread *thread;
	struct ended *ended;

	HASH_FIND_INT(population->threads, &event->tid, thread);
	HASH_FIND_INT(population->ended, &event->tid, ended);
	if (ended && ended->pid == event->pid && !(thread && thread->process->pid == event->pid))
		return ended->id;
	return population_thread(population, event)->id;
}

struct process *population_process(const struct population *population, pid_t pid)
{
	struct process *process;

	HASH_FIND_INT(population->processes, &pid, process);
	return process;
}

size_t population_pids(const struct population *population, pid_t **pids)
{
	size_t count = 0;

	*pids = xcalloc(HASH_COUNT(population->processes), sizeof(**pids));
	for (const struct process *process = population->processes; process;
	     process = process->hh.next)
		(*pids)[count++] = process->pid;
	return count;
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* link_readiness: see link_readiness.h. */
#include "collector/capture/link_readiness.h"

#include "collector/capture/link_holding.h"
#include "collector/capture/uprobe_link.h"

#include <sys/mman.h>
#include <unistd.h>

#define TURNS	   50
#define TURN_US	   2000
#define FILE_BYTES 4096

/* A probe on a file of ours. */
struct placing {
	int fd, program;
};

static int put(void *context, struct error *error)
{
	const struct placing *placing = context;
	const uint64_t offset = 0, cookie = 0;
	int link = uprobe_link(placing->program, UPROBE_LINK_ENTRY, 0, placing->fd, &offset,
			       &cookie, 1, error);

	return link < 0 ? link : 0;
}

static void *stay_ready(void *argument)
{
	struct link_readiness *readiness = argument;
	struct placing placing = {memfd_create("probes", MFD_CLOEXEC), readiness->program};
	const int kept[] = {placing.fd, placing.program};
	struct link_holding holding = {0};
	struct link_holder *holder;

	if (placing.fd < 0)
		return NULL;
	for (int turn = 0; turn < TURNS && !ftruncate(placing.fd, FILE_BYTES) &&
			   !__atomic_load_n(&readiness->is_over, __ATOMIC_ACQUIRE);
	     turn++) {
		if (link_holding_add(&(struct link_placing){kept, 2, put, &placing}, &holder, NULL))
			break;
		link_holding_drop(&holding, holder);
		usleep(TURN_US);
	}
	link_holding_wait(&holding);
	close(placing.fd);
	return NULL;
}

void link_readiness_begin(struct link_readiness *readiness, int program)
{
	readiness->program = program;
	readiness->is_begun = !pthread_create(&readiness->thread, NULL, stay_ready, readiness);
}

void link_readiness_end(struct link_readiness *readiness)
{
	if (!readiness->is_begun)
		return;
	__atomic_store_n(&readiness->is_over, true, __ATOMIC_RELEASE);
	pthread_join(readiness->thread, NULL);
	*readiness = (struct link_readiness){0};
}

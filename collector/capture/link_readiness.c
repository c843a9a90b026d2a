/* SPDX-License-Identifier: GPL-3.0-or-later */
/* link_readiness: see link_readiness.h. */
#include "collector/capture/link_readiness.h"

#include "collector/capture/link_closing.h"
#include "collector/capture/uprobe_link.h"

#include <sys/mman.h>
#include <unistd.h>

#define TURNS	   50
#define TURN_US	   2000
#define FILE_BYTES 4096

static void *stay_ready(void *argument)
{
	struct link_readiness *readiness = argument;
	const uint64_t offset = 0, cookie = 0;
	struct link_closing closing = {0};
	struct error error;
	int fd = memfd_create("probes", MFD_CLOEXEC);

	if (fd < 0)
		return NULL;
	for (int turn = 0; turn < TURNS && !ftruncate(fd, FILE_BYTES) &&
			   !__atomic_load_n(&readiness->is_over, __ATOMIC_ACQUIRE);
	     turn++) {
		int link = uprobe_link(readiness->program, UPROBE_LINK_ENTRY, 0, fd, &offset,
				       &cookie, 1, &error);

		if (link < 0)
			break;
		link_closing_add(&closing, link);
		usleep(TURN_US);
	}
	link_closing_wait(&closing);
	close(fd);
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

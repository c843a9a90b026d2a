/* SPDX-License-Identifier: GPL-3.0-or-later */
/* debuginfod: see debuginfod.h. */
#include "collector/resolve/debuginfod.h"

#include <dlfcn.h>
#include <stdlib.h>

typedef void *begin(void);
typedef int find(void *client, const unsigned char *build_id, int bytes, char **path);
typedef void end(void *client);

int debuginfod_fetch(const unsigned char *build_id, size_t bytes, char **path)
{
	const char *servers = getenv("DEBUGINFOD_URLS");
	void *library, *client;
	begin *client_begin;
	find *client_find;
	end *client_end;
	int fd = -1;

	if (!servers || !*servers)
		return -1;
	library = dlopen("libdebuginfod.so.1", RTLD_NOW); /* stays: it starts threads of its own */
	if (!library)
		return -1;
	client_begin = (begin *)dlsym(library, "debuginfod_begin");
	client_find = (find *)dlsym(library, "debuginfod_find_debuginfo");
	client_end = (end *)dlsym(library, "debuginfod_end");
	if (!client_begin || !client_find || !client_end)
		return -1;
	client = client_begin();
	if (!client)
		return -1;
	fd = client_find(client, build_id, (int)bytes, path);
	client_end(client);
	return fd >= 0 ? fd : -1;
}

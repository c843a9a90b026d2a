/* SPDX-License-Identifier: GPL-3.0-or-later */
/* operations_write: see operations_write.h. */
#include "reports/operations_write.h"

#include "reports/amount.h"
#include "reports/text.h"

#define SITES	    3 /* shown of each group */
#define STACK_BYTES 1000
#define STACK_SHOWN 200

static void write_stack(const struct operations *operations, uint32_t stack, FILE *stream)
{
	char text[STACK_BYTES];
	struct obstack memory;

	obstack_init(&memory);
	fprintf(stream, "%s\n",
		text_plain(&memory,
			   operations_stack_text(operations->report, stack, text, sizeof(text)),
			   STACK_SHOWN));
	obstack_free(&memory, NULL);
}

/* Says whether it is of a kind that somebody gives to who waits for it: a release, a signal, a
 * post.
 */
static bool has_givers(const struct operations_group *group)
{
	return group->kind && group->kind <= PROFILE_SUBJECT_SEMAPHORE;
}

static void write_group(const struct operations *operations, const struct operations_group *group,
			const char *did, const char *other, FILE *stream)
{
	char time[32];

	for (size_t i = 0; i < group->site_count && i < SITES; i++) {
		const struct operations_site *site = &group->sites[i];

		amount_format((double)site->amounts.total_ns, "ns", time, sizeof(time));
		fprintf(stream, "  %*s  %-11s ", strstr(time, "µ") ? 9 : 8, /* it has two bytes */
			time, did);
		write_stack(operations, site->stack, stream);
		if (!other || !(site->other || has_givers(group)))
			continue;
		fprintf(stream, "  %8s  %-11s ", "", other);
		if (site->other)
			write_stack(operations, site->other, stream);
		else
			fputs("nobody who was seen: given up, or let go in code that is not seen\n",
			      stream);
	}
	if (group->site_count > SITES)
		fprintf(stream, "  … and %zu more places\n", group->site_count - SITES);
}

void operations_write_sites(const struct operations *operations, const char *did, const char *other,
			    uint32_t limit, FILE *stream)
{
	for (size_t i = 0; i < operations->count && i < limit; i++) {
		const struct operations_group *group = &operations->groups[i];
		struct obstack memory;

		if (!group->all.count)
			break;
		obstack_init(&memory);
		fprintf(stream, "\n%s%s%s\n", group->kind ? profile_subject_kinds[group->kind] : "",
			group->kind ? " " : "", text_plain(&memory, group->label, 120));
		obstack_free(&memory, NULL);
		write_group(operations, group, did, other, stream);
	}
}

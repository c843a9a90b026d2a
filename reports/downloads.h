/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * downloads: the exports of a recording inside its page, so that whoever has the page alone can go
 * on in another tool. Each is a link that holds the compressed file itself and asks nothing of a
 * network; pages must stay small, so those for which there is no room are named with the command
 * that writes them.
 *
 * Source: RFC 2397 (data URLs); HTML, the download attribute of links.
 */
#pragma once

#include "reports/report.h"

enum {
	DOWNLOADS_FILE_BYTES = 2000000, /* of one file; links that are longer are slow to open */
	DOWNLOADS_PAGE_BYTES = 1000000, /* of a page with links in it */
	DOWNLOADS_LEAST_BYTES = 20000	/* with less room nothing is tried */
};

/*
 * Writes a section of a page, a list of all formats.
 *
 * @name   of the files, any bytes; what is no letter, digit, "." or "-" becomes "_"
 * @bytes  that all links together may take of the page
 */
void downloads_write(const struct report *report, const char *name, size_t bytes, FILE *stream);

/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * markdown: text inside GitHub-flavoured Markdown.
 */
#pragma once

#include <stdio.h>

/* Writes @text so that it shows as just that: no HTML, link, mention, emphasis or cell. */
void markdown_text(const char *text, FILE *stream);

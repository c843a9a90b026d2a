/* SPDX-License-Identifier: GPL-3.0-or-later */
/* downloads: see downloads.h. */
#include "reports/downloads.h"

#include "collector/base/xalloc.h"
#include "reports/export.h"
#include "reports/gzip.h"

#include <ctype.h>
#include <nettle/base64.h>

/* Endings by which the readers know the formats; those of the order of export_formats. */
static const char *ending_of(const struct export_format *format)
{
	static const char *const endings[][2] = {{"folded", "folded.gz"},
						 {"pprof", "pb.gz"},
						 {"speedscope", "speedscope.json.gz"},
						 {"firefox", "firefox.json.gz"},
						 {"csv", "csv.gz"},
						 {"json", "json.gz"},
						 {"callgrind", "callgrind.gz"}};

	for (size_t i = 0; i < sizeof(endings) / sizeof(*endings); i++)
		if (!strcmp(endings[i][0], format->name))
			return endings[i][1];
	return format->name;
}

/* Returns the export, compressed, owned by the caller. */
static char *make_file(const struct report *report, const struct export_format *format,
		       size_t *bytes)
{
	char *plain = NULL, *file = NULL;
	size_t plain_bytes;
	FILE *stream = xalloc_checked(open_memstream(&plain, &plain_bytes));
	struct gzip gzip;

	format->write(report->profile, report->metric, stream);
	fclose(stream);
	if (format->binary) { /* which is compressed by itself */
		*bytes = plain_bytes;
		return plain;
	}
	stream = xalloc_checked(open_memstream(&file, bytes));
	gzip_begin(&gzip, stream);
	gzip_append(&gzip, plain, plain_bytes);
	gzip_end(&gzip);
	fclose(stream);
	free(plain);
	return file;
}

static void write_base64(const char *bytes, size_t count, FILE *stream)
{
	char text[BASE64_ENCODE_RAW_LENGTH(3000)];

	for (size_t at = 0; at < count; at += 3000) {
		size_t part = count - at < 3000 ? count - at : 3000;

		base64_encode_raw(text, part, (const uint8_t *)bytes + at);
		fwrite(text, 1, BASE64_ENCODE_RAW_LENGTH(part), stream);
	}
}

static void write_name(const char *name, FILE *stream)
{
	for (; *name; name++)
		fputc(isalnum((unsigned char)*name) || strchr(".-", *name) ? *name : '_', stream);
}

/* Returns how many bytes of the page the link took; 0 when there was no room for it. */
static size_t write_link(const struct report *report, const struct export_format *format,
			 const char *name, size_t room, FILE *stream)
{
	size_t bytes, taken;
	char *file;

	if (room < DOWNLOADS_LEAST_BYTES)
		return 0;
	file = make_file(report, format, &bytes);
	taken = BASE64_ENCODE_RAW_LENGTH(bytes);
	if (taken <= room && bytes <= DOWNLOADS_FILE_BYTES) {
		fputs("<a download=\"", stream);
		write_name(name, stream);
		fprintf(stream, ".%s\" href=\"data:application/gzip;base64,", ending_of(format));
		write_base64(file, bytes, stream);
		fprintf(stream, "\">%s</a> (%zu KB)", format->name, (bytes + 999) / 1000);
	} else {
		taken = 0;
	}
	free(file);
	return taken;
}

void downloads_write(const struct report *report, const char *name, size_t bytes, FILE *stream)
{
	fputs("<section id=\"downloads\">\n<h2>For other tools</h2>\n<p>These links hold the files "
	      "themselves, compressed; go tool pprof, speedscope and the Firefox Profiler open "
	      "them as they are, for others say gunzip first.</p>\n<ul>\n",
	      stream);
	for (size_t i = 0; i < export_formats_count; i++) {
		const struct export_format *format = &export_formats[i];
		size_t taken;

		fputs("<li>", stream);
		taken = write_link(report, format, name, bytes, stream);
		bytes -= taken;
		if (!taken)
			fprintf(stream,
				"%s: no room here; <code>collector export --format %s -o FILE "
				"NAME.prof</code>",
				format->name, format->name);
		fputs("</li>\n", stream);
	}
	fputs("</ul>\n</section>\n", stream);
}

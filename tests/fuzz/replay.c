/* SPDX-License-Identifier: GPL-3.0-or-later */
/* replay: runs a fuzz target over the files given, without a fuzzing engine. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		FILE *file = fopen(argv[i], "rb");
		uint8_t *data;
		long bytes;

		if (!file || fseek(file, 0, SEEK_END) || (bytes = ftell(file)) < 0) {
			perror(argv[i]);
			return 1;
		}
		rewind(file);
		data = malloc((size_t)bytes + !bytes); /* exactly, for the sanitizers */
		if (!data || fread(data, 1, (size_t)bytes, file) != (size_t)bytes)
			return 1;
		LLVMFuzzerTestOneInput(data, (size_t)bytes);
		free(data);
		fclose(file);
	}
	printf("%d inputs\n", argc - 1);
	return 0;
}

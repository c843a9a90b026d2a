/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * files CASE [N]: reads and writes files in the current folder whose number and bytes are known.
 *
 *     known        calls of every kind on the file "made"; prints calls and bytes of each kind
 *     stream N     N lines through streams; prints calls and bytes
 *     characters N N times 15 single characters of every kind, a number by fscanf among them, and
 *                  each put back once; the second half of what is written by the end of the program
 *     again        descriptors that are closed, copied over and used for other files
 *     child        a child of vfork moves its own descriptors and writes
 *     handler      a signal handler writes while the program does
 *     results      what the functions return when they fail
 *     churn        64 threads, each with files of its own; prints calls of all
 *     many N       N files in memory, each with its own name; prints their number
 *     null N       N times one byte to /dev/null; prints nanoseconds of CPU time each
 */
#include "tests/workloads/workload.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char bytes[4096];

FUNCTION static int make(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	NOT_A_TAIL_CALL();
	return fd;
}

FUNCTION static long put(int fd, size_t count)
{
	long written = write(fd, bytes, count);

	NOT_A_TAIL_CALL();
	return written;
}

static void known(void)
{
	struct iovec parts[2] = {{bytes, 30}, {bytes, 70}};
	int fd = make("made"), copy = make("copy");
	off_t offset = 0;
	long moved = 0;

	for (int i = 0; i < 10; i++)
		moved += put(fd, 100);
	for (int i = 0; i < 5; i++)
		moved += pwrite(fd, bytes, 50, 1000 + 50 * i);
	moved += writev(fd, parts, 2) + pwritev(fd, parts, 2, 0);
	printf("write 17 %ld\n", moved);
	fsync(fd);
	fsync(fd);
	fdatasync(fd);
	puts("sync 3 0");
	lseek(fd, 0, SEEK_SET);
	moved = read(fd, bytes, 1000) + pread(fd, bytes, 200, 0) + readv(fd, parts, 2) +
		preadv(fd, parts, 2, 10) + read(fd, bytes, sizeof(bytes)) +
		read(fd, bytes, sizeof(bytes));
	printf("read 6 %ld\n", moved);
	moved = sendfile(copy, fd, &offset, 300);
	moved += copy_file_range(fd, &offset, copy, NULL, 100, 0);
	printf("copy 2 %ld\n", moved);
	close(fd);
	close(copy);
	puts("open 2 0");
}

static void stream(long count)
{
	char line[100], *long_line = NULL;
	size_t room = 0;
	long lines = 0, read_bytes = 0;
	FILE *file = fopen("lines", "w");

	for (long i = 0; i < count; i++)
		fwrite("0123456789 is a line\n", 1, 21, file);
	for (long i = 0; i < count; i++)
		fputs("another line\n", file);
	for (long i = 0; i < count; i++)
		fprintf(file, "%08ld\n", i);
	fclose(file);
	printf("stream-write %ld %ld\n", 3 * count, 43 * count);
	file = fopen("lines", "r");
	for (; lines < count && fgets(line, sizeof(line), file); lines++)
		read_bytes += (long)strlen(line);
	for (; lines < 2 * count && getline(&long_line, &room, file) > 0; lines++)
		read_bytes += (long)strlen(long_line);
	for (; lines < 3 * count; lines++)
		read_bytes += (long)fread(line, 1, 9, file);
	fclose(file);
	free(long_line);
	printf("stream-read %ld %ld\n", lines, read_bytes);
}

/* Calls of the functions that the header makes none of, and of those it does. */
static void characters(long count)
{
	FILE *file = fopen("characters", "w");
	long sum = 0, number, at;

	for (long i = 0; i < count; i++) {
		putc('a', file);
		fputc('b', file);
		putc_unlocked('c', file);
		(fputc_unlocked)('d', file);
		fputs(" 4711 ", file);
		if (i == count / 2)
			fseek(file, 0, SEEK_CUR);
		putc('e', file);
		fwrite("four", 1, 4, file);
	}
	printf("stream-write %ld\n", 15 * count);
	fclose(file);
	file = fopen("characters", "r");
	for (at = 0; at < count; at++) {
		sum += getc(file) + fgetc(file) + getc_unlocked(file) + (fgetc_unlocked)(file);
		ungetc(getc(file), file);
		sum += fscanf(file, "%ld", &number);
		sum += number + getc(file);
		sum += getc(file);
		sum += fread(bytes, 1, 4, file) == 4 && !memcmp(bytes, "four", 4);
	}
	printf("stream-read %ld\n", 15 * count);
	fclose(file);
	fflush(stdout);
	for (long i = 0; i < count % 4000; i++)
		putchar_unlocked(
			"1234567890123456789012345678901234567890123456789012345678901234567\n"
				[i % 68]);
	fprintf(stderr, "%ld\n", sum);
}

/* Each name gets one write of as many bytes as the name is long. */
static void again(void)
{
	int fd = make("one"), other;
	FILE *file, *memory;
	char *text;
	size_t text_bytes;

	put(fd, 3);
	close(fd);
	fd = make("three"); /* the same number */
	put(fd, 5);
	other = make("seventh");
	put(other, 7);
	dup2(other, fd);
	put(fd, 7);
	file = fdopen(fd, "w");
	fclose(file); /* closes it without a call of close */
	fd = make("eleven_long");
	put(fd, 11);
	close_range((unsigned int)fd, (unsigned int)fd, 0);
	fd = make("thirteen_long");
	put(fd, 13);
	close(fd);
	put(-1, 1);
	memory = open_memstream(&text, &text_bytes);
	fputs("text", memory);
	fclose(memory);
	put(fd, 1); /* there is none, until there is, by a function that nobody watches */
	fd = memfd_create("later", 0);
	put(fd, 5);
	puts("done");
}

static void child(void)
{
	int fd = make("parents"), status;
	pid_t pid;

	put(fd, 10);
	pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork): it is what is tested */
	if (!pid) {
		/* NOLINTNEXTLINE(clang-analyzer-unix.Vfork): as programs do */
		int own = open("childs", O_WRONLY | O_CREAT | O_TRUNC, 0644);

		dup2(own, fd);
		put(fd, 20);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	put(fd, 40);
	printf("%d\n", status);
}

static volatile sig_atomic_t handled;
static int handlers_fd;

static void on_alarm(int number)
{
	(void)number;
	handled += put(handlers_fd, 1) == 1;
}

static void write_in_handler(void)
{
	struct timespec often = {0, 200000};
	struct itimerspec interval = {often, often};
	long own = 0;
	timer_t timer;
	int fd = make("mains");

	handlers_fd = make("handlers");
	signal(SIGALRM, on_alarm);
	timer_create(CLOCK_MONOTONIC, NULL, &timer);
	timer_settime(timer, 0, &interval, NULL);
	while (handled < 300)
		own += put(fd, 1);
	timer_delete(timer);
	printf("%d %ld\n", (int)handled, own);
}

#define SAY(call)                                                                                  \
	do {                                                                                       \
		errno = 4711;                                                                      \
		long result_ = (long)(call);                                                       \
		printf("%-60s %ld %d\n", #call, result_, errno);                                   \
	} while (0)

static DIR *volatile no_folder;
static FILE *volatile no_stream;

static void say_results(void)
{
	SAY(open("missing/file", O_RDONLY));
	SAY(open(".", O_WRONLY));
	SAY(openat(-1, "file", O_RDONLY));
	SAY(creat("missing/file", 0600));
	SAY(read(-1, bytes, 1));
	SAY(write(-1, bytes, 1));
	SAY(pread(-1, bytes, 1, 0));
	SAY(pwrite(100000, bytes, 1, 0));
	SAY(fsync(-1));
	SAY(fdatasync(0));
	SAY(close(-1));
	SAY(close(70000));
	SAY(dup2(-1, 5));
	SAY(dup3(1, 1, 0));
	SAY(sendfile(-1, -1, NULL, 1));
	SAY(fopen("missing/file", "r") == NULL);
	SAY(write(1, "", 0));
	SAY(close_range(200000, 200001, 0));
	SAY(dprintf(-1, "%d", 1));
	SAY(closedir(no_folder));
	SAY(fread(bytes, 0, 1, no_stream));
	SAY(fwrite(bytes, 0, 1, no_stream));
	SAY(fgets(bytes, 0, no_stream) == NULL);
	SAY(fflush(no_stream));
}

#define CHURN_THREADS 64

static void *churn_thread(void *number)
{
	char name[32];

	snprintf(name, sizeof(name), "churn%ld", (long)number);
	for (int i = 0; i < 50; i++) {
		int fd = make(name);

		for (int j = 0; j < 10; j++)
			put(fd, 10);
		close(fd);
	}
	return NULL;
}

static void churn(void)
{
	pthread_t threads[CHURN_THREADS];

	for (long i = 0; i < CHURN_THREADS; i++)
		pthread_create(&threads[i], NULL, churn_thread, (void *)i);
	for (int i = 0; i < CHURN_THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%d\n", CHURN_THREADS * 50 * 10);
}

static void many(long count)
{
	char name[32];

	for (long i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "many%ld", i);
		int fd = memfd_create(name, 0);

		put(fd, 1);
		close(fd);
	}
	printf("%ld\n", count);
}

static void measure(long count)
{
	struct timespec start, end;
	int fd = open("/dev/null", O_WRONLY);

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
	for (long i = 0; i < count; i++)
		put(fd, 1);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	printf("%.1f\n",
	       ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) /
		       (double)count);
}

int main(int argc, char **argv)
{
	const char *which = argc > 1 ? argv[1] : "";
	long count = argc > 2 ? atol(argv[2]) : 1000;

	memset(bytes, 'x', sizeof(bytes));
	if (!strcmp(which, "known"))
		known();
	else if (!strcmp(which, "stream"))
		stream(count);
	else if (!strcmp(which, "characters"))
		characters(count);
	else if (!strcmp(which, "again"))
		again();
	else if (!strcmp(which, "child"))
		child();
	else if (!strcmp(which, "handler"))
		write_in_handler();
	else if (!strcmp(which, "results"))
		say_results();
	else if (!strcmp(which, "churn"))
		churn();
	else if (!strcmp(which, "many"))
		many(count);
	else if (!strcmp(which, "null"))
		measure(count);
	else
		return 2;
	return 0;
}

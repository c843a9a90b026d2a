/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tests of collector/profile/profile_file.c and profile_file_load.c. */
#include "collector/profile/profile_file.h"

#include <criterion/criterion.h>

#include "tests/requirements.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/profile_file.XXXXXX";
static char path[64], old_path[64];
static struct profile *profile, *loaded;
static struct error error;

static void setup(void)
{
	cr_assert_not_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/a.prof", folder);
	snprintf(old_path, sizeof(old_path), "%s/a.prof.old", folder);
	profile = profile_new();
	loaded = NULL;
	error.text[0] = '\0';
}

static void teardown(void)
{
	char command[128];

	profile_free(profile);
	profile_free(loaded);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	cr_assert_eq(system(command), 0);
}

TestSuite(profile_file, .init = setup, .fini = teardown);

/* A profile with a row in every table and three samples. */
static void write_profile(struct profile_file *file)
{
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, "/usr/bin/a", "0123");
	uint32_t kernel = profile_module(profile, PROFILE_MODULE_KERNEL, "[kernel]", NULL);
	uint32_t frame = profile_frame(profile, module, 0x1234);
	uint32_t kernel_frame = profile_frame(profile, kernel, 0xffffffff81000000u);
	uint32_t source = profile_file_name(profile, "/src/a.c");
	uint32_t stack = profile_stack(profile, profile_stack(profile, 0, frame), kernel_frame);
	uint32_t thread = profile_thread_add(profile, 10, 11, "worker");
	struct profile_line lines[2] = {
		{profile_function(profile, "inner<int>", "_Z5inner", module, source, 3, true), 4},
		{profile_function(profile, "outer", NULL, module, source, 30, true), 44},
	};

	profile_metric_add(profile, "cpu", "ns", 1001001);
	profile_frame_set_lines(profile, frame, lines, 2);
	profile_probe_add(profile, &(struct profile_probe){.frame = frame,
							   .place = 4,
							   .mode = 2,
							   .time_ns = 900,
							   .estimated_calls = 5000,
							   .calls_margin = 70,
							   .note = (char[]){"a note"}});
	profile_probe_add(profile, &(struct profile_probe){.frame = frame, .kind = 2});
	profile_timing_add(profile,
			   &(struct profile_timing){
				   .probe = 1, .thread = thread, .calls = 9, .max_ns = INT64_MAX});
	profile_bucket_add(profile, &(struct profile_bucket){1, PROFILE_BUCKETS - 1, 5});
	profile_edge_add(profile, &(struct profile_edge){0, 1, 9, 99});
	profile_step_add(profile, &(struct profile_step){0, thread, 10, 30, 5});
	profile_hit_function_add(
		profile,
		&(struct profile_hit_function){
			.frame = frame, .calls = 9, .counted_calls = 8, .note = (char[]){"short"}});
	profile_block_hits_add(profile, &(struct profile_block_hits){0, 12, 3, PROFILE_HIT_DERIVED,
								     0x1234, INT64_MAX, 0});
	profile_line_hits_add(
		profile, &(struct profile_line_hits){0, source, 4, PROFILE_HIT_ESTIMATED, 70, 6});
	profile_source_add(profile, &(struct profile_source){source, 9, 77, (char[]){"int x;\n"}});
	profile_subject_add(profile, &(struct profile_subject){.kind = PROFILE_SUBJECT_MUTEX,
							       .name = (char[]){"door"},
							       .module = module,
							       .pid = 10,
							       .address = 0x5000,
							       .site = stack,
							       .taken = 7});
	profile_operation_add(profile, &(struct profile_operation){.subject = 1,
								   .thread = thread,
								   .stack = stack,
								   .other = 1,
								   .kind = PROFILE_OPERATION_LOCK,
								   .count = 2,
								   .total_ns = 100,
								   .longest_ns = 60,
								   .amount = INT64_MAX,
								   .part_ns = 40});
	profile_spread_add(profile, &(struct profile_spread){.subject = 1,
							     .bucket = 9,
							     .kind = PROFILE_OPERATION_LOCK,
							     .count = 2});
	profile_set_text(profile, "state", "complete");
	profile_set_number(profile, "lost.ring_full", 3);
	profile_thread_times_add(profile,
				 &(struct profile_thread_times){thread, 100, 40, 3, 10, 45, 6});
	profile_point_add(profile, profile_series(profile, "rss", "bytes", false), 500, 4096);
	profile_point_add(profile, profile_series(profile, "faults", "count", true), 500, 1);
	profile_point_add(profile, profile_series(profile, "rss", "bytes", false), 600, 8192);
	for (int i = 0; i < 3; i++)
		cr_assert_eq(profile_file_append(file,
						 &(struct profile_sample){1000, 1, thread, stack, 0,
									  PROFILE_ENDING_COMPLETE},
						 &error),
			     0);
	cr_assert_eq(profile_file_commit(file, profile, &error), 0, "%s", error.text);
}

static void write_and_close(void)
{
	struct profile_file *file = profile_file_create(path, &error);

	cr_assert_not_null(file, "%s", error.text);
	write_profile(file);
	profile_file_close(file);
}

static void change(const char *sql)
{
	sqlite3 *database;

	cr_assert_eq(sqlite3_open(path, &database), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK, "%s: %s", sql,
		     sqlite3_errmsg(database));
	sqlite3_close(database);
}

Test(profile_file, reads_back_what_was_written)
{
	write_and_close();
	cr_assert_eq(profile_file_load(path, &loaded, &error), 0, "%s", error.text);
	cr_assert_eq(loaded->samples_count, 3);
	cr_assert_eq(loaded->samples[2].time_ns, 1002, "equal times are moved on");
	cr_assert_eq(loaded->samples[2].value, 1);
	cr_assert_str_eq(loaded->modules[1].build_id, "0123");
	cr_assert_null(loaded->modules[2].build_id);
	cr_assert_eq(loaded->frames[2].address, 0xffffffff81000000u);
	cr_assert_eq(loaded->frames[1].line_count, 2);
	cr_assert_eq(loaded->frames[2].line_count, 0);
	cr_assert_str_eq(loaded->functions[1].linkage_name, "_Z5inner");
	cr_assert_str_eq(loaded->files[loaded->functions[2].file], "/src/a.c");
	cr_assert_eq(loaded->lines[1].line, 44);
	cr_assert_eq(loaded->stacks[2].parent, 1);
	cr_assert_str_eq(loaded->threads[1].name, "worker");
	cr_assert_eq(loaded->metrics[0].period, 1001001);
	cr_assert_eq(loaded->probes_count, 2);
	cr_assert_str_eq(loaded->probes[0].note, "a note");
	cr_assert_null(loaded->probes[1].note);
	cr_assert_eq(loaded->probes[0].time_ns, 900);
	cr_assert_eq(loaded->probes[0].estimated_calls, 5000);
	cr_assert_eq(loaded->probes[0].calls_margin, 70);
	cr_assert_eq(loaded->timings[0].max_ns, INT64_MAX);
	cr_assert_eq(loaded->timing_buckets[0].bucket, PROFILE_BUCKETS - 1);
	cr_assert_eq(loaded->call_edges[0].sum_ns, 99);
	cr_assert_eq(loaded->steps[0].end_ns, 30);
	cr_assert_eq(loaded->hit_functions[0].counted_calls, 8);
	cr_assert_str_eq(loaded->hit_functions[0].note, "short");
	cr_assert_eq(loaded->block_hits[0].hits, INT64_MAX);
	cr_assert_eq(loaded->block_hits[0].label, PROFILE_HIT_DERIVED);
	cr_assert_str_eq(loaded->files[loaded->line_hits[0].file], "/src/a.c");
	cr_assert_eq(loaded->line_hits[0].margin, 6);
	cr_assert_str_eq(profile_text(loaded, "state", ""), "complete");
	cr_assert_eq(profile_number(loaded, "lost.ring_full", 0), 3);
	cr_assert_eq(loaded->thread_times_count, 1);
	cr_assert_eq(loaded->thread_times[0].off_cpu_ns, 45);
	cr_assert_eq(loaded->thread_times[0].switches, 6);
	cr_assert_eq(loaded->series_count, 2);
	cr_assert_str_eq(loaded->series[0].unit, "bytes");
	cr_assert(loaded->series[1].is_total && !loaded->series[0].is_total);
	cr_assert_eq(loaded->points_count, 3);
	cr_assert_eq(loaded->points[1].time_ns, 600, "the points of a series lie together");
	cr_assert_eq(loaded->points[1].value, 8192);
	cr_assert_eq(loaded->points[2].series, 1);
	cr_assert_eq(loaded->sources[0].hash, 77);
	cr_assert_str_eq(loaded->sources[0].text, "int x;\n");
	cr_assert_str_eq(loaded->subjects[1].name, "door");
	cr_assert_eq(loaded->subjects[1].site, 2);
	cr_assert_eq(loaded->subjects[1].taken, 7);
	cr_assert_eq(loaded->operations[0].other, 1);
	cr_assert_eq(loaded->operations[0].amount, INT64_MAX);
	cr_assert_eq(loaded->operations[0].part_ns, 40);
	cr_assert_eq(loaded->spreads_count, 1, "equal buckets are added up");
	cr_assert_eq(loaded->spreads[0].count, 2);
}

Test(profile_file, keeps_what_was_committed_when_the_writer_dies)
{
	struct profile_file *file = profile_file_create(path, &error);

	write_profile(file);
	cr_assert_eq(
		profile_file_append(file, &(struct profile_sample){5000, 1, 1, 2, 0, 0}, &error),
		0);
	/* No commit and no close: what a killed collector leaves. */
	cr_assert_eq(profile_file_load(path, &loaded, &error), 0, "%s", error.text);
	cr_assert_eq(loaded->samples_count, 3);
	profile_file_close(file);
}

Test(profile_file, writes_changed_thread_names)
{
	struct profile_file *file = profile_file_create(path, &error);

	write_profile(file);
	profile_thread_rename(profile, 1, "renamed");
	cr_assert_eq(profile_file_commit(file, profile, &error), 0);
	profile_file_close(file);
	cr_assert_eq(profile_file_load(path, &loaded, &error), 0);
	cr_assert_str_eq(loaded->threads[1].name, "renamed");
}

Test(profile_file, keeps_an_existing_file_as_old_and_gives_it_back_on_discard)
{
	struct profile_file *file;

	write_and_close();
	file = profile_file_create(path, &error);
	cr_assert_eq(access(old_path, F_OK), 0);
	profile_file_discard(file);
	cr_assert_neq(access(old_path, F_OK), 0);
	cr_assert_eq(profile_file_load(path, &loaded, &error), 0);
	cr_assert_eq(loaded->samples_count, 3);
}

Test(profile_file, two_writers_never_meet)
{
	struct profile_file *file = profile_file_create(path, &error);

	cr_assert_null(profile_file_create(path, &error));
	cr_assert_eq(errno, EBUSY);
	cr_assert(strstr(error.text, "another collector is recording"), "%s", error.text);
	cr_assert_neq(access(old_path, F_OK), 0);
	write_profile(file);
	profile_file_close(file);
	cr_assert_eq(profile_file_load(path, &loaded, &error), 0, "%s", error.text);
	file = profile_file_create(path, &error);
	cr_assert_not_null(file, "%s", error.text);
	profile_file_close(file);
}

Test(profile_file, names_the_cause_when_it_cannot_be_created)
{
	cr_assert_null(profile_file_create("/nonexistent/a.prof", &error));
	cr_assert_eq(errno, ENOENT);
	cr_assert(strstr(error.text, "/nonexistent/a.prof: No such file"), "%s", error.text);
	cr_assert_null(profile_file_create("/proc/a.prof", &error));
	cr_assert(strstr(error.text, "cannot create /proc/a.prof: "), "%s", error.text);
	cr_assert_null(profile_file_create(folder, &error));
	cr_assert_eq(errno, EEXIST);
}

Test(profile_file, a_full_disk_is_told_and_leaves_what_was_committed)
{
	struct profile_file *file;
	uint64_t count = 0;
	int result;

	require("mount");
	cr_assert_eq(unshare(CLONE_NEWNS), 0);
	cr_assert_eq(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	cr_assert_eq(mount("none", folder, "tmpfs", 0, "size=256k"), 0, "%s", strerror(errno));
	file = profile_file_create(path, &error);
	write_profile(file);
	do {
		for (int i = 0; i < 500; i++)
			profile_file_append(file, &(struct profile_sample){0, 1, 1, 2, 0, 0}, NULL);
		result = profile_file_commit(file, profile, &error);
		count += 500;
	} while (!result && count < 100000);
	cr_assert_eq(result, -ENOSPC, "%s", error.text);
	cr_assert(strstr(error.text, "disk is full"), "%s", error.text);
	/* What comes after a failure must not slip in outside of the lost transaction. */
	cr_assert_eq(profile_file_append(file, &(struct profile_sample){0, 1, 1, 2, 0, 0}, &error),
		     -ENOSPC);
	/* Room was set aside for names and the end. */
	cr_assert_eq(profile_file_recover(file), 501, "the refused one too");
	profile_set_text(profile, "state", "stopped: the disk is full");
	profile_frame_set_lines(profile, 2, &(struct profile_line){1, 7}, 1);
	cr_assert_eq(profile_file_commit(file, profile, &error), 0, "%s", error.text);
	profile_file_close(file);
	result = profile_file_load(path, &loaded, &error);
	umount(folder);
	cr_assert_eq(result, 0, "%s", error.text);
	cr_assert_eq(loaded->samples_count, 3 + count - 500);
	cr_assert_eq(loaded->frames[2].line_count, 1);
	cr_assert_str_eq(profile_text(loaded, "state", ""), "stopped: the disk is full");
}

Test(profile_file, tells_missing_empty_foreign_and_newer_files_apart)
{
	int fd;

	cr_assert_eq(profile_file_load(path, &loaded, &error), -ENOENT);
	cr_assert_eq(profile_file_load(folder, &loaded, &error), -EINVAL);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	cr_assert_eq(profile_file_load(path, &loaded, &error), -EINVAL);
	cr_assert(strstr(error.text, "is empty"), "%s", error.text);
	cr_assert_eq(write(fd, "a text that is no database at all\n", 34), 34);
	cr_assert_eq(profile_file_load(path, &loaded, &error), -ENOEXEC);
	cr_assert(strstr(error.text, "is no profile"), "%s", error.text);
	close(fd);
	unlink(path);
	change("CREATE TABLE t(a)");
	cr_assert_eq(profile_file_load(path, &loaded, &error), -EINVAL);
	cr_assert(strstr(error.text, "an SQLite file, but no profile"), "%s", error.text);
	unlink(path);
	write_and_close();
	change("PRAGMA user_version = 99");
	cr_assert_eq(profile_file_load(path, &loaded, &error), -EPROTONOSUPPORT);
	change("ALTER TABLE metrics DROP COLUMN is_level; PRAGMA user_version = 2");
	cr_assert_eq(profile_file_load(path, &loaded, &error), -EPROTONOSUPPORT);
	cr_assert(strstr(error.text, "has format version 2"), "%s", error.text);
}

Test(profile_file, reads_values_of_raw_cycles)
{
	write_and_close();
	change("UPDATE samples SET value = 9223372036854775807 WHERE time_ns = 1000");
	cr_assert_eq(profile_file_load(path, &loaded, &error), 0, "%s", error.text);
	cr_assert_eq(loaded->samples[0].value, INT64_MAX);
}

Test(profile_file, says_that_another_users_file_may_not_be_read)
{
	int result;

	require("root");
	write_and_close();
	cr_assert_eq(chmod(folder, 0755), 0);
	cr_assert_eq(chmod(path, 0600), 0);
	cr_assert_eq(seteuid(65534), 0);
	result = profile_file_load(path, &loaded, &error);
	cr_assert_eq(seteuid(0), 0);
	cr_assert_eq(result, -EACCES);
	cr_assert(strstr(error.text, "a.prof: Permission denied"), "%s", error.text);
}

/* Even a read-only connection would make files beside one. */
Test(profile_file, refuses_a_write_ahead_log)
{
	char shared[80];

	write_and_close();
	change("PRAGMA journal_mode = WAL");
	snprintf(shared, sizeof(shared), "%s-shm", path);
	cr_assert_neq(access(shared, F_OK), 0);
	cr_assert_eq(profile_file_load(path, &loaded, &error), -EINVAL);
	cr_assert(strstr(error.text, "write-ahead log"), "%s", error.text);
	cr_assert_neq(access(shared, F_OK), 0);
}

Test(profile_file, refuses_a_file_cut_anywhere)
{
	struct stat status;

	write_and_close();
	cr_assert_eq(stat(path, &status), 0);
	for (off_t bytes = status.st_size - 1; bytes > 0; bytes -= 997) {
		cr_assert_eq(truncate(path, bytes), 0);
		cr_assert_lt(profile_file_load(path, &loaded, &error), 0, "%ld bytes", (long)bytes);
	}
}

Test(profile_file, refuses_hostile_rows)
{
	static const char *const attacks[] = {
		"UPDATE stacks SET parent = 2 WHERE id = 1",
		"UPDATE stacks SET frame = 77 WHERE id = 1",
		"UPDATE stacks SET frame = 0 WHERE id = 1",
		"UPDATE stacks SET id = 9 WHERE id = 2",
		"UPDATE frames SET module = -1",
		"UPDATE frames SET address = 'x'",
		"UPDATE lines SET function = 3 WHERE depth = 0",
		"UPDATE lines SET depth = 5 WHERE depth = 1",
		"UPDATE functions SET file = 4294967296",
		"UPDATE functions SET name = x'00'",
		"UPDATE metrics SET period = 0",
		"UPDATE samples SET stack = 3",
		"UPDATE samples SET metric = 1",
		"UPDATE samples SET thread = 2",
		"UPDATE samples SET ending = 200",
		"UPDATE samples SET value = -1",
		"UPDATE metrics SET is_level = 2",
		"UPDATE modules SET kind = 50",
		"UPDATE modules SET path = NULL",
		"UPDATE threads SET tid = -5",
		"UPDATE thread_times SET thread = 2",
		"UPDATE thread_times SET wall_ns = -1",
		"UPDATE thread_times SET cpu_ns = 9223372036854775807",
		"UPDATE series SET id = 5 WHERE id = 1",
		"UPDATE series SET name = 'rss'",
		"UPDATE series SET is_total = 2",
		"UPDATE points SET series = 2 WHERE series = 1",
		"UPDATE points SET time_ns = -1 WHERE time_ns = 600",
		"UPDATE points SET value = 'x'",
		"UPDATE probes SET frame = 3 WHERE id = 0",
		"UPDATE probes SET frame = 0 WHERE id = 0",
		"UPDATE probes SET mode = 3 WHERE id = 0",
		"UPDATE probes SET kind = 3 WHERE id = 0",
		"UPDATE probes SET id = 7 WHERE id = 1",
		"UPDATE probes SET is_partial = 2",
		"UPDATE probes SET estimated_calls = -1",
		"UPDATE probes SET note = x'6100' WHERE id = 0",
		"UPDATE timings SET probe = 2",
		"UPDATE timings SET thread = 2",
		"UPDATE timings SET calls = -1",
		"UPDATE timings SET sum_ns = 0.5",
		"UPDATE timing_buckets SET bucket = 1152",
		"UPDATE call_edges SET caller = 2",
		"UPDATE call_edges SET callee = -1",
		"UPDATE hit_functions SET counted_calls = 10",
		"UPDATE hit_functions SET frame = 9",
		"UPDATE block_hits SET function = 1",
		"UPDATE block_hits SET hits = -1",
		"UPDATE line_hits SET file = 9",
		"UPDATE line_hits SET label = 3",
		"UPDATE steps SET probe = 2",
		"UPDATE steps SET end_ns = 9",
		"UPDATE steps SET probe_ns = 21",
		"UPDATE subjects SET kind = 0",
		"UPDATE subjects SET kind = 99",
		"UPDATE subjects SET id = 7",
		"UPDATE subjects SET name = x'6100'",
		"UPDATE subjects SET site = 9",
		"UPDATE subjects SET pid = -1",
		"UPDATE operations SET subject = 2",
		"UPDATE operations SET thread = 2",
		"UPDATE operations SET kind = 0",
		"UPDATE operations SET stack = 9",
		"UPDATE operations SET other = 9",
		"UPDATE operations SET longest_ns = 9007199254740993",
		"UPDATE operations SET part_ns = 101",
		"UPDATE operations SET total_ns = 9007199254740993",
		"UPDATE operations SET count = -1",
		"UPDATE spreads SET bucket = 1152",
		"UPDATE spreads SET kind = 77",
		"DROP TABLE operations; CREATE TABLE operations (subject)",
		"DROP TABLE steps",
		"DROP TABLE spreads",
		"DROP TABLE samples",
		"DROP TABLE samples; CREATE VIEW samples AS WITH RECURSIVE c(x) AS (SELECT 1 UNION "
		"ALL SELECT x + 1 FROM c) SELECT x, 0, 1, 0, 1, 0 FROM c",
		"ALTER TABLE stacks ADD COLUMN more",
	};

	for (size_t i = 0; i < sizeof(attacks) / sizeof(*attacks); i++) {
		unlink(path);
		profile_free(profile);
		profile = profile_new();
		write_and_close();
		change("PRAGMA ignore_check_constraints = 1");
		sqlite3 *database;

		sqlite3_open(path, &database);
		if (sqlite3_exec(database, attacks[i], NULL, NULL, NULL) == SQLITE_OK)
			cr_assert_lt(profile_file_load(path, &loaded, &error), 0, "%s", attacks[i]);
		sqlite3_close(database);
	}
}

static void append(struct profile_file *file, uint16_t metric, uint32_t stack, int64_t value)
{
	cr_assert_eq(profile_file_append(file,
					 &(struct profile_sample){.time_ns = 1,
								  .value = (uint64_t)value,
								  .stack = stack,
								  .metric = metric},
					 &error),
		     0);
}

Test(profile_file, changes_of_a_level_are_added_up_and_kept)
{
	struct profile_file *file = profile_file_create(path, &error);
	uint32_t module = profile_module(profile, PROFILE_MODULE_ELF, "/a", NULL);
	uint32_t one = profile_stack(profile, 0, profile_frame(profile, module, 1));
	uint32_t other = profile_stack(profile, 0, profile_frame(profile, module, 2));
	uint16_t calls = (uint16_t)profile_metric_add(profile, "calls", "count", 1);
	uint16_t live = (uint16_t)profile_metric_add(profile, "live", "bytes", 1);

	profile_metric_set_level(profile, live);
	append(file, live, one, 500);
	append(file, live, other, 70);
	append(file, calls, one, 9);
	append(file, live, one, -300);
	append(file, live, other, -70);
	cr_assert_eq(profile_file_commit(file, profile, &error), 0, "%s", error.text);
	profile_file_close(file);
	cr_assert_eq(profile_file_load(path, &loaded, &error), 0, "%s", error.text);
	cr_assert(loaded->metrics[live].is_level && !loaded->metrics[calls].is_level);
	cr_assert_eq(loaded->changes_count, 4);
	cr_assert_eq((int64_t)loaded->changes[2].value, -300);
	cr_assert_eq(loaded->samples_count, 2, "the calls, and the one level that is not 0");
	cr_assert_eq(loaded->samples[1].metric, live);
	cr_assert_eq(loaded->samples[1].stack, one);
	cr_assert_eq(loaded->samples[1].value, 200);
	cr_assert_geq(loaded->samples[1].time_ns, loaded->samples[0].time_ns);
}

Test(profile_file, survives_random_damage)
{
	struct stat status;
	unsigned char *bytes;
	int accepted = 0;
	FILE *stream;

	write_and_close();
	cr_assert_eq(stat(path, &status), 0);
	bytes = malloc(status.st_size);
	stream = fopen(path, "r");
	cr_assert_eq(fread(bytes, 1, status.st_size, stream), (size_t)status.st_size);
	fclose(stream);
	srandom(1);
	for (int round = 0; round < 300; round++) {
		size_t at = random() % status.st_size;
		unsigned char kept = bytes[at];

		bytes[at] = random();
		stream = fopen(path, "w");
		fwrite(bytes, 1, status.st_size, stream);
		fclose(stream);
		if (!profile_file_load(path, &loaded, &error)) {
			accepted++;
			profile_free(loaded);
			loaded = NULL;
		}
		bytes[at] = kept;
	}
	free(bytes);
	cr_assert_lt(accepted, 300, "some damage must be noticed");
}

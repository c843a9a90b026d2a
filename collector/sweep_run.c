/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep_run: see sweep_run.h. */
#include "collector/sweep_run.h"

#include "collector/base/xalloc.h"
#include "collector/profile/profile_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SCHEMA	"simprof/run-v1"
#define GRACE_S 2 /* between asking a run to end and killing it */

static const char *const state_names[SWEEP_STATES] = {"done", "failed", "timed out"};

/* A run that is being made. */
struct attempt {
	char path[PATH_MAX]; /* of its folder */
	bool is_bare;
	int state;
	int status; /* as the shell has it */
	double seconds, cpu_seconds;
	char started[32];
};

const char *sweep_run_name(const struct sweep_run *run, char name[SWEEP_RUN_NAME])
{
	snprintf(name, SWEEP_RUN_NAME, "p%dr%d%s", run->point + 1, run->repeat + 1,
		 run->is_bare ? "b" : "");
	return name;
}

static void final_path(const struct sweep_folder *folder, const struct sweep_run *run,
		       char path[PATH_MAX])
{
	char name[SWEEP_RUN_NAME];

	snprintf(path, PATH_MAX, "%s/runs/%s", folder->path, sweep_run_name(run, name));
}

int sweep_run_state(const struct sweep_folder *folder, const struct sweep_run *run)
{
	char path[PATH_MAX], file[PATH_MAX + 16];
	const char *text;
	json_t *json;
	int state = -ENOENT;

	final_path(folder, run, path);
	snprintf(file, sizeof(file), "%s/run.json", path);
	json = json_load_file(file, 0, NULL);
	text = json_string_value(json_object_get(json, "state"));
	for (int i = 0; text && i < SWEEP_STATES; i++)
		if (!strcmp(state_names[i], text))
			state = i;
	json_decref(json);
	return state;
}

int sweep_run_check(const struct sweep_folder *folder, const struct sweep_run *run,
		    struct error *error)
{
	struct profile *profile;
	char path[PATH_MAX], file[PATH_MAX + 16];
	const char *schema;
	json_t *json;
	int result = 0;

	final_path(folder, run, path);
	snprintf(file, sizeof(file), "%s/run.json", path);
	json = json_load_file(file, 0, NULL);
	schema = json_string_value(json_object_get(json, "schema"));
	if (!schema || strcmp(schema, SCHEMA) != 0)
		result = fail(error, -EPROTONOSUPPORT, "%s has not the form '" SCHEMA "'", file);
	json_decref(json);
	if (result || run->is_bare || sweep_run_state(folder, run) != SWEEP_DONE)
		return result;
	snprintf(file, sizeof(file), "%s/run.prof", path);
	result = profile_file_load(file, &profile, error);
	if (!result)
		profile_free(profile);
	return result;
}

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* The command line of a run: the program itself, or the collector that records it. */
static const char **make_argv(const struct sweep_folder *folder, const struct sweep_plan *plan,
			      const struct sweep_run *run, const char *name, char **command)
{
	size_t options = json_array_size(plan->run), count = 0, words = 0;
	const char **argv;

	while (command[words])
		words++;
	argv = xcalloc(words + options + 8, sizeof(*argv));
	if (!run->is_bare) {
		argv[count++] = folder->collector;
		argv[count++] = "run";
		argv[count++] = "-q";
		argv[count++] = "-o";
		argv[count++] = name;
		for (size_t i = 0; i < options; i++)
			argv[count++] = json_string_value(json_array_get(plan->run, i));
		argv[count++] = "--";
	}
	memcpy(argv + count, command, words * sizeof(*argv));
	return argv;
}

/* Opens a file of the run as stream @fd; in the child. */
static void redirect(const char *path, int flags, int fd)
{
	int opened = open(path, flags, 0644);

	if (opened < 0 || dup2(opened, fd) < 0)
		_exit(126);
	close(opened);
}

/* In a process group of its own, so that all of it can be ended; and told to end when we are
 * killed. Writes errno to @errno_fd when it cannot be executed. */
static void become(const struct attempt *attempt, const char **argv, int errno_fd)
{
	char out[PATH_MAX + 4], err[PATH_MAX + 4];
	sigset_t none;
	int code;

	snprintf(out, sizeof(out), "%s/out", attempt->path);
	snprintf(err, sizeof(err), "%s/err", attempt->path);
	setpgid(0, 0);
	/* Locks of whoever runs the sweep are not the program's to hold. */
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	redirect("/dev/null", O_RDONLY, STDIN_FILENO);
	redirect(out, O_WRONLY | O_CREAT, STDOUT_FILENO);
	redirect(err, O_WRONLY | O_CREAT, STDERR_FILENO);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (argv[0])
		execvp(argv[0], (char *const *)argv);
	code = errno;
	if (write(errno_fd, &code, sizeof(code)) < 0)
		_exit(126);
	_exit(126);
}

/* Returns 0, or why the program cannot be executed. */
static int start(const struct attempt *attempt, const char **argv, pid_t *pid)
{
	int ends[2], code = 0;

	if (pipe2(ends, O_CLOEXEC))
		return errno;
	*pid = fork();
	if (!*pid)
		become(attempt, argv, ends[1]);
	code = *pid < 0 ? errno : 0;
	close(ends[1]);
	if (*pid > 0) {
		setpgid(*pid, *pid);
		if (read(ends[0], &code, sizeof(code)) > 0)
			waitpid(*pid, NULL, 0);
	}
	close(ends[0]);
	return code;
}

/* Waits for the process, at most until @end_s. Returns its status through @status and 1; 0 when the
 * time is over; -EINTR when a signal says that the sweep is to end. */
static int wait_until(pid_t pid, double end_s, int *status, struct rusage *usage)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	for (;;) {
		double left_s = end_s - now_s();
		struct timespec left = {.tv_sec = left_s > 0 ? (time_t)left_s : 0};
		int signal;

		if (wait4(pid, status, WNOHANG, usage) == pid)
			return 1;
		if (left_s <= 0)
			return 0;
		left.tv_nsec = (long)(1e9 * (left_s - (double)left.tv_sec));
		signal = sigtimedwait(&signals, NULL, &left);
		if (signal > 0 && signal != SIGCHLD)
			return -EINTR;
	}
}

/* Ends a run whose time is over: first as a user would, so that its recording is written. */
static void end(pid_t pid, int *status, struct rusage *usage)
{
	kill(-pid, SIGTERM);
	if (wait_until(pid, now_s() + GRACE_S, status, usage) == 1) {
		kill(-pid, SIGKILL);
		return;
	}
	kill(-pid, SIGKILL);
	while (wait4(pid, status, 0, usage) < 0 && errno == EINTR)
		;
}

static double time_of(struct timeval time)
{
	return (double)time.tv_sec + 1e-6 * (double)time.tv_usec;
}

/* Runs @argv and fills in what came of it. Returns 0, or -EINTR. */
static int execute(struct attempt *attempt, const char **argv, double time_limit_s)
{
	time_t clock = time(NULL);
	double start_s = now_s();
	struct rusage usage = {0};
	struct tm utc;
	int status = 0, result;
	pid_t pid = 0;

	strftime(attempt->started, sizeof(attempt->started), "%Y-%m-%dT%H:%M:%SZ",
		 gmtime_r(&clock, &utc));
	result = start(attempt, argv, &pid);
	if (result) {
		attempt->state = SWEEP_FAILED;
		attempt->status = result == ENOENT ? 127 : 126;
		return 0;
	}
	result = wait_until(pid, start_s + time_limit_s, &status, &usage);
	if (result != 1)
		end(pid, &status, &usage);
	else
		kill(-pid, SIGKILL); /* what it left behind */
	attempt->seconds = now_s() - start_s;
	attempt->cpu_seconds = time_of(usage.ru_utime) + time_of(usage.ru_stime);
	attempt->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	attempt->state = !result		? SWEEP_TIMED_OUT
			 : attempt->status != 0 ? SWEEP_FAILED
						: SWEEP_DONE;
	return result < 0 ? result : 0;
}

static void remove_folder(const char *path)
{
	DIR *folder = opendir(path);
	struct dirent *entry;

	if (!folder)
		return;
	while ((entry = readdir(folder)))
		unlinkat(dirfd(folder), entry->d_name, 0);
	closedir(folder);
	rmdir(path);
}

/* The last line of what the program wrote on standard error, cut to fit; "" when there is none. */
static void read_last_line(const struct attempt *attempt, char *line, size_t bytes)
{
	char path[PATH_MAX], *text = NULL;
	size_t capacity = 0;
	FILE *stream;

	*line = '\0';
	if (snprintf(path, sizeof(path), "%s/err", attempt->path) >= PATH_MAX)
		return;
	stream = fopen(path, "re");
	while (stream && getline(&text, &capacity, stream) > 0) {
		text[strcspn(text, "\n")] = '\0';
		if (*text)
			snprintf(line, bytes, "%s", text);
	}
	free(text);
	if (stream)
		fclose(stream);
}

static json_t *reason_json(const struct attempt *attempt, double time_limit_s)
{
	const char *signal = attempt->status > 128 ? sigabbrev_np(attempt->status - 128) : NULL;
	char line[200], text[300];
	json_t *json;

	read_last_line(attempt, line, sizeof(line));
	if (attempt->state == SWEEP_TIMED_OUT)
		snprintf(text, sizeof(text), "it had not ended after %g s", time_limit_s);
	else
		snprintf(text, sizeof(text), "it ended with status %d%s%s%s%s", attempt->status,
			 signal ? ", that of SIG" : "", signal ? signal : "", *line ? ": " : "",
			 line);
	json = json_string(text);
	return json ? json : json_string("it failed; what it said is not UTF-8");
}

static int write_result(const struct attempt *attempt, const struct sweep_plan *plan,
			const struct sweep_run *run, struct error *error)
{
	char path[PATH_MAX], host[256] = "";
	json_t *json;
	int result;

	gethostname(host, sizeof(host) - 1);
	json = json_pack("{s:s, s:O, s:i, s:b, s:s, s:i, s:f, s:f, s:s, s:s*, s:s*, s:s*}",
			 "schema", SCHEMA, "point",
			 json_array_get(plan->points, (size_t)run->point), "repeat", run->repeat,
			 "bare", run->is_bare, "state", state_names[attempt->state], "status",
			 attempt->status, "seconds", attempt->seconds, "cpu_seconds",
			 attempt->cpu_seconds, "started", attempt->started, "host", host, "node",
			 getenv("SLURMD_NODENAME"), "job", getenv("SLURM_JOB_ID"));
	if (attempt->state != SWEEP_DONE)
		json_object_set_new(json, "reason", reason_json(attempt, plan->time_limit_s));
	if (snprintf(path, sizeof(path), "%s/run.json", attempt->path) >= PATH_MAX)
		result = -1;
	else
		result = json_dump_file(json, path, JSON_INDENT(1) | JSON_SORT_KEYS);
	json_decref(json);
	return result ? fail(error, -EIO, "cannot write %.400s: %m", attempt->path) : 0;
}

/* A folder that is there already holds the same run, made by somebody else: it counts, not ours;
 * unless it does not tell how it ended, as after a full disk. */
static int publish(const struct attempt *attempt, const struct sweep_folder *folder,
		   const struct sweep_run *run, struct error *error)
{
	char path[PATH_MAX];

	final_path(folder, run, path);
	if (!rename(attempt->path, path))
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return fail(error, -errno, "cannot name %.400s: %m", path);
	if (sweep_run_state(folder, run) < 0) {
		remove_folder(path);
		if (!rename(attempt->path, path))
			return 0;
	}
	remove_folder(attempt->path);
	return 0;
}

static int make_folder(struct attempt *attempt, const char *path, struct error *error)
{
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	if (snprintf(attempt->path, sizeof(attempt->path), "%s.%s.%d", path, host, getpid()) >=
	    PATH_MAX)
		return fail(error, -ENAMETOOLONG, "the name of the folder is too long");
	remove_folder(attempt->path);
	if (mkdir(attempt->path, 0755))
		return fail(error, -errno, "cannot make %.400s: %m", attempt->path);
	return 0;
}

/* Each run begins without what the ones before left. */
static void remove_scratch(const struct sweep_plan *plan)
{
	const json_t *path;
	size_t i;

	json_array_foreach (plan->scratch, i, path) {
		unlink(json_string_value(path));
	}
}

static int attempt_run(struct attempt *attempt, const struct sweep_folder *folder,
		       const struct sweep_plan *plan, const struct sweep_run *run,
		       struct error *error)
{
	char **command = sweep_plan_command(plan, run->point), name[PATH_MAX];
	const char **argv;
	int result;

	if (snprintf(name, sizeof(name), "%s/run", attempt->path) >= PATH_MAX) {
		sweep_command_free(command);
		return fail(error, -ENAMETOOLONG, "the name of the folder is too long");
	}
	argv = make_argv(folder, plan, run, name, command);
	remove_scratch(plan);
	result = execute(attempt, argv, plan->time_limit_s);
	remove_scratch(plan);
	free(argv);
	sweep_command_free(command);
	return result ? fail(error, result, "interrupted") : 0;
}

int sweep_run_make(const struct sweep_folder *folder, const struct sweep_plan *plan,
		   const struct sweep_run *run, struct error *error)
{
	struct attempt attempt = {0};
	char path[PATH_MAX];
	int result = sweep_run_state(folder, run);

	if (result >= 0)
		return result;
	final_path(folder, run, path);
	result = make_folder(&attempt, path, error);
	if (!result)
		result = attempt_run(&attempt, folder, plan, run, error);
	if (!result)
		result = write_result(&attempt, plan, run, error);
	if (!result)
		result = publish(&attempt, folder, run, error);
	if (result)
		remove_folder(attempt.path);
	return result ? result : attempt.state;
}

int sweep_run_warm_up(const struct sweep_folder *folder, const struct sweep_plan *plan,
		      struct error *error)
{
	struct sweep_run run = {.is_bare = true};
	struct attempt attempt = {0};
	char path[PATH_MAX];
	int result;

	snprintf(path, sizeof(path), "%s/runs/warm-up", folder->path);
	result = make_folder(&attempt, path, error);
	if (!result)
		result = attempt_run(&attempt, folder, plan, &run, error);
	remove_folder(attempt.path);
	return result;
}

/* "NAME.HOST.PID" of this host whose process is no more. */
static bool is_abandoned(const char *name, const char *host)
{
	const char *dot = strrchr(name, '.'), *first = strchr(name, '.');
	long pid = dot ? strtol(dot + 1, NULL, 10) : 0;

	if (!dot || pid <= 0 || strncmp(first + 1, host, strlen(host)) != 0 ||
	    first + 1 + strlen(host) != dot)
		return false;
	return kill((pid_t)pid, 0) && errno == ESRCH;
}

void sweep_run_clean(const struct sweep_folder *folder)
{
	char path[PATH_MAX], host[256] = "";
	struct dirent *entry;
	DIR *runs;

	gethostname(host, sizeof(host) - 1);
	snprintf(path, sizeof(path), "%s/runs", folder->path);
	runs = opendir(path);
	while (runs && (entry = readdir(runs))) {
		char whole[PATH_MAX + 300];

		snprintf(whole, sizeof(whole), "%s/%s", path, entry->d_name);
		if (is_abandoned(entry->d_name, host))
			remove_folder(whole);
	}
	if (runs)
		closedir(runs);
}

void sweep_run_forget(const struct sweep_folder *folder, const struct sweep_run *run)
{
	char path[PATH_MAX];

	final_path(folder, run, path);
	remove_folder(path);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sim: makes a world, steps it, says what happened. */
#include "sim/database.h"
#include "sim/environment.h"
#include "sim/options.h"
#include "sim/state_hash.h"
#include "sim/summary.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t asked_to_end;

/* One wish may come as two signals, from a terminal and from who started sim; a third is meant. */
static void ask_to_end(int signal_number)
{
	if (++asked_to_end < 3)
		return;
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

/*
 * The step that is being taken is finished first. What is ignored from the beginning stays so: a
 * shell ignores SIGINT for what it starts in the background, nohup ignores SIGHUP. A reader that
 * went away and a file that may not become larger are write errors, not death.
 */
static void handle_signals(void)
{
	static const int wishes[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = ask_to_end, .sa_flags = SA_RESTART}, before;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++)
		if (sigaction(wishes[i], NULL, &before) == 0 && before.sa_handler != SIG_IGN)
			sigaction(wishes[i], &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

static int check_output(FILE *file, const char *name, struct error *error)
{
	errno = 0;
	if (fflush(file) == 0 && !ferror(file))
		return 0;
	return fail(error, -EIO, "cannot write to %s (%s); give it a place that takes the output",
		    name, strerror(errno ? errno : EIO));
}

static double now_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Steps until the end; *status receives why it ended. */
static int run(struct environment *environment, const struct options *options, const char **status,
	       struct error *error)
{
	*status = "completed";
	while (options->steps == 0 || environment->step < options->steps) {
		if (asked_to_end) {
			*status = "interrupted";
			break;
		}
		if (environment->living == 0) {
			*status = "extinct";
			break;
		}
		int failed = environment_step(environment, error);
		if (!failed && options->state_hash) {
			printf("%u %016" PRIx64 "\n", environment->step - 1,
			       state_hash(environment));
			failed = check_output(stdout, "standard output", error);
		}
		if (failed)
			return failed;
	}
	return 0;
}

/* The log is completed even if nobody takes the output, and the first failure is what is told. */
static int simulate(struct environment *environment, const struct options *options,
		    struct error *error)
{
	const char *status;
	double start_s = now_s();
	int failed = run(environment, options, &status, error);
	double seconds = now_s() - start_s;
	char results[512];
	struct error ending;
	summary_json(results, sizeof(results), environment);
	int ended = database_finish(environment->database, failed ? "interrupted" : status, results,
				    failed ? &ending : error);
	if (failed || ended)
		return failed ? failed : ended;
	FILE *file = options->state_hash ? stderr : stdout;
	summary_print(file, environment, status, seconds);
	return check_output(file, options->state_hash ? "standard error" : "standard output",
			    error);
}

static int build_and_simulate(const struct options *options, struct error *error)
{
	struct database *database = NULL;
	if (strcmp(options->database, "none") != 0) {
		char *parameters = options_json(options);
		int failed = database_open(options->database, &options->logging, parameters,
					   &database, error);
		free(parameters);
		if (failed)
			return failed;
	}
	struct environment environment;
	int failed = environment_init(&environment, &options->parameters, database, error);
	if (!failed) {
		failed = simulate(&environment, options, error);
		environment_done(&environment);
	}
	database_close(database);
	return failed;
}

int main(int argc, char **argv)
{
	static struct options options;
	struct error error;
	options_parse(&options, argc, argv);
	handle_signals();
	int failed = options_check(&options, &error);
	if (!failed && fcntl(STDOUT_FILENO, F_GETFD) < 0)
		failed = fail(&error, -EBADF,
			      "standard output is closed; give it a place that takes the output");
	if (!failed && options.print_config) {
		failed = options_print(&options, stdout, &error);
		if (!failed)
			failed = check_output(stdout, "standard output", &error);
	} else if (!failed) {
		if (options_may_outgrow(&options, &error))
			fprintf(stderr, "sim: %s\n", error.text);
		failed = build_and_simulate(&options, &error);
	}
	if (failed)
		fprintf(stderr, "sim: %s\n", error.text);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#!/usr/bin/env bats
# The options of sim: from the command line and from a file, and what is refused.

bats_require_minimum_version 1.5.0

load sim

setup_file() {
	export SIM=${BUILD:-$BATS_TEST_DIRNAME/../../build}/bin/sim
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
}

@test "numbers that are none, or out of range, are refused with the range" {
	for text in abc '' -5 +5 ' 5' 5x 1e3 0x10 0 1000001 99999999999999999999; do
		refuses '--agents takes a whole number from 1 to 1000000, not' "$SIM" --agents "$text"
	done
	refuses '--steps takes a whole number from 0 to' "$SIM" --steps -1
	refuses '--steps takes a whole number from 0 to' "$SIM" --steps 1000000001
	refuses '--seed takes a whole number from 0 to 18446744073709551615' "$SIM" --seed 18446744073709551616
	refuses '--resources takes a whole number from 1 to' "$SIM" --resources 0
	refuses '--resources takes a whole number from 1 to' "$SIM" --resources 10000001
	refuses '--max-population takes a whole number from 1 to' "$SIM" --max-population none
	refuses '--width takes a whole number from .* to 100000' "$SIM" --width 100001
	refuses '--height takes a whole number from .* to 100000' "$SIM" --height tall
}

@test "a world smaller than the observation radius is refused" {
	refuses '--width 5 is a world smaller than the observation radius; take at least 6' "$SIM" --width 5
	refuses '--height 0 is a world smaller' "$SIM" --height 0
	run -0 "$SIM" --width 6 --height 6 --agents 5 --steps 20
}

@test "more agents than the population limit are refused" {
	refuses 'is less than the 500 agents' "$SIM" --agents 500 --max-population 400
}

@test "options that contradict each other are refused with a way out" {
	refuses "--min-share 5 is more than --max-share 2; " "$SIM" --min-share 5 --max-share 2
	refuses "--reproduction-cost 50 is more than --reproduction-minimum 8, which makes debts; " "$SIM" --reproduction-cost 50
	refuses "--batch 40 is more than the 20 transitions that are remembered; .* more --memory" "$SIM" --batch 40 --memory 20
	refuses "--batch 257 is more than the 256 transitions" "$SIM" --algorithm ppo --batch 257
	refuses "the seven action weights of System agents are all 0; " "$SIM" --type-parameters off --defend-weight 0 \
		--attack-weight 0 --gather-weight 0 --share-weight 0 --move-weight 0 --reproduce-weight 0 --pass-weight 0
	refuses "--epsilon-minimum 0.5 is more than --epsilon-start 0.1; " "$SIM" --epsilon-minimum 0.5 --epsilon-start 0.1
	refuses "--agents 5 and the agents of each type, 9, do not agree; " "$SIM" --agents 5 \
		--system-agents 3 --independent-agents 3 --control-agents 3
}

@test "an option that does nothing beside a choice is refused, unless it only lies below it" {
	local row
	for row in 'algorithm ppo|network none' 'n-step 3|network none' 'hidden 24|network none' \
		'sharing agent|network none' 'epsilon-start 1|network none' 'decisions batched|network none' \
		'hidden 30|network seed' 'replay prioritised|algorithm ppo' 'memory 300|algorithm ppo' \
		'target-rate 0.1|algorithm ppo' 'epsilon-decay 0.9|algorithm ppo' \
		'database-thread off|database none' 'database-profile safety|database none' \
		'database-buffer 10|database none' 'database-interval 1|database none' \
		'system-gather-cost 1|type-parameters off' 'share-weight 1|type-parameters on' \
		'mutation-rate 0.5|genome off' 'partner-range 5|crossover off'; do
		# shellcheck disable=SC2086
		refuses "--${row%% *} does nothing with --${row#*|}; leave it out, or take another --" \
			"$SIM" --${row%|*} --${row#*|}
	done
	refuses '--target-rate does nothing with --target-every 5; leave it out, or take --target-every 0' \
		"$SIM" --target-rate 0.1 --target-every 5
	refuses '--index-urgency does nothing with --index-update rebuild; leave it out, or take --index-update batched' \
		"$SIM" --index-urgency danger
	refuses '--hidden does nothing with --network seed; ' "$SIM" --preset seed --hidden 24
	printf '[learning]\nhidden = 30\n' >run.ini
	run -0 "$SIM" --config run.ini --network none --steps 2
	run -0 "$SIM" --preset seed --algorithm ppo --print-config
	[[ $output == *"
; memory does nothing with --algorithm ppo
"* ]]
	"$SIM" --preset seed --agents 3 --network none --print-config >one.ini
	"$SIM" --config one.ini --print-config >two.ini
	cmp one.ini two.ini
}

@test "numbers that are not finite, negative or huge are refused for every kind of option" {
	for text in nan inf -1 1e30 '' 1,5; do
		refuses '--base-consumption takes a number from 0 to' "$SIM" --base-consumption "$text"
	done
	refuses '--threads takes a whole number from 1 to 256' "$SIM" --threads 0
	refuses '--threads takes a whole number from 1 to 256' "$SIM" --threads 257
	refuses '--database-buffer takes a whole number from 1 to' "$SIM" --database-buffer 0
	refuses '--database-interval takes a number from 0 to' "$SIM" --database-interval -1
	refuses '--hidden takes a whole number from 1 to 4096' "$SIM" --hidden 0
	refuses "--index takes kdtree, quadtree or hash, not 'tree'" "$SIM" --index tree
	refuses "--curriculum takes on or off, not 'maybe'" "$SIM" --curriculum maybe
}

@test "a configuration makes the run that its options make, and is overridden by the command line" {
	local options=(--preset research --seed 7 --observations 1 --index hash --steps 8 --database none)
	"$SIM" "${options[@]}" --print-config >run.ini
	"$SIM" "${options[@]}" --state-hash >told 2>/dev/null
	"$SIM" --config run.ini --state-hash >from.file 2>/dev/null
	cmp told from.file
	"$SIM" --config run.ini --print-config >again.ini
	cmp run.ini again.ini
	refuses '--database a ;b cannot be said in a configuration file; ' "$SIM" --database 'a ;b' --print-config
	"$SIM" --database '"a";b' --steps 3 --print-config >quoted.ini
	"$SIM" --config quoted.ini >/dev/null
	[ -s '"a";b' ]
	run -0 "$SIM" --config run.ini --steps 3
	[ "$(count steps)" -eq 3 ]
	run -0 "$SIM" --preset testing --steps 1
	[ "${lines[0]}" = "6 agents, 4 resources, world 25 x 25, seed 42: completed" ]
}

# file TEXT: a configuration with this text, named wrong.ini
file() {
	printf '%b' "$1" >wrong.ini
}

@test "a configuration with anything unknown is refused with its line" {
	file '[world]\nwidth = 50\nwidht = 5\n'
	refuses "wrong.ini:3: there is no 'widht' in section world" "$SIM" --config wrong.ini
	file '[wrld]\nwidth = 5\n'
	refuses "wrong.ini:1: there is no section 'wrld'" "$SIM" --config wrong.ini
	file '[agent]\nagents = 5\n'
	refuses "wrong.ini:2: there is no 'agents' in section agent" "$SIM" --config wrong.ini
	file '\nwidth = 5\n'
	refuses "wrong.ini:2: width belongs to no section; put it below" "$SIM" --config wrong.ini
	file '[world]\nwidth = 50\nwidth = 60\n'
	refuses "wrong.ini:3: width was given in a line before" "$SIM" --config wrong.ini
	file '[world]\nwidth = -1\n'
	refuses "wrong.ini:2: width takes a whole number from" "$SIM" --config wrong.ini
	file '[world\nwidth = 1\n'
	refuses "wrong.ini:1: the name of a section ends with \]" "$SIM" --config wrong.ini
	file '[world]\nwidth\n'
	refuses "wrong.ini:2: neither a \[section\] nor key = value" "$SIM" --config wrong.ini
	file '[run]\nsteps = 5\n[run] frobnicate = 1\n'
	refuses "wrong.ini:3: after the name of a section comes 'frobnicate = 1'; " "$SIM" --config wrong.ini
	file '[run]\n\0seeed = 9\nsteps = 2\n'
	refuses "wrong.ini:2: the line is longer than [0-9]+ characters, or no text" "$SIM" --config wrong.ini
	file '[world]\nmax_widht = 5\n'
	refuses "wrong.ini:2: there is no 'max_widht' in section world" "$SIM" --config wrong.ini
	file '\xEF\xBB\xBF[wrld]\nwidth = 5\n'
	refuses "wrong.ini:1: there is no section 'wrld'" "$SIM" --config wrong.ini
	head -c 3000 /dev/urandom >wrong.ini
	refuses "wrong.ini:" "$SIM" --config wrong.ini
	refuses "cannot read the configuration nowhere.ini .No such file or directory.; " "$SIM" --config nowhere.ini
	for place in /tmp /dev/zero; do
		refuses "cannot read the configuration $place; give a text file or a pipe" "$SIM" --config $place
	done
	refuses '^sim: /dev/stdin is larger than 1048576 bytes, which no configuration is; ' \
		bash -c '"$SIM" --config /dev/stdin < <(exec cat /dev/zero)'
	refuses "there is no preset 'giant'; take one of default, " "$SIM" --preset giant
}

@test "a configuration may come through a pipe, begin with a byte order mark and have comments after a header" {
	file '\xEF\xBB\xBF[run] ; how long\nsteps = 2\n[world]\t# where\r\nwidth = 30'
	run -0 bash -c 'cat wrong.ini | "$SIM" --config /dev/stdin'
	[[ ${lines[0]} == *"world 30 x 100"* ]]
	[ "$(count steps)" -eq 2 ]
}

@test "unknown options, missing values and stray words are refused" {
	refuses "^sim: unrecognized option '--agnets'\$" "$SIM" --agnets 5
	refuses "option '--agents' requires an argument" "$SIM" --agents
	refuses "option '--index-u' is ambiguous" "$SIM" --index-u
	refuses "'extra' belongs to no option" "$SIM" extra
	refuses "--database takes FILE of at most" "$SIM" --database ''
}

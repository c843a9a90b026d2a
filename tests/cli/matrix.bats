#!/usr/bin/env bats
# The bottleneck matrix, of summaries written here.

load requirements
load profiles

setup() {
	cd "$BATS_TEST_TMPDIR"
	mkdir -p out/phase1 out/phase3 out/phase4
	cat >out/phase1/phase1_summary.json <<-END
		{"schema": "simprof/phase-v1", "phase": 1, "status": "success",
		"predictions": {"hot": {"share": "10-20", "earlier": "75"}, "cold": {"share": "5-30"}},
		"report": {"sections": [{"id": "shares", "tables": [
		{"id": "components", "columns": [{"id": "component"}, {"id": "share"}],
		 "rows": [["cold", [0.2, 0.1, 0.3]], ["hot", [0.8, 0.6, 0.9]]]},
		{"id": "causes", "columns": [{"id": "component"}, {"id": "function"}, {"id": "borne"}, {"id": "self"}],
		 "rows": [["hot", "burn", [0.6, 0.5, 0.7], 0.01], ["hot", "smoke", 0.2, 0.2]]}]}]}}
	END
	cat >out/phase3/phase3_summary.json <<-END
		{"schema": "simprof/phase-v1", "phase": 3, "status": "success", "report": {"sections": [{"id": "lines", "tables": [
		{"id": "hottest", "columns": [{"id": "component"}, {"id": "file"}, {"id": "line"}, {"id": "borne"}],
		 "rows": [["hot", "/src/burn.c", 9, [0.5, 0.4, 0.6]], ["hot", "burn.c", 7, [0.1, 0, 1]], ["else", "else.c", 1, [0.9, 0, 1]]]}]}]}}
	END
	cat >out/phase4/phase4_summary.json <<-END
		{"schema": "simprof/phase-v1", "phase": 4, "status": "failed", "scaling": {"n": {"groups": [{"shares": {"hot": 0.9, "cold": 0.004, "mild": 0.1}, "rows": [
		{"name": "hot", "kind": "component", "component": "hot", "time": {"class": "O(n)", "exponent": 1.1, "interval": [1, 1.2], "rivals": []}},
		{"name": "sip", "kind": "function", "component": "mild", "time": {"class": "O(n)", "exponent": 1, "interval": null, "rivals": ["O(n log n)"]}}]}]}}}
	END
}

refused() {
	run -1 "$BUILD/bin/reports" matrix out
	[ "${#lines[@]}" -eq 1 ]
	[[ $output == *"$1"* ]]
}

@test "a row per component: worst first, and what no phase measured is not measured" {
	run -0 "$BUILD/bin/reports" matrix --json out
	echo "$output" >matrix.json
	[ "$(ask matrix.json 'JSON.stringify(it.sections[0].tables[0].rows[0].slice(2, 5))')" = \
		'["not measured","burn.c:9 (50 %)","O(n) in n, exponent 1.10 (1.00 to 1.20)"]' ]
	[ "$(ask matrix.json 'it.sections[0].tables[0].rows[0][5].toFixed(6)')" = 3.000000 ]
	[ "$(ask matrix.json 'it.sections[0].tables[0].rows[1][3]')" = "no line of it is among the hottest, or its code has no lines" ]
	# Without a class of its own: what is known of it.
	[ "$(ask matrix.json 'it.sections[0].tables[0].rows[1][4]')" = "not measured: too few samples (at most 0.4 % of the CPU time at any n)" ]
	[ "$(ask matrix.json 'it.sections[1].tables[0].rows.map(row => row[2] + ", " + row[4]).join("; ")')" = \
		'75, more than predicted; not measured, as predicted' ]
	[ "$(ask matrix.json 'it.sections.slice(2, 4).map(sheet => sheet.tables[0].rows[1][1]).join("|")')" = \
		'burn, 60 % with what it calls outside of components, 1 % in itself|no sample in its functions' ]
	[ "$(ask matrix.json 'it.sections[2].id + ": " + it.sections[2].tables[0].rows.map(row => row[0]).join()')" = \
		'sheet_hot: current,cause: function,cause: line,evidence: duration,evidence: growth,evidence: memory,best configuration,remedy,expected gain' ]
	run -0 "$BUILD/bin/reports" matrix out
	[[ $output == *"Phase 2 was not measured."*"Phase 4 did not measure all that was planned."* ]]
	[[ $output != *"outside of them"* ]]
}

@test "what lies outside of steps is in no row, and is told" {
	sed -i 's/{"id": "causes"/{"id": "outside", "columns": [{"id": "where"}, {"id": "share"}], "rows": [["in steps", 0.17], ["outside of steps", 0.83]]}, &/' \
		out/phase1/phase1_summary.json
	run -0 "$BUILD/bin/reports" matrix out
	[[ $output == *"83 % of all lies outside of them and is in no row."* ]]
}

@test "a component's growth is never that of a function, and its best configuration the one that is ahead by most" {
	mkdir out/phase2
	sed -i 's/\["cold", \[/["mild", [/' out/phase1/phase1_summary.json
	cat >out/phase2/phase2_summary.json <<-END
		{"schema": "simprof/phase-v1", "phase": 2, "status": "success", "sweeps": [{"name": "mild_sips", "about": "mild"}, {"name": "hot_all", "about": "hot"}],
		"report": {"sections": [{"id": "mild_sips", "tables": [
		{"id": "calls", "columns": [{"id": "point"}, {"id": "function"}, {"id": "p50"}], "rows": [["n 1", "sip", 2000], ["n 2", "sip", 3000]]},
		{"id": "best", "columns": [{"id": "work"}, {"id": "best"}, {"id": "ratio"}, {"id": "word"}],
		 "rows": [["n 1", "cup a", 1.5, "clear"], ["n 2", "cup b", 2.5, "clear"], ["n 3", "cup c", 9, "cannot tell"]]}]}]}}
	END
	run -0 "$BUILD/bin/reports" matrix --json out
	echo "$output" >matrix.json
	[ "$(ask matrix.json 'it.sections[0].tables[0].rows[1].slice(2, 5).join("|")')" = \
		'sip: median 3.00 µs at n 2; best: mild_sips, n 2: cup b (2.50 times)|no line of it is among the hottest, or its code has no lines|not measured: too few samples (at most 10.0 % of the CPU time at any n)' ]
	[ "$(ask matrix.json 'it.sections[0].tables[0].rows[0][2]')" = "not measured" ]
	sed -i 's/"class": "O(n)", //' out/phase4/phase4_summary.json
	run -0 "$BUILD/bin/reports" matrix --json out
	[[ $output == *"not measured: too few sizes (at most 10.0 % of the CPU time"* && $output != *"sip: O"* ]]
	[ "$(ask matrix.json 'it.sections.find(section => section.id == "sheet_mild").tables[0].rows[6][1]')" = \
		'mild_sips, n 1: cup a (1.50 times); mild_sips, n 2: cup b (2.50 times)' ]
}

@test "a sheet names the best win that was measured, and what it brought" {
	mkdir out/wins
	cat >out/wins/wins_summary.json <<-END
		{"schema": "simprof/phase-v1", "phase": 5, "status": "success", "wins": [
		{"name": "less", "component": "hot", "before": "a", "after": "b", "changes": "all", "trace": "differs", "word": "faster",
		 "wall": {"ratio": 1.5, "low": 1.25, "high": 1.75}},
		{"name": "worse", "component": "hot", "wall": {"ratio": 0.9, "low": 0.8, "high": 1}}]}
	END
	run -0 "$BUILD/bin/reports" matrix --json out
	[[ $output == *'less: b instead of a; results: differs; all'*'1.50 times as fast (1.25 to 1.75), wall time: faster'* ]]
	[[ $output != *worse* ]]
}

@test "what was profiled has already is no remedy, and a win of other runs says so" {
	sed -i '/^"report"/i "remedies": [{"name": "made", "component": "hot", "gain": "9", "already": "yes"}, {"name": "less", "component": "hot", "gain": "2"}],' \
		out/phase1/phase1_summary.json
	run -0 "$BUILD/bin/reports" matrix --json out
	[[ $output == *'less: '* && $output != *'made: '* ]]
	mkdir out/wins
	cat >out/wins/wins_summary.json <<-END
		{"schema": "simprof/phase-v1", "phase": 5, "status": "success", "wins": [
		{"name": "made", "component": "hot", "before": "a", "after": "b", "word": "faster", "share": 0.8, "wall": {"ratio": 3, "low": 2, "high": 4}},
		{"name": "less", "component": "hot", "before": "c", "after": "d", "word": "faster", "share": 0.998, "wall": {"ratio": 1.5, "low": 1.25, "high": 1.75}}]}
	END
	run -0 "$BUILD/bin/reports" matrix --json out
	[[ $output == *'less: d instead of c'* && $output != *'made: '* ]]
	[[ $output == *'runs in which the component had 99.8 % of the CPU time, not 80.0 %'* ]]
	sed -i 's/0.998/0.85/' out/wins/wins_summary.json
	run -0 "$BUILD/bin/reports" matrix --json out
	[[ $output != *'runs in which'* ]]
}

@test "a phase that failed by its budget alone has measured all" {
	sed -i 's/"status": "failed",/& "problems": ["n: recording took 9 % of the CPU time (8 to 10), more than the budget of 5 %: times"],/' out/phase4/phase4_summary.json
	run -0 "$BUILD/bin/reports" matrix out
	[[ $output == *"Phase 4 measured all that was planned, but recording broke the budget"* && $output != *build* ]]
	[[ $output == *"Not all four phases"* ]] # of the second nothing is there
	mkdir out/phase2
	echo '{"schema": "simprof/phase-v1", "phase": 2, "status": "success"}' >out/phase2/phase2_summary.json
	run -0 "$BUILD/bin/reports" matrix out
	[[ $output == *"All four phases measured what they planned, but recording slowed the program down"* ]]
}

@test "phases of different builds are told" {
	sed -i 's/"status"/"builds": {"engine": "aa", "tool": "b"}, &/' out/phase1/phase1_summary.json
	sed -i 's/"status"/"builds": {"engine": "cc", "tool": "b"}, &/' out/phase4/phase4_summary.json
	run -0 "$BUILD/bin/reports" matrix out
	[[ $output == *"Phase 4 measured another build of engine than phase 1."* && $output != *"build of tool"* ]]
}

@test "a win that is certain in CPU time comes before one that cannot tell, and the effort is that of the remedy that is shown" {
	sed -i '/^"report"/i "remedies": [{"name": "promised", "component": "hot", "gain": "9", "effort": "1"}, {"name": "sure", "component": "hot",\
		"effort": "4"}, {"name": "noisy", "component": "hot", "effort": "2"}],' out/phase1/phase1_summary.json
	mkdir out/wins
	cat >out/wins/wins_summary.json <<-END
		{"schema": "simprof/phase-v1", "phase": 5, "status": "success", "wins": [
		{"name": "noisy", "component": "hot", "before": "a", "after": "b", "word": "cannot tell",
		 "wall": {"ratio": 1.6, "low": 0.7, "high": 3.1}, "cpu": {"ratio": 1, "low": 0.9, "high": 1.1}},
		{"name": "sure", "component": "hot", "before": "c", "after": "d", "word": "less CPU time",
		 "wall": {"ratio": 1.2, "low": 0.9, "high": 1.6}, "cpu": {"ratio": 1.25, "low": 1.19, "high": 1.31}}]}
	END
	run -0 "$BUILD/bin/reports" matrix --json out
	echo "$output" >matrix.json
	[ "$(ask matrix.json 'it.sections.find(section => section.id == "sheet_hot").tables[0].rows.slice(7).map(row => row[1]).join("|")')" = \
		'sure: d instead of c; results: not compared|at most 5.00 times as fast, were it free (Amdahl)|1.25 times as fast (1.19 to 1.31), CPU time: less CPU time' ]
	# 4 by 3/4 by the effort of 4.
	[ "$(ask matrix.json 'it.sections[0].tables[0].rows[0][5].toFixed(6)')" = 0.750000 ]
}

@test "without a measured win a sheet has what the description promises most of, marked as not measured" {
	sed -i '/^"report"/i "remedies": [{"name": "some", "component": "hot", "before": "a", "after": "b"}, {"name": "more",\
		"component": "hot", "before": "c", "after": "d", "gain": "2-4", "effort": "2", "changes": "all"}],' out/phase1/phase1_summary.json
	run -0 "$BUILD/bin/reports" matrix --json out
	echo "$output" >matrix.json
	[ "$(ask matrix.json 'it.sections[0].tables[0].rows[0].slice(5).map(cell => +cell ? cell.toFixed(6) : cell).join()')" = 1.500000,high ]
	# 80 % of the time, 2 and 4 times as fast: 1 / (0.2 + 0.4) and 1 / (0.2 + 0.2).
	[ "$(ask matrix.json 'it.sections.find(section => section.id == "sheet_hot").tables[0].rows.slice(7).map(row => row[1]).join("|")')" = \
		'more: d instead of c; results: not compared; all|at most 5.00 times as fast, were it free (Amdahl)|1.67 to 2.50 times as fast, if the component gets 2 to 4 times as fast, as the description says; not measured' ]
	[ "$(ask matrix.json 'it.sections.find(section => section.id == "sheet_cold").tables[0].rows[7][1]')" = \
		"the engine's description names none ([win NAME])" ]
}

@test "no folder, no phase 1, half a summary and another version are one sentence each" {
	sed -i s/phase-v1/phase-v9/ out/phase4/phase4_summary.json
	refused "no summary of phase4 of this version"
	echo '{"schema": "simprof' >out/phase3/phase3_summary.json
	refused "phase3_summary.json cannot be read"
	rm out/phase*/*.json
	refused "no summary of phase 1"
	rm -r out
	refused "cannot read the results"
}

#!/usr/bin/env bats
# Names from debug files that are not beside the program: installed by build-id, or from a server,
# which is asked only when the user names one.

load requirements

setup() {
	require perf
	root=$BATS_TEST_DIRNAME/../..
	cd "$BATS_TEST_TMPDIR"
}

teardown() {
	[ -z "${server-}" ] || kill "$server"
}

# A stripped program `app`; its debug information is in `debug`, its build-id in $id.
build_stripped() {
	gcc -std=gnu17 -O2 -g -I"$root" -Wl,--build-id -o app "$root/tests/workloads/recursion.c" -lm
	id=$(readelf -n app | sed -n 's/.*Build ID: //p')
	objcopy --only-keep-debug app debug
	strip app
}

# Serves the folder `served` on a free port of loopback; its address is in $url, its log in `asked`.
serve() {
	cat >server.mjs <<-'JS'
		import http from "node:http";
		import fs from "node:fs";
		http.createServer((request, response) => {
			fs.appendFileSync("asked", request.url + "\n");
			const path = "served" + request.url;
			if (request.url.includes("..") || !fs.existsSync(path)) return response.writeHead(404).end();
			response.writeHead(200).end(fs.readFileSync(path));
		}).listen(0, "127.0.0.1", function () { fs.writeFileSync("port", String(this.address().port)); });
	JS
	node server.mjs 3>&- &
	server=$!
	until [ -s port ]; do sleep 0.05; done
	url=http://127.0.0.1:$(cat port)
}

@test "a stripped program has the names that are installed by its build-id" {
	require root
	build_stripped
	cat >inside <<-'SH'
		mkdir -p /usr/lib/debug
		mount -t tmpfs none /usr/lib/debug
		mkdir -p "/usr/lib/debug/.build-id/${1:0:2}"
		cp debug "/usr/lib/debug/.build-id/${1:0:2}/${1:2}.debug"
		exec collector run -q -o x -- ./app 0.3
	SH
	unshare --mount bash -e inside "$id" >/dev/null
	[ "$(sqlite3 x.prof "SELECT count(*) FROM functions WHERE name = 'descend' AND file")" -eq 1 ]
}

@test "a stripped program has the names and lines that a server knows by its build-id" {
	require node
	ls /usr/lib/*/libdebuginfod.so.1 >/dev/null 2>&1 || skip "libdebuginfod1 is not installed"
	build_stripped
	mkdir -p "served/buildid/$id" cache
	cp debug "served/buildid/$id/debuginfo"
	serve
	export DEBUGINFOD_CACHE_PATH=$PWD/cache
	env -u DEBUGINFOD_URLS collector run -q -o x -- ./app 0.3 >/dev/null
	[ ! -e asked ]
	[ "$(sqlite3 x.prof "SELECT count(*) FROM functions WHERE name = 'descend'")" -eq 0 ]
	DEBUGINFOD_URLS=$url collector run -q -o x -- ./app 0.3 >/dev/null
	grep -q "^/buildid/$id/debuginfo$" asked
	[ "$(sqlite3 x.prof "SELECT path FROM functions JOIN files ON files.id = file WHERE name = 'descend'" | grep -c 'workloads/recursion.c$')" -eq 1 ]
	# A server that answers with another program's file is not believed.
	gcc -std=gnu17 -O2 -g -I"$root" -Ddescend=wrong_name -Wl,--build-id=0x1234 -o other "$root/tests/workloads/recursion.c" -lm
	cp other "served/buildid/$id/debuginfo"
	rm -rf cache/*
	DEBUGINFOD_URLS=$url collector run -q -o x -- ./app 0.3 >/dev/null
	[ "$(sqlite3 x.prof "SELECT count(*) FROM functions WHERE name IN ('wrong_name', 'descend')")" -eq 0 ]
}

@test "a server that says nothing is given up when interrupted, and the recording is kept" {
	require node
	ls /usr/lib/*/libdebuginfod.so.1 >/dev/null 2>&1 || skip "libdebuginfod1 is not installed"
	build_stripped
	cat >silent.mjs <<-'JS'
		import net from "node:net";
		import fs from "node:fs";
		net.createServer(() => fs.appendFileSync("asked", "asked\n"))
			.listen(0, "127.0.0.1", function () { fs.writeFileSync("port", String(this.address().port)); });
	JS
	node silent.mjs 3>&- &
	server=$!
	until [ -s port ]; do sleep 0.05; done
	export DEBUGINFOD_CACHE_PATH=$PWD/cache DEBUGINFOD_TIMEOUT=600 DEBUGINFOD_MAXTIME=600
	DEBUGINFOD_URLS=http://127.0.0.1:$(cat port) env --default-signal=INT collector run -o x -- ./app 0.3 2>err 3>&- &
	collector=$!
	until [ -e asked ]; do sleep 0.05; done
	sleep 0.4 # together with the program's end it would be one wish
	kill -INT $collector
	wait $collector
	[ "$(sqlite3 x.prof "SELECT value FROM meta WHERE key = 'state'")" = complete ]
	grep -q "asking the servers in DEBUGINFOD_URLS" err
	grep -q "debug files were not fetched: it was interrupted" err
}

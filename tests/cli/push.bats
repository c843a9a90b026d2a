#!/usr/bin/env bats
# reports export --push: a server decodes what arrives with a pprof reader of its own.

load requirements
load profiles

setup() {
	cd "$BATS_TEST_TMPDIR"
	synthetic small
}

teardown() {
	[[ -z ${server-} ]] || kill "$server" 2>/dev/null || true
}

# serve STATUS…: starts the server; url is its address
serve() {
	require readers
	node "$BATS_TEST_DIRNAME/../readers/push_server.mjs" . "$@" 2>server.log 3>&- &
	server=$!
	local tries
	for tries in $(seq 300); do
		[[ ! -s port ]] || break
		sleep 0.1
	done
	echo "listens after $tries"
	url=http://127.0.0.1:$(cat port)
}

@test "a pushed profile arrives whole, with its labels" {
	serve 200
	reports export --push "$url" --label phase=macro --label 'run="3"' --header 'X-Scope-OrgID: us' small.prof
	cat request-1.json
	[ "$(ask request-1.json 'it.method + it.path')" = 'POST/push.v1.PusherService/Push' ]
	[ "$(ask request-1.json 'JSON.stringify(it.labels)')" = \
		'{"__name__":"process_cpu","service_name":"sim","metric":"cpu","phase":"macro","run":"\"3\""}' ]
	[ "$(ask request-1.json 'it.totals.samples + " " + it.totals.amount + " " + it.totals.self.memcpy')" = '1000 1000000000 250' ]
	[ "$(ask request-1.json 'it.headers["x-scope-orgid"] + it.headers["content-type"]')" = usapplication/json ]
	[[ $(ask request-1.json it.id) =~ ^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$ ]]
}

@test "what may pass is tried again, as the same profile" {
	serve 503 429 0 200
	reports export --push "$url/own/path" --service night small.prof
	[ "$(ask request-4.json 'it.path + it.labels.service_name')" = /own/pathnight ]
	[ "$(ask request-1.json it.id)" = "$(ask request-4.json it.id)" ]
	[ ! -e request-5.json ]
}

@test "a refusal is final, and said without what the server put into it" {
	serve 400
	fails_with 1 'status 400: {"message":"not <b>now</b>\u001b[31m"} (1 tries)' reports export --push "$url" small.prof
	[ ! -e request-2.json ]
}

@test "tries end, and redirections are not followed" {
	serve 500
	fails_with 1 'status 500' reports export --push "$url" --retries 1 small.prof
	[ -e request-2.json ] && [ ! -e request-3.json ]
	kill "$server"
	rm port
	serve 307
	fails_with 1 'status 307' reports export --push "$url" small.prof
	fails_with 1 'cannot push to http://127.0.0.1:1/' reports export --push http://me:secret@127.0.0.1:1/ --retries 0 small.prof
	[[ $(reports export --push http://me:secret@127.0.0.1:1/ --retries 0 small.prof 2>&1) != *secret* ]]
}

@test "a token comes from a file" {
	serve 200
	printf 'Authorization: Bearer abc\n\nX-Other: 1\n' >headers
	reports export --push "$url" --header @headers small.prof
	[ "$(ask request-1.json 'it.headers.authorization + it.headers["x-other"]')" = 'Bearer abc1' ]
	fails_with 1 'cannot read headers from none' reports export --push "$url" --header @none small.prof
}

@test "hostile names arrive as text" {
	serve 200
	synthetic hostile
	reports export --push "$url" hostile.prof
	[ "$(ask request-1.json it.totals.samples)" -eq 150 ]
}

@test "what cannot be pushed is one sentence" {
	fails_with 1 'no http or https address' reports export --push 'file:///etc/passwd' small.prof
	fails_with 1 'no http or https address' reports export --push '' small.prof
	fails_with 1 'a label is NAME=VALUE' reports export --push http://127.0.0.1:1 --label 'a b=c' small.prof
	fails_with 1 "a header is 'Name: value'" reports export --push http://127.0.0.1:1 --header nonsense small.prof
	fails_with 1 'no other format' reports export --push http://127.0.0.1:1 --format csv small.prof
	fails_with 1 'either --push or --output' reports export --push http://127.0.0.1:1 -o x small.prof
	fails_with 1 'go with --push' reports export --format csv --label a=b small.prof
	fails_with 1 'a number up to 100' reports export --push http://127.0.0.1:1 --retries x small.prof
}

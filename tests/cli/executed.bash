# Executions of machine code by valgrind's callgrind, and by collector run --hits.
# shellcheck shell=bash

# executed FILE OBJECT: "ADDRESS COUNT" of each instruction of the object, by callgrind's FILE
executed() {
	awk -v object="$2" '
		function hexadecimal(text, i, value) {
			for (i = 3; i <= length(text); i++) value = 16 * value + index("0123456789abcdef", substr(text, i, 1)) - 1
			return value
		}
		/^ob=/ {
			id = $0; sub(/^ob=/, "", id); name = id; sub(/ .*/, "", id)
			if (name ~ / /) { sub(/^[^ ]* /, "", name); names[id] = name }
			is_wanted = names[id] ~ object "$"
		}
		/^cob=.* / { id = $0; sub(/^cob=/, "", id); name = id; sub(/ .*/, "", id); sub(/^[^ ]* /, "", name); names[id] = name }
		/^calls=/ { is_call = 1; next }
		/^(0x|[+*-])/ {
			if ($1 ~ /^0x/) at = hexadecimal($1)
			else if ($1 ~ /^\+/) at += substr($1, 2)
			else if ($1 ~ /^-/) at -= substr($1, 2)
			if (is_call) is_call = 0
			else if (is_wanted) count[at] += $3
		}
		END { for (at in count) print at, count[at] }' "$1"
}

# equal_to_callgrind PROFILE OBJECT CALLGRIND-FILE: every block that was counted is what callgrind
# counted of its first instruction; prints how many there are
equal_to_callgrind() {
	executed "$3" "$2" >counts
	sqlite3 "$1" "SELECT address || ' ' || hits FROM block_hits" |
		awk 'NR == FNR { count[$1] = $2; next }
			{ n++; if (count[$1] + 0 != $2) { bad = 1; print "block " $1 ": " $2 " hits, executed " count[$1] + 0 } }
			END { print n " blocks"; exit bad || !n }' counts -
}

callgrind() {
	valgrind --tool=callgrind --dump-instr=yes --skip-plt=no --callgrind-out-file=callgrind.out "$@" 2>valgrind.log
}

#!/usr/bin/env bash
# Counts the instructions of the walk under callgrind and compares them with benches/count.txt: slowness shows as a
# number that is the same on every machine, not as a time. `--store` writes the number down; `--compare COUNT STORED`
# only compares. Callgrind knows no AVX-512, so it is the AVX2 form that is counted.
set -euo pipefail
cd "$(dirname "$0")/.."
tolerance=5 # percent

compare() {
    echo "instructions: $1, stored: $2, tolerance: $tolerance%"
    if [ "$1" -gt $(($2 + $2 * tolerance / 100)) ]; then
        echo "the walk has become slower; if that is meant, run benches/count.sh --store"
        return 1
    fi
    if [ "$1" -lt $(($2 - $2 * tolerance / 100)) ]; then
        echo "the walk has become faster: run benches/count.sh --store, so that it stays so"
    fi
}

if [ "${1:-}" = --compare ]; then
    compare "$2" "$3"
    exit
fi
if ! command -v valgrind >/dev/null; then
    echo "skipped: valgrind is missing"
    exit 0
fi
program=$(cargo bench --locked --no-run --bench count 2>&1 | sed -n 's/.*Executable.*(\(.*\))$/\1/p')
out=$(mktemp)
log=$(mktemp)
trap 'rm -f "$out" "$log"' EXIT
valgrind --tool=callgrind --callgrind-out-file="$out" --toggle-collect='*run_avx2*' "$program" >/dev/null 2>"$log"
count=$(sed -n 's/.*Collected : \([0-9]*\).*/\1/p' "$log")
if [ "${1:-}" = --store ]; then
    echo "$count" >benches/count.txt
    echo "stored: $count instructions"
    exit 0
fi
compare "$count" "$(cat benches/count.txt)"

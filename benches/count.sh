#!/usr/bin/env bash
# Counts the instructions of the walk under callgrind and compares them with benches/count.txt: slowness shows as a
# number that is the same on every machine, not as a time. `benches/count.sh --store` writes the number down.
# Callgrind knows no AVX-512, so it is the AVX2 form that is counted.
set -euo pipefail
cd "$(dirname "$0")/.."
tolerance=5 # percent
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
stored=$(cat benches/count.txt 2>/dev/null || echo 0)
if [ "${1:-}" = --store ]; then
    echo "$count" >benches/count.txt
    echo "stored: $count instructions"
    exit 0
fi
echo "instructions: $count, stored: $stored, tolerance: $tolerance%"
if [ "$count" -gt $((stored + stored * tolerance / 100)) ]; then
    echo "the walk has become slower; if that is meant, run benches/count.sh --store"
    exit 1
fi

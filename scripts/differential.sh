#!/usr/bin/env bash
# Random programs against an independent EVM, with fresh seeds, each also with gas limits at which one of its
# instructions can just be paid. Each failing file is kept and named.
#
#   scripts/differential.sh [SECONDS]     default 60; the seed is printed, so that a run can be repeated
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
seconds=${1:-60}
case "$seconds" in
'' | *[!0-9]*)
    echo "differential.sh: '$seconds' is no number of seconds" >&2
    exit 2
    ;;
esac
program="$root/build/release/bin/zkprover"
[ -x "$program" ] || {
    echo "differential.sh: $program is not built: run scripts/test.sh or cmake --build build/release" >&2
    exit 4
}
[ -d "$root/tests/differential/node_modules" ] || {
    echo "differential.sh: npm packages are missing: run scripts/install-deps.sh" >&2
    exit 4
}
dir=$(mktemp -d)
seed=$(($(date +%s) % 1000000 * 1000))
end=$((SECONDS + seconds))
total=0
while [ $SECONDS -lt $end ]; do
    for fork in 4 6; do
        node "$root/tests/differential/generate.mjs" --out "$dir" --fork $fork --seed $seed --count 50 --sweep 4 \
            >/dev/null
        if ! "$program" vectors "$dir" >"$dir/out"; then
            grep FAIL "$dir/out" || tail -n 3 "$dir/out"
            echo "differential.sh: the two differ; the cases are in $dir (fork $fork, seeds from $seed)" >&2
            exit 1
        fi
        total=$((total + $(find "$dir/state-transition" -name '*.json' | wc -l)))
        rm -rf "$dir/state-transition"
    done
    seed=$((seed + 50))
done
rm -rf "$dir"
echo "$total batches of random programs agree with the independent EVM (last seed $((seed - 1)))"

#!/usr/bin/env bash
# Measures the executor on this machine: builds the release preset and runs `zkprover bench execute`.
#
#   scripts/bench.sh [--json] [--threads=T] [--isa=I] [FILE...]
#
# FILE: batch files; default: the performance batches of ZKPROVER_VECTORS (default ../shared/vectors), else those of tests/data.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
options=()
while [ $# -gt 0 ]; do
    case "$1" in
    -h | --help)
        sed -n '2,6s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
        exit 0
        ;;
    -*)
        options+=("$1")
        shift
        ;;
    *) break ;;
    esac
done
files=("$@")
if [ ${#files[@]} -eq 0 ]; then
    for f in "${ZKPROVER_VECTORS:-$root/../shared/vectors}"/batch/fork5/performance/*.json; do
        if [ -f "$f" ]; then
            files+=("$f")
        fi
    done
fi
if [ ${#files[@]} -eq 0 ]; then
    files=("$root"/tests/data/batch/fork6/*.json)
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! (cd "$root" && cmake --preset release && cmake --build build/release -j "$(nproc)" --target zkprover) >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    exit 1
fi
"$root/build/release/bin/zkprover" bench execute "${options[@]}" "${files[@]}"

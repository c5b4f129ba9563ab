#!/usr/bin/env bash
# Looks for memory that is not given back: 10,000 executions in one process, then 10,000 Execute requests to one server.
#
#   scripts/soak.sh [RUNS]    default 10000; needs the release build (scripts/test.sh)
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
runs=${1:-10000}
case "$runs" in
*[!0-9]* | "")
    sed -n '2,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 2
    ;;
esac
bin=$root/build/release/bin
batches=("$root"/tests/data/batch/fork6/*.json)
work=$(mktemp -d)
server=
finish() {
    local code=$?
    if [ -n "$server" ]; then
        kill -TERM "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

"$root/build/release/tests/soak_execute" "$runs" "${batches[@]}"

: >"$work/server.log" # it may be read before the shell has opened it for the server
"$bin/zkproverd" --listen 127.0.0.1:0 --data-dir "$work/data" >"$work/server.log" 2>&1 &
server=$!
port=
for _ in $(seq 100); do
    port=$(sed -n 's/.*"event":"serving".*"port":\([0-9]*\).*/\1/p' "$work/server.log")
    if [ -n "$port" ] || ! kill -0 "$server" 2>/dev/null; then
        break
    fi
    sleep 0.1
done

# one round: many requests on one stream
per_round=$((runs / 20 / ${#batches[@]} * ${#batches[@]}))
files=()
while [ ${#files[@]} -lt "$per_round" ]; do
    files+=("${batches[@]}")
done
resident() { awk '/^VmRSS:/ { print $2 }' "/proc/$server/status"; }
start=0
for round in $(seq 20); do
    code=0
    "$bin/zkprover" execute --addr "127.0.0.1:$port" --json "${files[@]}" >"$work/out" 2>&1 || code=$?
    if [ "$code" -gt 1 ]; then # 1: some of these batches are malformed on purpose
        tail -n 5 "$work/out" "$work/server.log" >&2
        echo "soak: round $round ended with code $code" >&2
        exit 1
    fi
    if [ "$round" -eq 4 ]; then
        start=$(resident)
    fi
done
end=$(resident)
echo "$((per_round * 20)) requests: the server's resident memory was $start KB after a fifth, $end KB at the end"
[ $((end - start)) -le 2048 ] || { echo "soak: it grew by more than 2048 KB" >&2; exit 1; }

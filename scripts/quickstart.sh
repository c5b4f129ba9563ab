#!/usr/bin/env bash
# Builds zkprover, starts the service on a free port of the loopback interface, executes four batches of tests/data through
# gRPC (plain transfers, a token, deployments, failing transactions), shows what became of each transaction, and stops the
# service. Needs nothing but this checkout; installs what is missing (scripts/install-deps.sh --build).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
case "${1-}" in
"") ;;
-h | --help)
    sed -n '2,4s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 0
    ;;
*)
    echo "quickstart: unknown argument '$1'; it takes none" >&2
    exit 2
    ;;
esac
say() { printf '\n== %s\n' "$*"; }
die() {
    printf 'quickstart: %s\n' "$*" >&2
    exit 1
}

work=$(mktemp -d)
server=
finish() {
    local code=$?
    if [ -n "$server" ] && kill -0 "$server" 2>/dev/null; then
        kill -TERM "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say "installing what is missing"
"$root/scripts/install-deps.sh" --build

say "building (the first time takes a minute)"
if ! (cd "$root" && cmake --preset release && cmake --build build/release -j "$(nproc)" --target zkproverd zkprover) \
    >"$work/build.log" 2>&1; then
    tail -n 40 "$work/build.log" >&2
    die "the build failed (its last lines are above)"
fi
bin=$root/build/release/bin

say "starting zkproverd"
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
if [ -z "$port" ]; then
    tail -n 20 "$work/server.log" >&2
    die "zkproverd does not serve (its log is above)"
fi
addr=127.0.0.1:$port
echo "zkproverd answers at $addr (process $server)"
"$bin/zkprover" status --addr "$addr"

code=0
for name in transfer erc20 deploy revert; do
    file=tests/data/batch/fork6/$name.json
    say "$(sed -n 's/^  "description": "\(.*\)",$/\1/p' "$root/$file")"
    (cd "$root" && "$bin/zkprover" execute --addr "$addr" "$file") || code=1
done

say "stopping zkproverd"
kill -TERM "$server"
if ! wait "$server"; then
    tail -n 20 "$work/server.log" >&2
    server=
    die "zkproverd did not stop cleanly (its log is above)"
fi
server=
[ $code -eq 0 ] || die "a batch did not execute as expected"
echo "done: four batches executed through gRPC"

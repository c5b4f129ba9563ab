#!/bin/sh
# service.sh ZKPROVER ZKPROVERD SOURCE_DIR: the command against a real server process.
program=$1 server=$2 source=$3 failed=0
work=$(mktemp -d)
data=$source/tests/data/batch/fork6
"$server" --listen 127.0.0.1:0 --data-dir "$work/data" >"$work/log" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; rm -rf "$work"' EXIT
port=
tries=40
while [ -z "$port" ] && [ "$tries" -gt 0 ] && kill -0 "$pid" 2>/dev/null; do
    sleep 0.25
    tries=$((tries - 1))
    port=$(sed -n 's/.*"event":"serving".*"port":\([0-9]*\).*/\1/p' "$work/log")
done
if [ -z "$port" ]; then
    echo "zkproverd does not serve:"
    cat "$work/log"
    exit 1
fi
addr=127.0.0.1:$port

# expect CODE TEXT ARGUMENT...: the exit code, and a text on standard error or output
expect()
{
    code=$1 text=$2
    shift 2
    "$program" "$@" >"$work/out" 2>&1
    found=$?
    if [ "$found" -ne "$code" ] || ! grep -q -- "$text" "$work/out"; then
        echo "zkprover $*: expected exit code $code and '$text', found $found and:"
        cat "$work/out"
        failed=1
    fi
}

expect 0 "state *IDLE" status --addr "$addr"
expect 0 '"state":"IDLE"' status --addr "$addr" --json
for batch in transfer erc20 deploy revert mixed empty; do
    expect 0 "new state root *0x[0-9a-f]*  matches the file" execute --addr "$addr" "$data/$batch.json"
done
expect 0 "not executed: .*cannot be decoded" execute --addr "$addr" "$data/malformed-rlp.json"
expect 0 "not executed: .*OOCK" execute --addr "$addr" "$data/out-of-counters.json"
expect 0 '"newStateRoot":"0x' execute --addr "$addr" --json "$data/transfer.json"

# what the service and the process itself say about each transaction is the same
for batch in transfer erc20 deploy revert mixed; do
    "$program" execute --local "$data/$batch.json" | sed -n '/^ *[0-9#]/p' >"$work/local"
    "$program" execute --addr "$addr" "$data/$batch.json" | sed -n '/^ *[0-9#]/p' >"$work/remote"
    if ! [ -s "$work/local" ] || ! cmp -s "$work/local" "$work/remote"; then
        echo "$batch: the tables differ:"
        diff "$work/local" "$work/remote"
        failed=1
    fi
done

# reasons that only the service knows
sed 's/"newStateRoot": *"0x../"newStateRoot": "0x01/' "$data/transfer.json" >"$work/root.json"
expect 1 "differs from what the file expects" execute --addr "$addr" "$work/root.json"
sed 's/"oldStateRoot": *"0x......../"oldStateRoot": "0x01020304/' "$data/transfer.json" >"$work/missing.json"
expect 1 "refused the request: .*0x01020304" execute --addr "$addr" "$work/missing.json"
# one bad file of several: the others are executed, and the exit code says that one failed
expect 1 "matches the file" execute --addr "$addr" "$work/missing.json" "$data/transfer.json"

kill "$pid"
wait "$pid"
code=$?
[ "$code" -eq 0 ] || { echo "zkproverd ended with exit code $code"; cat "$work/log"; failed=1; }
exit $failed

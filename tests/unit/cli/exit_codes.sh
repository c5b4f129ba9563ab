#!/bin/sh
# exit_codes.sh PROGRAM SOURCE_DIR: the documented exit codes of the command, end to end.
program=$1 source=$2 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
batch=$source/tests/data/batch/fork6/transfer.json

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

expect 2 "usage: zkprover" 
expect 0 "usage: zkprover" --help
expect 0 "zkprover " --version
expect 2 "unknown command" nothing
for command in execute vectors status bench state; do
    expect 0 "exit codes" $command --help
    expect 2 "unknown option '--nothing'" $command --nothing
done
for command in prove verify get list cancel devices keys groth16; do
    expect 4 "not in this build yet" $command
done

expect 0 "matches the file" execute --local "$batch"
expect 0 '"newStateRoot":"0x' execute --local --json "$batch"
expect 2 "expected at least one FILE" execute --local
expect 2 "needs --local" execute --fork-id 6 "$batch"
expect 2 "no meaning with --local" execute --local --addr 127.0.0.1:1 "$batch"
expect 2 "expected 4, 5 or 6" execute --local --fork-id 7 "$batch"
expect 2 "40 hexadecimal digits" execute --local --aggregator 0x12 "$batch"
expect 1 "No such file" execute --local "$work/absent.json"
expect 1 "Connection refused" execute --addr 127.0.0.1:1 "$batch"
expect 1 "Connection refused" status --addr 127.0.0.1:1

printf '{"oldStateRoot": ' >"$work/broken.json"
expect 1 "line 1" execute --local "$work/broken.json"
sed 's/"chainID"/"chainIX"/' "$batch" >"$work/field.json"
expect 1 "chainID" execute --local "$work/field.json"
sed 's/"newStateRoot": *"0x../"newStateRoot": "0x01/' "$batch" >"$work/root.json"
expect 1 "differs from what the file expects" execute --local "$work/root.json"
# the service's limit is known before anything is sent
{ printf '{"batchL2Data": "0x'; head -c 120001 /dev/zero | tr '\0' 'a' | sed 's/a/aa/g'; printf '",'; } >"$work/head"
sed -e 's/"batchL2Data" *: *"[^"]*",//' "$batch" | tail -c +2 | cat "$work/head" - >"$work/large.json"
expect 5 "takes at most 120000" execute --addr 127.0.0.1:1 "$work/large.json"

root=0x0000000000000001000000000000000200000000000000030000000000000004
expect 2 "expected info or prune, found ''" state
expect 2 "expected info or prune, found 'shrink'" state shrink
expect 2 "no argument after info" state info more
expect 2 "--keep has no meaning with info" state info --keep $root
expect 2 "--root has no meaning with prune" state prune --root $root --keep $root
expect 2 "option --keep is missing" state prune
expect 2 "expected a state root" state prune --keep 12
expect 2 "expected a state root" state prune --keep $root 0xg
expect 2 "expected a state root" state info --root ${root}0
expect 2 "no meaning with --dry-run" state prune --keep $root --dry-run --compact
expect 4 "data.mdb" state info --data-dir "$work/absent"
expect 4 "no state store in" state prune --keep $root --data-dir "$work/absent"

mkdir "$work/empty" "$work/some"
expect 1 "no case found" vectors "$work/empty"
expect 1 "does not exist" vectors "$work/absent"
expect 2 "is no kind" vectors --kind nothing "$work/empty"
expect 2 "expected one folder" vectors
cp "$batch" "$work/some/a.json"
expect 0 "1 passed, 0 failed, 0 skipped" vectors "$work/some"
cp "$work/root.json" "$work/some/b.json"
expect 1 "FAIL b.json: newStateRoot: expected 0x" vectors "$work/some"
expect 1 "1 passed, 1 failed, 0 skipped" vectors "$work/some"
cp "$work/broken.json" "$work/some/c.json"
expect 1 "1 passed, 2 failed, 0 skipped" vectors "$work/some"

expect 2 "is no benchmark" bench nothing
expect 2 "expected at least one FILE" bench execute
expect 4 "not in this build yet" bench gl_ntt
expect 2 "expected a number from 1 to" bench --threads 0 keccak
exit $failed

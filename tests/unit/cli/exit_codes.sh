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
for command in execute prove get list cancel status devices groth16 r1cs stark wrap vectors bench state; do
    expect 0 "exit codes" $command --help
    expect 2 "unknown option '--nothing'" $command --nothing
done
for command in verify keys; do
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
for address in 127.0.0.1 127.0.0.1: 127.0.0.1:0 127.0.0.1:65536 127.0.0.1:99999999999 :50051 127.0.0.1:x '[::1]'; do
    expect 2 "HOST:PORT with a port" status --addr "$address"
done
expect 1 "running there" status --addr unix:/nonexistent/socket
expect 1 "running there" status --addr '[::1]:1'

# devices: the CPU is always there, and opens
expect 0 "^cpu" devices
expect 0 '"name":"cpu","usable":true' devices --json
expect 0 "opened, and closed again" devices cpu
expect 4 "no device 'nothing'; found" devices nothing
expect 2 "expected one NAME at most" devices cpu cpu

# circuits' files
expect 2 "expected info or check, found ''" r1cs
expect 2 "expected info or check, found 'show'" r1cs show
expect 2 "expected info R1CS, found 2 files" r1cs info a b
expect 2 "expected check R1CS WTNS, found 1 files" r1cs check a
expect 1 "No such file" r1cs info "$work/absent.r1cs"
expect 1 "No such file" r1cs check "$work/absent.r1cs" "$work/absent.wtns"
printf 'r1cs\1' >"$work/cut.r1cs"
expect 1 "cut.r1cs: offset 5: the file ends here" r1cs info "$work/cut.r1cs"

# stark: proves, verifies, and has a changed proof refused
expect 2 "expected selftest or params, found ''" stark
expect 2 "expected selftest or params, found 'prove'" stark prove
expect 2 "no argument after selftest, found 'more'" stark selftest more
expect 2 "no argument after params, found 'more'" stark params more
expect 2 "expected gl or bn254, found 'sha'" stark selftest --hash sha
expect 2 "expected test, p100 or p128, found 'p80'" stark selftest --level p80
expect 2 "a number from 6 to 17" stark selftest --rows 18
expect 2 "a number from 1 to" stark selftest --threads 0
expect 1 "there is no device 'abacus'" stark selftest --device abacus
expect 0 "is refused: " stark selftest --rows 6
expect 0 '"level":"p100","hash":"gl",.*"verified":true.*"changedRefused":"query' stark selftest --level p100 --rows 7 --json
expect 0 "proof of .* bytes, verified" stark selftest --hash bn254 --level test --rows 6
expect 0 "p128 *gl *1/2 *2^20 *238 *18 " stark params
expect 0 '"level":"p100".*"johnson":{"logup":' stark params --json

# wrap
expect 2 "expected R1CS WTNS, found 0 files" wrap
expect 2 "expected test, p100 or p128, found 'p1'" wrap --level p1 "$work/r1cs" "$work/wtns"
expect 2 "have their own number" wrap --queries 3 "$work/r1cs" "$work/wtns"
expect 2 "no STARK parameters" wrap --rows 20 "$work/r1cs" "$work/wtns"
expect 1 "No such file" wrap --level test --rows 6 --blowup 1 --queries 1 "$work/absent/r1cs" "$work/wtns"
expect 0 "proves nothing" wrap --level test --rows 6 --blowup 1 --queries 1 "$work/r1cs" "$work/wtns"

# commands of the service
id=123e4567-e89b-12d3-a456-426614174000
for command in "get $id" "list" "cancel $id" "prove $batch" "status" "status --watch 1"; do
    # shellcheck disable=SC2086 # words
    expect 1 "127.0.0.1:1: .*is zkproverd running there" $command --addr 127.0.0.1:1
done
ZKPROVER_ADDR=127.0.0.1:2
export ZKPROVER_ADDR
expect 1 "127.0.0.1:2: " status
ZKPROVER_ADDR=nonsense
expect 2 "ZKPROVER_ADDR: 'nonsense' is no address" status
unset ZKPROVER_ADDR
expect 2 "expected one ID, found 0" get
expect 2 "expected one ID, found 2" get $id $id
expect 2 "a number from 0 to" get $id --timeout -1
expect 2 "at least one ID" cancel
expect 2 "expected no argument, found '7x'" list 7x
expect 2 "a number from 1 to 86400, found '7x'" list --watch 7x
expect 2 "a number from 1 to 86400, found '0'" status --watch=0
expect 2 "a number from 1 to 3600" status --connect-timeout 0
expect 2 "expected one FILE, found 0" prove
expect 2 "40 hexadecimal digits" prove --aggregator 12 "$batch"
expect 4 "--stage is not in this build yet" prove --stage final "$batch"
expect 4 "--device is not in this build yet" prove "$batch" --device cpu
expect 1 "No such file" prove "$work/absent.json"
expect 2 "need each other" status --tls-cert "$batch"
expect 4 "$work/absent.pem" status --tls-ca "$work/absent.pem"

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
expect 5 "takes at most 120000" prove --addr 127.0.0.1:1 "$work/large.json"
expect 1 "broken.json: line 1" prove --addr 127.0.0.1:1 "$work/broken.json"
expect 1 "field.json: .*chainID" prove --addr 127.0.0.1:1 "$work/field.json"
# no service, several files: said once
expect 1 "Connection refused" execute --addr 127.0.0.1:1 "$batch" "$batch"
if [ "$(grep -c "Connection refused" "$work/out")" -ne 1 ]; then
    echo "a service that is not there is reported more than once"
    failed=1
fi

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
(cd "$work" && expect 2 "expected at least one FILE" bench execute && exit $failed) || failed=1
(cd "$work" && expect 2 "expected at least one FILE" bench witness && exit $failed) || failed=1
expect 2 "for execute only" bench --addr 127.0.0.1:1 keccak
expect 1 "Connection refused" bench execute --addr 127.0.0.1:1 "$batch"
expect 0 "smt .*writes/cpu_s" bench smt
expect 0 "witness:transfer.json .*MB/cpu_s" bench witness "$batch"
expect 2 "has a meaning for the driver's works only" bench --log-n 4 keccak
expect 2 "expected at most 28 for gl_merkle" bench --log-n 29 gl_ntt_column gl_merkle
expect 2 "option --log-n: expected a number from 0 to" bench --log-n 99 gl_ntt
expect 2 "option --columns has no meaning" bench --columns 3 bn_ntt
expect 2 "option --columns: expected a number from 1 to" bench --columns 0 gl_ntt
expect 2 "has a meaning for bn_poseidon only" bench --width 3 gl_poseidon
expect 2 "option --width: expected a number from 2 to 17" bench --width 18 bn_poseidon
expect 2 "option --reps: expected a number from 1 to" bench --reps 0 gl_ntt
expect 2 "'sse9' is unknown" bench --isa sse9 gl_ntt
expect 1 "there is no device 'abacus'" bench --device abacus gl_poseidon
expect 5 "needs .* MB of memory, device cpu has .* MB" bench --log-n 26 --columns 4096 gl_ntt
expect 2 "has a meaning for stark only" bench --hash gl keccak
expect 2 "expected gl or bn254, found 'sha'" bench --hash sha stark
expect 2 "expected 24 to 2829 for stark, found 23" bench --columns 23 stark
expect 0 "stark:quotient " bench --quick --threads 2 stark
expect 0 '"name":"stark:memory computed"' bench --quick --hash bn254 --json stark
expect 0 "bn_poseidon .*permutations/s" bench --quick
for isa in portable avx2 avx512 avx512ifma; do
    if "$program" bench --quick --isa $isa gl_poseidon >/dev/null 2>&1; then
        for line in '"gl_merkle".*"isa":"'$isa'".*"log_n":8,"columns":9.*"repetitions":2.*"device_mb":[0-9].*"checked":"paths' \
            '"bn_msm_g1".*"isa":"'$isa'".*"log_n":8,"columns":null.*"repetitions":2.*"checked":"the multiple of the generator'; do
            expect 0 "\"name\":$line.*\"commit\":\"[0-9a-z]" bench --quick --json --isa $isa gl_merkle bn_msm_g1
        done
    else
        expect 4 "this processor or build lacks $isa" bench --quick --isa $isa gl_poseidon
    fi
done
expect 2 "expected a number from 1 to" bench --threads 0 keccak

expect 2 "expected setup, ptau, prove, verify, export-vk or export-solidity, found ''" groth16
expect 2 "expected setup R1CS ZKEY, found 1" groth16 setup "$work/c.r1cs"
expect 2 "has a meaning for groth16 prove only" groth16 setup --device cpu "$work/c.r1cs" "$work/c.zkey"
expect 2 "has a meaning for groth16 setup only" groth16 verify --ptau "$work/p.ptau" a b c
expect 2 "has a meaning for groth16 prove only" groth16 export-vk --production a b
expect 1 "No such file" groth16 setup "$work/c.r1cs" "$work/c.zkey"
expect 2 "POWER: expected a number from 1 to 27, found '28'" groth16 ptau 28 "$work/p.ptau"
expect 0 "powers of tau for 2^2 rows" groth16 ptau 2 "$work/p.ptau"
expect 1 "begins with 'r1cs'" groth16 setup "$work/p.ptau" "$work/c.zkey"
expect 2 "expected export-solidity" groth16 export-solidity "$work/p.ptau"
expect 1 "begins with 'zkey'" groth16 export-solidity "$work/p.ptau" "$work/v.sol"
exit $failed

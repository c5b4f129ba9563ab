#!/usr/bin/env bash
# wrap-full.sh [LEVEL [LOG_ROWS [LOG_BLOWUP]]]: the demonstration AIR from its trace to a Groth16 proof with the parameters of a
# level (p100, 2^9 rows, blow-up 2^4), with constraints, seconds and memory of each stage; snarkjs verifies the proof, too, if
# it is installed (npm ci in tests/groth16). Needs a release build, 3 GB of disk and some minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
level=${1:-p100} rows=${2:-9} blowup=${3:-4}
program=build/release/bin/zkprover
[ -x "$program" ] || { echo "$program is not there: cmake --preset release && cmake --build build/release"; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# stage NAME COMMAND...: its output, seconds, highest resident memory
stage()
{
    local name=$1
    shift
    echo "--- $name"
    if [ -x /usr/bin/time ]; then
        /usr/bin/time -f "$name: %e s, %U s of CPU, peak %M kB" "$@"
    else
        time "$@"
    fi
}

stage wrap "$program" wrap --level "$level" --rows "$rows" --blowup "$blowup" "$work/c.r1cs" "$work/w.wtns"
stage setup "$program" groth16 setup "$work/c.r1cs" "$work/k.zkey"
stage prove "$program" groth16 prove "$work/k.zkey" "$work/w.wtns" "$work/proof.json" "$work/public.json"
"$program" groth16 export-vk "$work/k.zkey" "$work/vk.json"
stage verify "$program" groth16 verify "$work/vk.json" "$work/public.json" "$work/proof.json"
sed '0,/"[0-9]*"/s/"[0-9]*"/"17"/' "$work/public.json" >"$work/other.json" # the machine's first number
if "$program" groth16 verify "$work/vk.json" "$work/other.json" "$work/proof.json" 2>/dev/null; then
    echo "a proof was accepted for other public values"
    exit 1
fi
echo "refused for another public value"
if [ -d tests/groth16/node_modules/snarkjs ]; then
    stage snarkjs node tests/groth16/node_modules/snarkjs/build/cli.cjs groth16 verify "$work/vk.json" "$work/public.json" \
        "$work/proof.json"
fi

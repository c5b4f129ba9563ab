#!/bin/sh
# run.sh NODE PROGRAM [NAME...]: exchanges files between the command PROGRAM and snarkjs: NAME.test.mjs, or all there are.
set -eu
node=$1
ZKPROVER_PROGRAM=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
shift 2
cd "$(dirname "$0")"
if [ ! -x "$node" ]; then
    echo "skipped: node is not installed"
    exit 0
fi
if [ ! -d node_modules/snarkjs ] || [ ! -d node_modules/solc ] || [ ! -d node_modules/@ethereumjs/evm ]; then
    echo "skipped: tests/groth16 has not all of its node_modules; run npm ci there (scripts/install-deps.sh does)"
    exit 0
fi
export ZKPROVER_PROGRAM
for name in "$@"; do
    set -- "$@" "$name.test.mjs"
    shift
done
exec "$node" --test --test-concurrency=1 "$@"

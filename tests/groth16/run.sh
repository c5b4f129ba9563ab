#!/bin/sh
# run.sh NODE PROGRAM: exchanges files between the command PROGRAM and snarkjs.
set -eu
ZKPROVER_PROGRAM=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
cd "$(dirname "$0")"
if [ ! -x "$1" ]; then
    echo "skipped: node is not installed"
    exit 0
fi
if [ ! -d node_modules/snarkjs ]; then
    echo "skipped: tests/groth16 has no node_modules; run npm ci there (scripts/install-deps.sh does)"
    exit 0
fi
export ZKPROVER_PROGRAM
exec "$1" --test --test-concurrency=1

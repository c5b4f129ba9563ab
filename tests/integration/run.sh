#!/bin/sh
# run.sh NODE BIN_FOLDER: runs the integration tests against the programs in BIN_FOLDER.
set -eu
cd "$(dirname "$0")"
if [ ! -x "$1" ]; then
    echo "skipped: node is not installed"
    exit 0
fi
if [ ! -d node_modules/@grpc/grpc-js ]; then
    echo "skipped: tests/integration has no node_modules; run npm ci there (scripts/install-deps.sh does)"
    exit 0
fi
ZKPROVER_BIN="$2"
TSAN_OPTIONS="suppressions=$PWD/../tsan.supp ${TSAN_OPTIONS:-}"
export ZKPROVER_BIN TSAN_OPTIONS
exec "$1" --test --test-concurrency=1

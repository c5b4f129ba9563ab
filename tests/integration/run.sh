#!/bin/sh
# run.sh NODE BIN_FOLDER: runs the integration tests against the programs in BIN_FOLDER.
set -eu
ZKPROVER_BIN=$(cd "$2" && pwd)
cd "$(dirname "$0")"
if [ ! -x "$1" ]; then
    echo "skipped: node is not installed"
    exit 0
fi
if [ ! -d node_modules/@grpc/grpc-js ]; then
    echo "skipped: tests/integration has no node_modules; run npm ci there (scripts/install-deps.sh does)"
    exit 0
fi
TSAN_OPTIONS="atexit_sleep_ms=0 suppressions=$PWD/../tsan.supp ${TSAN_OPTIONS:-}"
export ZKPROVER_BIN TSAN_OPTIONS
exec "$1" --test --test-concurrency=1

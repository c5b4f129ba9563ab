#!/bin/sh
# run.sh PROGRAM [GENERATE-OPTION...]: makes random programs and runs them through PROGRAM (zkprover). 77 (skipped) if the
# npm packages are not installed.
here=$(cd "$(dirname "$0")" && pwd)
program=$1
shift
if [ ! -d "$here/node_modules" ]; then
    echo "skipped: no node_modules in tests/differential (scripts/install-deps.sh installs them)"
    exit 77
fi
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
node "$here/generate.mjs" --out "$dir" "$@" || exit 1
"$program" vectors "$dir"

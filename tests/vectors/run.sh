#!/bin/sh
# run.sh PROGRAM DIR [OPTION...]: the test vectors of one folder. 77 (skipped) if the folder is absent; a run in which
# nothing passed is a failure, because it has shown nothing.
program=$1 dir=$2
shift 2
if [ ! -d "$dir" ]; then
    echo "skipped: no test vectors at $dir (set ZKPROVER_VECTORS to the folder that holds them)"
    exit 77
fi
out=$("$program" vectors "$dir" "$@") && code=0 || code=$?
printf '%s\n' "$out"
case $(printf '%s\n' "$out" | tail -n 1) in
"0 passed, "*) [ "$code" -ne 0 ] || { echo "nothing passed"; code=1; } ;;
esac
exit "$code"

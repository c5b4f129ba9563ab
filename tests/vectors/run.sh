#!/bin/sh
# run.sh PROGRAM DIR EXPLAINED [OPTION...]: the test vectors of one folder. 77 (skipped) if the folder is absent. Beyond
# what the program counts as a failure, two things are: a run in which nothing passed, because it has shown nothing; and
# a case of Ethereum's whose result differs by one of the rollup's rules and that EXPLAINED does not list, because a rule
# that was met could hide a fault.
program=$1 dir=$2 explained=$3
shift 3
if [ ! -d "$dir" ]; then
    echo "skipped: no test vectors at $dir (set ZKPROVER_VECTORS to the folder that holds them)"
    exit 77
fi
out=$("$program" vectors "$dir" "$@") && code=0 || code=$?
printf '%s\n' "$out"
case $(printf '%s\n' "$out" | tail -n 1) in
"0 passed, "*) [ "$code" -ne 0 ] || { echo "nothing passed"; code=1; } ;;
esac
for file in $(printf '%s\n' "$out" | sed -n 's/^SKIP \([^ :]*\).*: another result, .*/\1/p'); do
    if ! grep -q "\"$file\"" "$explained"; then
        echo "FAIL $file: differs from Ethereum's result, and $explained does not list it"
        code=1
    fi
done
exit "$code"

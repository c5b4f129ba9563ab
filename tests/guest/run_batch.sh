#!/usr/bin/env bash
# run_batch.sh FLATTEN QEMU GUEST WORKDIR BATCH.json...: each batch natively and in the guest, the same report.
set -euo pipefail

flatten=$1 qemu=$2 guest=$3 work=$4
shift 4
mkdir -p "$work"
bad=0
for batch in "$@"; do
    name=$(basename "$(dirname "$batch")")-$(basename "$batch" .json)
    start=$(date +%s%N)
    if ! "$flatten" "$batch" "$work/$name.flat" >"$work/$name.native"; then
        echo "$name: the native run failed"
        bad=1
    elif ! "$qemu" "$guest" <"$work/$name.flat" >"$work/$name.guest"; then
        echo "$name: the guest failed: $(tail -n 1 "$work/$name.guest")"
        bad=1
    elif ! diff "$work/$name.native" "$work/$name.guest"; then
        echo "$name: the guest's report differs (< native, > guest)"
        bad=1
    else
        echo "$name: same report in $((($(date +%s%N) - start) / 1000000)) ms"
    fi
    rm -f "$work/$name.flat"
done
[ $# -gt 0 ] || { echo "no batches"; bad=1; }
exit $bad

#!/usr/bin/env bash
# check_resources.sh ROOT: what yosys estimates for gl_mul is what its black box's description says; 12 DSPs.
set -euo pipefail

root=$1
code=0
text=$("$root/scripts/rtl-resources.sh") || code=$?
[ "$code" -eq 0 ] || exit "$code"
echo "$text"
value() { awk -v name="$1" '$1 == name { print $2 }' <<<"$text"; }
said() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["rtl_resource_usage"][sys.argv[2]])' \
    "$root/hls/rtl/gl_mul_blackbox.json" "$1"; }
[ "$(value DSP48E2)" -eq 12 ]
[ "$(said DSP)" -eq 12 ]
# another yosys may count a little differently
for name in LUT FF; do
    estimate=$(value $name) description=$(said $name)
    if [ $((10 * estimate)) -gt $((11 * description)) ] || [ $((10 * estimate)) -lt $((9 * description)) ]; then
        echo "$name: the estimate is $estimate, gl_mul_blackbox.json says $description"
        exit 1
    fi
done

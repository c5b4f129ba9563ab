#!/usr/bin/env bash
# What yosys makes of the RTL multiplier for an UltraScale+ device: an estimate (no placement, no timing), one line of
# "name number" each for DSP48E2, LUT, FF, CARRY and SRL.
#
#   scripts/rtl-resources.sh [MODULE]      gl_mul if nothing is said; gl_mul64, gl_mul_vector, ...
#
# yosys maps carries as four bits (the device has eight), and has no three-input adder: Vivado needs fewer LUTs.
# Exit code 77 without yosys.
set -euo pipefail

rtl=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/hls/rtl
top=${1:-gl_mul}
command -v yosys >/dev/null || {
    echo "rtl-resources.sh: yosys is not installed (scripts/install-deps.sh)" >&2
    exit 77
}
sources=("$rtl"/gl_*.v)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
yosys -q -l "$work/log" -p "read_verilog -I$rtl ${sources[*]};
    synth_xilinx -family xcup -top $top -flatten -noiopad -noclkbuf; check -assert; tee -o $work/stat stat" >/dev/null || {
    tail -n 5 "$work/log" >&2
    exit 1
}
awk '
    /^ *DSP48E2 / { n["DSP48E2"] += $2 }
    /^ *(LUT[1-6]|INV) / { n["LUT"] += $2 }
    /^ *FD[RCSP]E / { n["FF"] += $2 }
    /^ *CARRY[48] / { n["CARRY"] += $2 }
    /^ *SRL/ { n["SRL"] += $2 }
    END {
        split("DSP48E2 LUT FF CARRY SRL", names)
        for (i = 1; i <= 5; i++)
            print names[i], n[names[i]] + 0
    }' "$work/stat"

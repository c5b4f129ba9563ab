#!/usr/bin/env bash
# Builds an image for a card with Vitis and writes its manifest entry. NOT RUN by this project: no Vitis was at hand
# (bitstreams/README.md says what is known).
#
#   bitstreams/build.sh CARD IMAGE hw|hw_emu [OUT]
#
#   CARD   u55c, u250 or f2;  IMAGE  stark, msm or fr (bitstreams/CARD/IMAGE.cfg)
#   OUT    folder of the results, default build/bitstreams/CARD-MODE; its manifest lists all images built there
#
# Needs v++ and xclbinutil in PATH (source Vitis' settings64.sh and XRT's setup.sh), the card's platform installed
# (PLATFORM_REPO_PATHS), and card-pack (cmake --build build/release --target card-pack; another place: CARD_PACK=FILE).
# A build for hw takes hours and some 100 GB of memory. BLACKBOX=1: products of 64-bit words are the RTL of hls/rtl, 12
# DSPs instead of 16; hls/model counts with it.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
if [ $# -lt 3 ] || [ $# -gt 4 ] || [ ! -f "$root/bitstreams/$1/$2.cfg" ] || { [ "$3" != hw ] && [ "$3" != hw_emu ]; }; then
    sed -n '2,14s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
card=$1 image=$2 mode=$3 out=${4-$root/build/bitstreams/$1-$3}
pack=${CARD_PACK-$root/build/release/emulated/card-pack}

for tool in v++ xclbinutil python3; do
    if ! command -v "$tool" >/dev/null; then
        echo "build.sh: $tool is not in PATH: source settings64.sh of Vitis and setup.sh of XRT" >&2
        exit 4
    fi
done
if [ ! -x "$pack" ]; then
    echo "build.sh: $pack is missing: cmake --preset release && cmake --build build/release --target card-pack" >&2
    exit 4
fi

platform='' channels_log2='' channel_mib='' clock_mhz='' units=''
while IFS='=' read -r name value; do
    declare "$name=$value"
done < <("$root/bitstreams/link.py" --facts "$card" "$image")
mkdir -p "$out/$image.work"
cd "$out/$image.work"

products=()
if [ -n "${BLACKBOX-}" ]; then
    products=(--define HLS_GL_MUL_BLACKBOX --define HLS_MUL64_BLACKBOX --hls.pre_tcl "$root/hls/rtl/blackbox.tcl")
fi
objects=()
for unit in $units; do
    kernel=${unit%%=*}
    v++ --compile --target "$mode" --platform "$platform" --kernel "$kernel" --kernel_frequency "$clock_mhz" \
        --include "$root" --define "HLS_CHANNELS_LOG2=$channels_log2" "${products[@]}" --save-temps --temp_dir "$kernel" \
        --output "$kernel.xo" "$root/hls/kernels/$kernel.c"
    objects+=("$kernel.xo")
done
v++ --link --target "$mode" --config "$root/bitstreams/$card/$image.cfg" --save-temps --temp_dir link \
    --output "$out/$image.xclbin" "${objects[@]}"

# the clock that the linker reached, which may be below the one asked for
xclbinutil --force --input "$out/$image.xclbin" --dump-section CLOCK_FREQ_TOPOLOGY:JSON:clocks.json
clock_mhz=$(python3 -c '
import json
clocks = json.load(open("clocks.json"))["clock_freq_topology"]["m_clock_freq"]
print(next(c["m_freq_Mhz"] for c in clocks if c["m_type"] == "DATA"))')

read -ra unit_list <<<"$units"
"$pack" --file "$out/$image.xclbin" --entry "$out/$image.entry" --name "$image" --channels-log2 "$channels_log2" \
    --channel-mib "$channel_mib" --clock-mhz "$clock_mhz" entry "${unit_list[@]}"
"$pack" --out "$out/manifest.json" manifest "$out"/*.entry
echo "$out/$image.xclbin, $clock_mhz MHz, is in $out/manifest.json"

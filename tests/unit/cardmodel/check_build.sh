#!/usr/bin/env bash
# bitstreams/build.sh with stand-ins for Vitis' programs: it is refused without them, asks them for what it should, and
# packs an entry. That the real ones take it is not known.
#
#   check_build.sh ROOT CARD_PACK IMAGE.xclbin
set -euo pipefail

root=$1 image=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export CARD_PACK=$2

fail() {
    echo "check_build.sh: $*" >&2
    cat "$folder/out" "$folder/calls" >&2 || true
    exit 1
}

: >"$folder/calls"
code=0
PATH=/usr/bin:/bin "$root/bitstreams/build.sh" u55c stark hw "$folder/none" >"$folder/out" 2>&1 || code=$?
command -v v++ >/dev/null || [ $code -eq 4 ] || fail "without v++: exit code $code"
code=0
"$root/bitstreams/build.sh" u55c nothing hw >"$folder/out" 2>&1 || code=$?
[ $code -eq 2 ] || fail "an unknown image: exit code $code"

mkdir "$folder/bin"
cat >"$folder/bin/v++" <<EOF
#!/usr/bin/env bash
echo "v++ \$*" >>"$folder/calls"
while [ \$# -gt 0 ]; do
    if [ "\$1" = --output ]; then cp "$image" "\$2"; fi
    shift
done
EOF
cat >"$folder/bin/xclbinutil" <<'EOF'
#!/usr/bin/env bash
echo '{"clock_freq_topology": {"m_clock_freq": [{"m_freq_Mhz": "100", "m_type": "SYSTEM"}, {"m_freq_Mhz": "287", "m_type": "DATA"}]}}' >clocks.json
EOF
chmod +x "$folder"/bin/*
for name in stark fr; do
    PATH=$folder/bin:$PATH "$root/bitstreams/build.sh" u55c "$name" hw_emu "$folder/images" >"$folder/out" 2>&1 || fail "$name: exit code $?"
done
[ "$(grep -c -- --compile "$folder/calls")" -eq 6 ] || fail "not six kernels compiled"
grep -q -- "--kernel gl_lde .*--define HLS_CHANNELS_LOG2=3 .*hls/kernels/gl_lde.c$" "$folder/calls" || fail "gl_lde"
grep -q -- "--link --target hw_emu --config $root/bitstreams/u55c/stark.cfg .* row_gather.xo gl_lde.xo gl_merkle.xo$" "$folder/calls" || fail "link"
if grep -q BLACKBOX "$folder/calls"; then fail "black boxes that nobody asked for"; fi
BLACKBOX=1 PATH=$folder/bin:$PATH "$root/bitstreams/build.sh" u55c msm hw_emu "$folder/boxed" >"$folder/out" 2>&1 || fail "msm: exit code $?"
grep -q -- "--kernel bn_msm_g1 .*--define HLS_MUL64_BLACKBOX --hls.pre_tcl $root/hls/rtl/blackbox.tcl " "$folder/calls" || fail "black boxes"
python3 - "$folder/images/manifest.json" <<'EOF' || fail "manifest"
import json, sys
images = {i["name"]: i for i in json.load(open(sys.argv[1]))["images"]}
assert sorted(images) == ["fr", "stark"]
assert images["stark"]["kernels"] == {"row_gather": 1, "gl_lde": 1, "gl_merkle": 1}
assert images["fr"]["clock_mhz"] == 287 and images["fr"]["channels_log2"] == 3 and images["fr"]["channel_mib"] == 1024
EOF

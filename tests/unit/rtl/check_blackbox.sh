#!/usr/bin/env bash
# check_blackbox.sh ROOT: gl_mul_blackbox.json and gl_mul64_blackbox.json, the RTL and the C model say the same: names, ports and their directions,
# files, latency and interval. Then planted disagreements, each of which has to be seen.
set -euo pipefail

root=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# agree FOLDER BOX
agree() {
    python3 - "$1" "$2" <<'PY'
import json, pathlib, re, sys

folder = pathlib.Path(sys.argv[1])
bad = []
def same(what, a, b):
    if a != b:
        bad.append(f"{what}: {a} and {b}")
box = json.loads((folder / f"{sys.argv[2]}.json").read_text())
name = box["rtl_top_module_name"]
same("Vitis HLS wants one name for function and module", box["c_function_name"], name)

def strip(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.S)
modules, texts = {}, {}
for file in box["rtl_files"]:
    if not (folder / file).is_file():
        bad.append(f"{file} is not there")
        continue
    text = strip((folder / file).read_text())
    for m in re.finditer(r"\bmodule\s+(\w+)(.*?)\bendmodule\b", text, re.S):
        modules[m[1]] = m[2]
head = modules.get(name, "").split(";", 1)[0]
ports = {m[4]: (m[1], int(m[3] or 0) + 1) for m in
         re.finditer(r"\b(input|output)\s+(?:wire|reg)\s*(\[(\d+):0\])?\s*(\w+)", head)}
parameters = dict(re.findall(r"\bparameter\s+(\w+)\s*=\s*(\d+)", head))
same("latency", box["rtl_performance"]["latency"], parameters.get("LATENCY"))
same("II", box["rtl_performance"]["II"], parameters.get("II"))
inner = name.removesuffix("_blackbox")
same(f"latency of {inner}", dict(re.findall(r"\bparameter\s+(\w+)\s*=\s*(\d+)", modules.get(inner, ""))).get("LATENCY"),
     parameters.get("LATENCY"))

# every port has one meaning, and the right direction
said = {}
for key, port in box["rtl_common_signal"].items():
    out = key.endswith(("_idle", "_ready", "_done"))
    said[port] = ("output" if out else "input", 1)
for p in box["c_parameters"]:
    if p["c_port_direction"] == "in":
        said[p["rtl_ports"]["data_read_in"]] = ("input", 64)
    else:
        same(f"direction of {p['c_name']}", p["c_port_direction"], "out")
        said[p["rtl_ports"]["data_write_out"]] = ("output", 64)
        said[p["rtl_ports"]["data_write_valid"]] = ("output", 1)
if "c_return" in box:
    said[box["c_return"]["rtl_ports"]["data_write_out"]] = ("output", 64)
same("ports", sorted(said.items()), sorted(ports.items()))

# modules that the files use are in the files, but for the device's own cell; and the include file
used = set()
for text in modules.values():
    used |= {m[1] for m in re.finditer(r"^\s*(\w+) (?:#\(|\w+ \()$", text, re.M)} - {"module"}
same("modules used and not listed", sorted(used - set(modules)), ["DSP48E2"])
for file in box["rtl_files"]:
    if (folder / file).is_file():
        for include in re.findall(r'`include\s+"([^"]+)"', (folder / file).read_text()):
            if include not in box["rtl_files"]:
                bad.append(f"{file} includes {include}, which is not listed")

# the C model
for c in box["c_files"]:
    text = strip((folder / c["c_file"]).read_text())
    kind = "uint64_t" if "c_return" in box else "void"
    m = re.search(rf"\b{kind}\s+{box['c_function_name']}\(([^)]*)\)\s*\{{", text)
    same("arguments of the C model", m and re.findall(r"uint64_t (\*?\w+)", m[1]),
         [("*" if p["c_port_direction"] == "out" else "") + p["c_name"] for p in box["c_parameters"]])
print("\n".join(bad))
sys.exit(bool(bad))
PY
}

agree "$root/hls/rtl" gl_mul_blackbox
agree "$root/hls/rtl" gl_mul64_blackbox
planted=0
refused() {
    rm -rf "$work/rtl"
    cp -r "$root/hls/rtl" "$work/rtl"
    sed -i "$2" "$work/rtl/$1"
    if cmp -s "$work/rtl/$1" "$root/hls/rtl/$1"; then
        echo "nothing was planted by $2 in $1"
        exit 1
    fi
    if agree "$work/rtl" "${3:-gl_mul_blackbox}" >/dev/null 2>&1; then
        echo "not seen: $2 in $1"
        exit 1
    fi
    planted=$((planted + 1))
}
refused gl_mul_blackbox.json 's/"latency": "[0-9]*"/"latency": "7"/'
refused gl_mul_blackbox.json 's/"II": "1"/"II": "2"/'
refused gl_mul_blackbox.json 's/"c_name": "b"/"c_name": "y"/'
refused gl_mul_blackbox.json 's/, "gl_dsp.v"//'
refused gl_mul_blackbox.json 's/, "gl_fault.vh"//'
refused gl_mul_blackbox.json 's/"ap_done"/"ap_finished"/'
refused gl_mul.v 's/parameter LATENCY = [0-9]*/parameter LATENCY = 10/'
refused gl_mul_blackbox.v 's/input wire \[63:0\] a/input wire [31:0] a/'
refused gl_mul_blackbox.c 's/uint64_t a, uint64_t b/uint64_t b, uint64_t a/'
refused gl_mul64_blackbox.json 's/"latency": "[0-9]*"/"latency": "9"/' gl_mul64_blackbox
refused gl_mul64_blackbox.json 's/"low_ap_vld"/"high_ap_vld"/' gl_mul64_blackbox
refused gl_mul64_blackbox.c 's/uint64_t \*low, uint64_t \*high/uint64_t *high, uint64_t *low/' gl_mul64_blackbox
refused gl_mul64.v 's/parameter LATENCY = [0-9]*/parameter LATENCY = 5/' gl_mul64_blackbox
echo "descriptions, RTL and C model agree; $planted planted disagreements were seen"

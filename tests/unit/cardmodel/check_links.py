#!/usr/bin/env python3
"""Lints bitstreams/: check_links.py ROOT CC MANIFEST...

Link configurations: every port of every kernel of an image has one bank, which the card has; the same
channel of one side is the same bank for all kernels; what the C compiler says of the kernels' heads
counts, not the generator's reading of them. Manifests follow the schema. Planted faults are seen.
"""
import json
import re
import subprocess
import sys
from pathlib import Path

ROOT, CC = Path(sys.argv[1]), sys.argv[2]
BANKS = {"u55c": ("HBM", 32), "f2": ("HBM", 32), "u250": ("DDR", 4)}
KERNELS = {"stark": ["row_gather", "gl_lde", "gl_merkle"], "msm": ["row_gather", "bn_msm_g1"],
           "fr": ["row_gather", "fr_ntt", "bn_poseidon"]}


def pointers(kernel, channels_log2):
    """Pointer parameters of a kernel, from the preprocessor."""
    source = ('#include "hls/include/kernel_ports.h"\n'
              f"HEAD HLS_{kernel.upper()}_ARGS(HLS_PARAM_ROWS, HLS_PARAM_U32, HLS_PARAM_U64)\n")
    text = subprocess.run([CC, "-E", "-P", "-xc", f"-DHLS_CHANNELS_LOG2={channels_log2}", f"-I{ROOT}", "-"], input=source,
                          capture_output=True, text=True, check=True).stdout
    return re.findall(r"hls_row \*(\w+)", text[text.index("HEAD"):])


def lint_config(card, image, text):
    """What is wrong with a configuration: a list of texts."""
    wrong, units, places, sides = [], {}, {}, {}
    memory, count = BANKS[card]
    channels_log2 = 1 if card == "u250" else 3
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key == "nk":
            kernel, number, names = value.split(":")
            units[kernel] = names.split(".")
            if len(units[kernel]) != int(number):
                wrong.append(f"{line}: not {number} names")
        elif key == "sp":
            port, bank = value.split(":", 1)
            match = re.fullmatch(rf"{memory}\[(\d+)(?::(\d+))?\]", bank)
            if port in places:
                wrong.append(f"{port} has two banks")
            if not match or int(match[2] or match[1]) >= count or int(match[1]) > int(match[2] or match[1]):
                wrong.append(f"{line}: the card has no such bank")
                continue
            places[port] = (int(match[1]), int(match[2] or match[1]))
            argument = port.split(".")[1].rsplit("_", 1)
            side = ("b" if argument[0] == "tmp" else "a", argument[1])
            if sides.setdefault(side, places[port]) != places[port]:
                wrong.append(f"{line}: another port of this channel has another bank")
        elif key == "slr":
            unit, slr = value.split(":")
            if unit not in sum(units.values(), []) or not re.fullmatch(r"SLR[0-3]" if card == "u250" else r"SLR[0-2]", slr):
                wrong.append(f"{line}: no such unit or region")
    if sorted(units) != sorted(KERNELS[image]):
        wrong.append(f"kernels {sorted(units)}")
    expected = [f"{unit}.{p}" for kernel in units for unit in units[kernel] for p in pointers(kernel, channels_log2)]
    wrong += [f"{port} has no bank" for port in expected if port not in places]
    wrong += [f"{port} is no port" for port in places if port not in expected]
    taken = sorted(set(sides.values()))
    if len(taken) != len(sides) or any(x[1] >= y[0] for x, y in zip(taken, taken[1:])):
        wrong.append("two channels share a bank")
    return wrong


def follows(value, schema, root, at="manifest"):
    """What in value is against a schema of the kinds that ours has."""
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    kinds = {"object": dict, "array": list, "string": str, "integer": int}
    wrong = []
    if "type" in schema and (not isinstance(value, kinds[schema["type"]]) or isinstance(value, bool)):
        return [f"{at} is no {schema['type']}"]
    if "const" in schema and value != schema["const"] or "enum" in schema and value not in schema["enum"]:
        wrong.append(f"{at} is {value}")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        wrong.append(f"{at} is '{value}'")
    if isinstance(value, int) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        wrong.append(f"{at} is {value}")
    if isinstance(value, list):
        wrong += [w for i, item in enumerate(value) for w in follows(item, schema["items"], root, f"{at}[{i}]")]
    if isinstance(value, dict):
        wrong += [f"{at} lacks {name}" for name in schema.get("required", []) if name not in value]
        if len(value) < schema.get("minProperties", 0):
            wrong.append(f"{at} is empty")
        for name, item in value.items():
            inner = schema.get("properties", {}).get(name) or next(
                (s for p, s in schema.get("patternProperties", {}).items() if re.search(p, name)), None)
            wrong += follows(item, inner, root, f"{at}.{name}") if inner else [f"{at}.{name} is not known"]
    return wrong


def main():
    failures = []
    for card in BANKS:
        for image in KERNELS:
            text = (ROOT / "bitstreams" / card / f"{image}.cfg").read_text()
            failures += [f"{card}/{image}.cfg: {w}" for w in lint_config(card, image, text)]
            if "Not run" not in text:
                failures.append(f"{card}/{image}.cfg does not say that it was not run")
    good = (ROOT / "bitstreams/u55c/stark.cfg").read_text()
    last = good.strip().splitlines()[-1]
    planted = [good.replace(last, ""), good + last + "\n", good.replace("HBM[30:31]", "HBM[31:32]"),
               good.replace(last, last.replace("[14:15]", "[12:13]")), good.replace("nk=gl_lde:1", "nk=gl_lde:2"),
               good + "sp=gl_lde_1.extra_0:HBM[0:1]\n", good.replace("nk=gl_merkle:1:gl_merkle_1\n", ""),
               good.replace("HBM[30:31]", "HBM[0:1]"), good.replace("SLR0", "SLR5")]
    for i, text in enumerate(planted):
        if text == good or not lint_config("u55c", "stark", text):
            failures.append(f"planted fault {i} of a configuration was not seen")

    schema = json.loads((ROOT / "bitstreams/manifest.schema.json").read_text())
    for path in [ROOT / "bitstreams/manifest.json", *map(Path, sys.argv[3:])]:
        manifest = json.loads(path.read_text())
        failures += [f"{path}: {w}" for w in follows(manifest, schema, schema)]
        abi = re.search(r"#define HLS_KERNEL_ABI (\d+)", (ROOT / "hls/include/kernel_abi.h").read_text())[1]
        if manifest["kernel_abi"] != int(abi):
            failures.append(f"{path}: kernel_abi is not {abi}")
    entry = {"name": "a", "file": "a.xclbin", "sha256": "0" * 64, "uuid": "0" * 8 + "-0000-0000-0000-" + "0" * 12,
             "platform": "p", "mode": "hw", "channels_log2": 4, "channel_mib": 512, "clock_mhz": 300, "kernels": {"gl_lde": 1}}
    fine = {"version": 1, "kernel_abi": 1, "images": [entry]}
    if follows(fine, schema, schema):
        failures.append(f"a good manifest: {follows(fine, schema, schema)}")
    for name, value in [("name", "A"), ("file", "../a"), ("sha256", "0"), ("uuid", "0"), ("mode", "sw"), ("channels_log2", 5),
                        ("channel_mib", 0), ("clock_mhz", "300"), ("kernels", {}), ("kernels", {"x": 1}), ("extra", 1)]:
        if not follows({**fine, "images": [{**entry, name: value}]}, schema, schema):
            failures.append(f"a manifest with {name} {value} was not seen")
    for text in failures:
        print(text, file=sys.stderr)
    return 1 if failures else 0


sys.exit(main())

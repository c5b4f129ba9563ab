"""A strict reader of the Prometheus text format 0.0.4, written from its description
(https://prometheus.io/docs/instrumenting/exposition_formats/). It accepts less than a Prometheus server does: every
family needs HELP and TYPE before its samples, samples of a family stand together, nothing is there twice, histograms are
complete and cumulative, counters are finite, not negative and end in _total, and the text ends with a line feed."""

import math
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?|NaN|[+-]Inf")


class Bad(Exception):
    pass


def unescape(text, quote):
    out, i = [], 0
    while i < len(text):
        if text[i] != "\\":
            out.append(text[i])
            i += 1
            continue
        pair = text[i : i + 2]
        table = {"\\\\": "\\", "\\n": "\n"}
        if quote:
            table['\\"'] = '"'
        if pair not in table:
            raise Bad(f"escape {pair!r}")
        out.append(table[pair])
        i += 2
    return "".join(out)


def number(text):
    if not NUMBER.fullmatch(text):
        raise Bad(f"number {text!r}")
    return float(text.replace("Inf", "inf"))


def sample(line):
    """(name, {label: value}, number)"""
    m = NAME.match(line)
    if not m:
        raise Bad("no name")
    name, at, labels = m.group(), m.end(), {}
    if line[at : at + 1] == "{":
        at += 1
        while True:
            m = LABEL.match(line, at)
            if not m or line[m.end() : m.end() + 2] != '="':
                raise Bad("label")
            label, at = m.group(), m.end() + 2
            end = at
            while end < len(line) and line[end] != '"':
                end += 2 if line[end] == "\\" else 1
            if end >= len(line):
                raise Bad("quote")
            if label in labels:
                raise Bad(f"label {label} twice")
            labels[label] = unescape(line[at:end], True)
            at = end + 1
            if line[at : at + 1] == "}":
                at += 1
                break
            if line[at : at + 1] != ",":
                raise Bad("comma")
            at += 1
    if line[at : at + 1] != " ":
        raise Bad("blank before the value")
    return name, labels, number(line[at + 1 :])


def check_histogram(name, samples):
    series = {}
    for kind, labels, value in samples:
        key = tuple(sorted((k, v) for k, v in labels.items() if k != "le"))
        series.setdefault(key, []).append((kind, labels, value))
    for key, rows in series.items():
        kinds = [kind[len(name) :] for kind, _, _ in rows]
        n = kinds.count("_bucket")
        if kinds != ["_bucket"] * n + ["_sum", "_count"] or n < 1:
            raise Bad(f"{name}{dict(key)}: samples {kinds}")
        bounds = [number(labels["le"]) for _, labels, _ in rows[:n]]
        counts = [value for _, _, value in rows[:n]]
        if bounds != sorted(set(bounds)) or bounds[-1] != math.inf:
            raise Bad(f"{name}{dict(key)}: bounds {bounds}")
        if counts != sorted(counts) or counts[0] < 0 or any(c != int(c) for c in counts):
            raise Bad(f"{name}{dict(key)}: counts {counts}")
        if rows[-1][2] != counts[-1]:
            raise Bad(f"{name}{dict(key)}: count {rows[-1][2]}, of the buckets {counts[-1]}")


def parse(raw):
    """{family: {"type", "help", "samples": [(name, labels, value)]}} of the bytes of a page; raises Bad."""
    text = raw.decode("utf-8", errors="strict")
    if text and not text.endswith("\n"):
        raise Bad("the last line has no end")
    families, current, seen = {}, None, set()
    for i, line in enumerate(text.split("\n")[:-1], 1):
        try:
            if line.startswith("# HELP "):
                name, _, help_text = line[7:].partition(" ")
                if not NAME.fullmatch(name) or name in families:
                    raise Bad("name is wrong or there twice")
                current = families[name] = {"help": unescape(help_text, False), "type": None, "samples": []}
                current["name"] = name
            elif line.startswith("# TYPE "):
                name, _, kind = line[7:].partition(" ")
                if not current or name != current["name"] or current["type"] or current["samples"]:
                    raise Bad("TYPE is not right after its HELP")
                if kind not in ("counter", "gauge", "histogram"):
                    raise Bad(f"type {kind!r}")
                current["type"] = kind
            else:
                name, labels, value = sample(line)
                suffixes = ("_bucket", "_sum", "_count") if current and current["type"] == "histogram" else ("",)
                if not current or not current["type"] or name not in [current["name"] + s for s in suffixes]:
                    raise Bad("a sample outside its family")
                key = (name, tuple(sorted(labels.items())))
                if key in seen:
                    raise Bad("a sample twice")
                seen.add(key)
                if ("le" in labels) != name.endswith("_bucket"):
                    raise Bad("le")
                if current["type"] == "counter" and not (0 <= value < math.inf and name.endswith("_total")):
                    raise Bad("a counter with a wrong value or name")
                current["samples"].append((name, labels, value))
        except Bad as bad:
            raise Bad(f"line {i}: {bad}: {line!r}") from None
    for name, family in families.items():
        if not family["type"] or not family["samples"]:
            raise Bad(f"{name} has no type or no samples")
        if family["type"] == "histogram":
            check_histogram(name, family["samples"])
    return families


def value(families, name, **labels):
    """The one sample with this name and these labels."""
    found = [v for f in families.values() for n, l, v in f["samples"] if n == name and l == labels]
    if len(found) != 1:
        raise Bad(f"{name}{labels}: {len(found)} samples; expected 1")
    return found[0]


def self_test():
    good = (
        b"# HELP a_total x \\\\ \\n y\n# TYPE a_total counter\n"
        b'a_total{l="\\"\\\\\\n}, ",m=""} 1\na_total 2e+3\n'
        b"# HELP h \n# TYPE h histogram\n"
        b'h_bucket{le="0.5"} 1\nh_bucket{le="+Inf"} 2\nh_sum 1.5\nh_count 2\n'
    )
    families = parse(good)
    assert value(families, "a_total", l='"\\\n}, ', m="") == 1 and value(families, "a_total") == 2000
    assert families["a_total"]["help"] == "x \\ \n y"
    head, h = b"# HELP g x\n# TYPE g gauge\n", b"# HELP h \n# TYPE h histogram\n"
    bad = [
        b"g 1\n", head + b"g 1", head, head + b"g\n", head + b"g  1\n", head + b"g 1 \n", head + b"g one\n",
        head + b"g 1,5\n", head + b"g 1\ng 1\n", head + b"f 1\n", head + b'g{a="1"\n', head + b'g{a="1",} 1\n',
        head + b'g{a=1} 1\n', head + b'g{a="\\x"} 1\n', head + b'g{a="1",a="2"} 1\n', head + b'g{1="1"} 1\n',
        head + b"g \xff\n", head + b'g{a="\xff"} 1\n', head + b"\ng 1\n", head + b"g 1\n" + head + b"g 2\n",
        b"# HELP c x\n# TYPE c counter\nc 1\n", b"# HELP c_total x\n# TYPE c_total counter\nc_total -1\n",
        b"# HELP g x\ng 1\n", b"# TYPE g gauge\ng 1\n", b"# HELP g x\n# TYPE g untype\ng 1\n",
        h + b'h_bucket{le="1"} 1\nh_sum 1\nh_count 1\n', h + b'h_bucket{le="+Inf"} 1\nh_count 1\n',
        h + b'h_bucket{le="+Inf"} 1\nh_sum 1\nh_count 2\n',
        h + b'h_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
        h + b'h_bucket{le="2"} 1\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
    ]  # fmt: skip
    for text in bad:
        try:
            parse(text)
        except (Bad, UnicodeDecodeError):
            continue
        raise AssertionError(f"accepted: {text!r}")


if __name__ == "__main__":
    self_test()

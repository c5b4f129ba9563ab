#!/usr/bin/env python3
"""Reads the log of the emulated card (timeline.h).

    timeline.py LOG                    per event: how many, bytes, time; and pairs of activities at the same time
    timeline.py LOG --ran K...         exit code 1 unless each kernel K ended a run
    timeline.py LOG --together A+B...  exit code 1 unless there was a moment with all of A+B; an activity is h2d, d2h, or
                                       the name of a kernel

A transfer is active from its request's first byte to its answer, a kernel from begin to end. The card's processes in one log
are told apart.
"""
import itertools
import sys
from collections import Counter, defaultdict


def read(path):
    """[(process, activity, begin, end, bytes)] and Counter of other events."""
    spans, open_runs, others = [], {}, Counter()
    for line in open(path, encoding="ascii", errors="replace"):
        words = line.split()
        if len(words) < 3 or not words[0].isdigit():
            continue
        time, process, event = int(words[0]), words[1], words[2]
        values = dict(word.split("=", 1) for word in words[3:] if "=" in word)
        if event in ("h2d", "d2h"):
            spans.append((process, event, time - int(values["took"]), time, int(values["size"])))
        elif event == "begin":
            open_runs[process, values["run"]] = time
        elif event == "end":
            spans.append((process, values["kernel"], open_runs.pop((process, values["run"])), time, 0))
        else:
            others[event] += 1
    others["runs without an end"] = len(open_runs)
    return spans, others


def together(spans):
    """(set of activities) -> microseconds during which exactly these were active."""
    moments = defaultdict(list)
    for process, activity, begin, end, _ in spans:
        moments[process] += [(begin, 1, activity), (max(end, begin + 1), -1, activity)]
    times = Counter()
    for events in moments.values():
        active, last = Counter(), 0
        for time, step, activity in sorted(events):
            now = frozenset(a for a, n in active.items() if n > 0)
            times[now] += time - last if now else 0
            active[activity] += step
            last = time
    return times


def main(argv):
    if len(argv) == 0 or argv[0].startswith("-") or len(argv) > 1 and argv[1] not in ("--ran", "--together"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        spans, others = read(argv[0])
    except OSError as error:
        print(f"timeline.py: {error}", file=sys.stderr)
        return 1
    count, size, time = Counter(), Counter(), Counter()
    for _, activity, begin, end, length in spans:
        count[activity] += 1
        size[activity] += length
        time[activity] += end - begin
    times = together(spans)
    if len(argv) > 1:
        wanted = argv[2:]
        for what in wanted:
            names = set(what.split("+"))
            if not any(names <= active and t > 0 for active, t in times.items()):
                print(f"timeline.py: {argv[0]}: never seen: {what}", file=sys.stderr)
                return 1
        return 0
    for activity in sorted(count):
        print(f"{activity:12} {count[activity]:8} times {size[activity]:14} bytes {time[activity]:12} us")
    for pair in itertools.combinations(sorted(count), 2):
        both = sum(t for active, t in times.items() if set(pair) <= active)
        if both:
            print(f"{pair[0]} and {pair[1]} at the same time: {both} us")
    for event, n in sorted(others.items()):
        if n:
            print(f"{event}: {n}")
    return 0


sys.exit(main(sys.argv[1:]))

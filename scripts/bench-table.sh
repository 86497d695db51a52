#!/usr/bin/env bash
# One markdown table of all Criterion results of the last run.
#
#   bench-table.sh TARGET     reads TARGET/criterion, as `make bench` leaves it
#
# A benchmark of several elements a round (a thousand host calls) is given for one element.
set -euo pipefail
[ $# = 1 ] || { sed -n '2,6s/^# \{0,1\}//p' "$0" >&2; exit 2; }
exec python3 - "$1/criterion" <<'PYTHON'
import json
import pathlib
import sys


def scaled(ns):
    """A time with three figures and its unit."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if ns >= size:
            return f"{ns / size:.3g} {unit}" if ns < 1000 * size else f"{ns / size:.0f} {unit}"
    return f"{ns:.3g} ns"


results = {}
for path in pathlib.Path(sys.argv[1]).glob("**/new/estimates.json"):
    mean = json.loads(path.read_text())["mean"]
    about = json.loads(path.with_name("benchmark.json").read_text())
    elements = (about["throughput"] or {}).get("Elements", 1)
    low, high = (mean["confidence_interval"][end] / elements for end in ("lower_bound", "upper_bound"))
    name = about["full_id"] + (f" (one of {elements:,})" if elements > 1 else "")
    results[name] = (mean["point_estimate"] / elements, low, high)
if not results:
    sys.exit(f"bench-table: no results in {sys.argv[1]}: run `make bench`")

print("| benchmark | mean | 95 % of means |")
print("|---|---:|---:|")
for name, (mean, low, high) in sorted(results.items(), key=lambda result: result[0].casefold()):
    print(f"| {name} | {scaled(mean)} | {scaled(low)} – {scaled(high)} |")


def typed(parser):
    return results.get(f"INVITE beside peers/{parser} typed", (None,))[0]


ours, peers = typed("tandem-sip"), [typed("rsip"), typed("rsipstack")]
if ours and all(peers):
    print(f"\ntandem-sip reads a typed INVITE in {ours / min(peers):.2f} of the faster peer's time.")
PYTHON

"""Measures judging against parsing, draws cost against size, and checks that planted faults are found.

    cargo build --release --no-default-features -p ssm-doctor -p ssm-doctor-benches
    python benches/scale.py [--sizes 1000,10000,100000,1000000] [--draw scale.svg]

Needs nothing but Python 3.11 on Linux or macOS. CPU time counts, that of all threads, so that other work on the machine
changes little. The smallest of `--times` runs counts.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

MEGABYTE = 1024 * 1024


def measure(command: list[str], source: Path, target: Path, times: int) -> tuple[float, float]:
    """CPU seconds and peak memory in bytes of a program that reads `source` and writes `target`."""
    best, memory = math.inf, 0.0
    for _ in range(times):
        with source.open("rb") as stdin, target.open("wb") as stdout:
            child = subprocess.Popen(command, stdin=stdin, stdout=stdout)
            _, status, usage = os.wait4(child.pid, 0)
        # 1 and 3 are verdicts, not errors.
        if os.waitstatus_to_exitcode(status) not in (0, 1, 3):
            raise SystemExit(f"{command} failed")
        best = min(best, usage.ru_utime + usage.ru_stime)
        memory = max(memory, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))
    return best, memory


def differences(answers: Path, nodes: Path) -> tuple[int, int, int]:
    """Planted faults, those that were not found first, and nodes of which something else is reported or unknown."""
    planted = missed = other = 0
    with answers.open() as expected, nodes.open() as found:
        reported = (json.loads(line) for line in found)
        for line, entry in zip(expected, (entry["node"] for entry in reported if "node" in entry), strict=True):
            answer = json.loads(line)
            assert answer["target"] == entry["target"], (answer, entry["target"])
            causes = [cause["check"] for cause in entry["causes"]]
            if answer["cause"]:
                planted += 1
                missed += causes[:1] != [answer["cause"]]
            else:
                stopped = entry["status"] == "stopped"
                other += bool(causes) or stopped != answer["stopped"] or bool(entry["unseen"]) and not stopped
    return planted, missed, other


def drawing(points: list[dict[str, float]]) -> str:
    """CPU time against size, on logarithmic axes."""
    width, height, margin = 640, 400, 60
    series = {"parse": "#888888", "judge": "#c0392b", "fleet": "#2c7fb8"}
    sizes = [point["size"] for point in points]
    costs = [point[name] for point in points for name in series]
    low, high = math.log10(min(sizes)), math.log10(max(sizes))
    floor, ceiling = math.floor(math.log10(min(costs))), math.ceil(math.log10(max(costs)))

    def at(size: float, cost: float) -> str:
        x = margin + (math.log10(size) - low) / max(high - low, 1) * (width - 2 * margin)
        y = height - margin - (math.log10(cost) - floor) / max(ceiling - floor, 1) * (height - 2 * margin)
        return f"{x:.1f},{y:.1f}"

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" font-family="sans-serif" font-size="12">']
    parts.append(f'<rect width="{width}" height="{height}" fill="white"/>')
    for row, (name, colour) in enumerate(series.items()):
        line = " ".join(at(point["size"], point[name]) for point in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(f'<text x="{margin + 10}" y="{margin + 16 * row}" fill="{colour}">{name}</text>')
    for power in range(floor, ceiling + 1):
        x, y = at(min(sizes), 10.0**power).split(",")
        parts.append(f'<text x="{float(x) - 8}" y="{y}" text-anchor="end">{10.0**power:g}</text>')
    for size in sizes:
        x, y = at(size, 10.0**floor).split(",")
        parts.append(f'<text x="{x}" y="{float(y) + 20}" text-anchor="middle">{size:g}</text>')
    parts.append(f'<text x="{width / 2}" y="{height - 12}" text-anchor="middle">instances</text>')
    parts.append(f'<text x="16" y="{margin - 20}">CPU time, parsing {sizes[0]:g} instances = 1</text></svg>')
    return "\n".join(parts) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--programs", type=Path, default=Path("target/release"))
    parser.add_argument("--draw", type=Path, help="an SVG file")
    arguments = parser.parse_args()
    doctor = str(arguments.programs / "ssm-doctor")
    points = []
    wrong = 0
    for size in map(int, arguments.sizes.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            fleet, answers, out = (Path(folder) / name for name in ("fleet", "answers", "out"))
            generate = [str(arguments.programs / "generate-fleet"), str(size), "--seed", arguments.seed, "--answers", str(answers)]
            with fleet.open("wb") as stdout:
                subprocess.run(generate, stdout=stdout, check=True)
            nowhere = Path(os.devnull)
            parse, _ = measure([str(arguments.programs / "parse-facts")], fleet, nowhere, arguments.times)
            judge, judge_memory = measure([doctor, "judge", "--session", "shell"], fleet, nowhere, arguments.times)
            group = [doctor, "fleet", "--facts", "-", "--format", "ndjson"]
            fleets, fleet_memory = measure(group, fleet, out, arguments.times)
            planted, missed, other = differences(answers, out)
            wrong += missed + other
            points.append({"size": size, "parse": parse, "judge": judge, "fleet": fleets})
            print(
                f"{size:>9} instances, {fleet.stat().st_size / MEGABYTE:.0f} MiB: "
                f"judge {judge / parse:.1f} x parsing and {judge_memory / MEGABYTE:.0f} MiB, "
                f"fleet {fleets / parse:.1f} x parsing and {fleet_memory / MEGABYTE:.0f} MiB; "
                f"{planted} planted faults, {missed} not found, {other} others reported",
                flush=True,
            )
    unit = points[0]["parse"]
    points = [{name: value if name == "size" else value / unit for name, value in point.items()} for point in points]
    if len(points) > 1:
        first, last = points[0], points[-1]
        for name in ("parse", "judge", "fleet"):
            exponent = math.log(last[name] / first[name]) / math.log(last["size"] / first["size"])
            print(f"{name} grows with size to the power {exponent:.3f}")
    if arguments.draw:
        arguments.draw.write_text(drawing(points))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

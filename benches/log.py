#!/usr/bin/env python3
"""CPU time and memory of `ssm-doctor log`, for a log of any size.

The log is the text of the samples in fixtures/logs, again and again: lines of every kind that the signatures know, and
more of the others than a real log has.
"""

import argparse
import os
import pathlib
import subprocess
import tempfile

MEGABYTE = 1024 * 1024
ROOT = pathlib.Path(__file__).resolve().parent.parent


def write(path: pathlib.Path, size: int) -> None:
    samples = sorted((ROOT / "fixtures/logs").glob("*/amazon-ssm-agent.log"))
    block = b"".join(sample.read_bytes().rstrip(b"\n") + b"\n" for sample in samples)
    with path.open("wb") as log:
        while log.tell() < size:
            log.write(block)


def read(program: pathlib.Path, log: pathlib.Path) -> tuple[float, int]:
    """Seconds of CPU, and bytes of memory at most."""
    child = subprocess.Popen([program, "log", log, "--format", "json"], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, 1, 3):
        raise SystemExit(f"{program} did not judge {log}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--program", type=pathlib.Path, default=ROOT / "target/release/ssm-doctor")
    options.add_argument("--sizes", default="10,100,1000", help="of the log, in MB")
    arguments = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for size in map(int, arguments.sizes.split(",")):
            log = pathlib.Path(folder, "amazon-ssm-agent.log")
            write(log, size * MEGABYTE)
            seconds, memory = read(arguments.program, log)
            print(f"{size:>6} MB: {size / seconds:.0f} MB/s of one core, {memory / MEGABYTE:.0f} MB of memory")


if __name__ == "__main__":
    main()

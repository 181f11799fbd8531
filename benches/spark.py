"""Judges a fleet with Apache Spark and compares the reports with those of a plain run.

    pip install pyspark==4.0.4        # needs Java 17 or newer
    python benches/spark.py FLEET.ndjson [--program target/release/ssm-doctor] [--session shell]

A shard, which is a line of shared facts and the lines of its targets, is one partition. Each partition is piped through
`ssm-doctor judge`. The script ends with 0 if both runs wrote the same reports.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pyspark import SparkContext

# What a line of shared facts begins with, as `ssm-doctor` writes it.
SHARED = b'{"schema":"ssm-doctor/shared-facts/v1"'


def shards(fleet: Path, folder: Path) -> int:
    """Writes each shard into a file of its own, and says how many there are."""
    count, out = 0, None
    with fleet.open("rb") as lines:
        for line in lines:
            if line.startswith(SHARED) or out is None:
                if out is not None:
                    out.close()
                out = (folder / f"{count:06}.ndjson").open("wb")
                count += 1
            out.write(line)
    if out is not None:
        out.close()
    return count


def digest(reports: list[str]) -> str:
    return hashlib.sha256("\n".join(reports).encode()).hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("fleet", type=Path)
    parser.add_argument("--program", type=Path, default=Path("target/release/ssm-doctor"))
    parser.add_argument("--session", default="shell")
    arguments = parser.parse_args()
    command = [str(arguments.program.resolve()), "judge", "--session", arguments.session]

    start = time.monotonic()
    with arguments.fleet.open("rb") as facts:
        # 1 and 3 are verdicts, not errors.
        ran = subprocess.run(command, stdin=facts, stdout=subprocess.PIPE, check=False)
    if ran.returncode == 2:
        return 2
    plain = ran.stdout.decode().splitlines()
    plain_time = time.monotonic() - start

    with tempfile.TemporaryDirectory() as folder:
        parts = shards(arguments.fleet, Path(folder))
        context = SparkContext("local[*]", "ssm-doctor")
        context.setLogLevel("ERROR")
        start = time.monotonic()
        # One partition for each shard. Spark would split by size, and a partition has to begin with its shared facts.
        files = context.parallelize(sorted(map(str, Path(folder).iterdir())), parts)
        lines = files.flatMap(lambda name: Path(name).read_text().splitlines())
        spark = lines.pipe(" ".join([*command, "--jobs", "1"])).collect()
        spark_time = time.monotonic() - start
        context.stop()

    same = digest(plain) == digest(spark)
    print(f"{len(plain)} reports of {parts} shards: {'equal' if same else 'DIFFERENT'}")
    print(f"Spark took {spark_time / plain_time:.2f} times as long as a plain run")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())

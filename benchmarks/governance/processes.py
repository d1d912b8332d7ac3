"""What the questions to a lake share: each is asked in processes of its own, which print their seconds as JSON."""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.governance.lake import session


def parser_of(told: str | None) -> argparse.ArgumentParser:
    """A parser with what every question takes."""
    parser = argparse.ArgumentParser(description=told)
    parser.add_argument("--home", required=True, type=lambda path: str(Path(path).resolve()))
    parser.add_argument("--repeat", type=int, default=3, help="processes")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser


def started(home: str) -> tuple[Any, float]:
    """A session that has run something, and the seconds that took: what is measured after it has no JVM start in it."""
    began = time.monotonic()
    spark = session(home)
    spark.range(1).collect()
    return spark, time.monotonic() - began


def asked(module: str, repeat: int) -> list[dict[str, Any]]:
    """What processes of a module print that get the arguments of this one."""
    words = [sys.executable, "-m", f"benchmarks.governance.{module}", *sys.argv[1:], "--child"]
    outs = [subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout for _ in range(repeat)]
    return [json.loads(out.splitlines()[-1]) for out in outs]


def show(name: str, seconds: Sequence[float]) -> None:
    """One line of a table."""
    print(
        f"  {name:<20} median {statistics.median(seconds):6.2f}   least {min(seconds):6.2f}   most {max(seconds):6.2f}"
    )


def status_of(limit: float, most: float) -> int:
    """Say whether the limit holds; the exit status."""
    print(f"  limit {limit:g} s, JVM start aside: {'held' if most < limit else 'NOT HELD'}")
    return 0 if most < limit else 1

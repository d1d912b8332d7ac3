"""What the peers' programs share: reading documents, counting CPU seconds, and one JSON line as the answer.

Runs in the peers' environments too, so it knows the standard library only.
"""

import argparse
import json
import resource
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def cpu_seconds() -> float:
    """User and system seconds of this process and of the children it has waited for."""
    own, waited = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + waited.ru_utime + waited.ru_stime


def arguments(description: str) -> argparse.ArgumentParser:
    """A parser with what every peer takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("documents", help="JSONL with id, url and text")
    parser.add_argument("--model", help="fastText model for language identification")
    return parser


def read(path: str) -> list[dict[str, Any]]:
    """The documents."""
    with Path(path).open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def measure(work: Callable[[Sequence[dict[str, Any]]], Any], documents: Sequence[dict[str, Any]]) -> None:
    """Run on a few documents to load what is loaded once, then on all; print documents, bytes and CPU seconds."""
    work(documents[:64])
    before = cpu_seconds()
    work(documents)
    used = cpu_seconds() - before
    size = sum(len(document["text"].encode()) for document in documents)
    json.dump({"documents": len(documents), "bytes": size, "cpu_seconds": used}, sys.stdout)

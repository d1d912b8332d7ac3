"""Precision and recall of `mask_pii` by kind: `python -m benchmarks.pii [FILE]`, on fixtures of many countries.

FILE is JSON Lines: `text`, in which what is to be masked is written `[[kind|what]]`, and `language` and `host` where
they matter. A place is right if it is found as that kind from its first to its last character. What is wrong follows.
"""

import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from spark_jobs.operators.editors.mask_pii import MaskPiiParams
from spark_jobs.text.pii import KINDS, Finding

CASES = Path(__file__).resolve().parent.parent / "tests" / "unit" / "pii_cases.jsonl"
_MARKED = re.compile(r"\[\[(\w+)\|(.*?)\]\]", re.DOTALL)


def unmarked(marked: str) -> tuple[str, list[Finding]]:
    """A fixture's text and what is to be found in it."""
    text, wanted, end = "", [], 0
    for mark in _MARKED.finditer(marked):
        text += marked[end : mark.start()]
        wanted.append((len(text), len(text) + len(mark[2]), mark[1]))
        text += mark[2]
        end = mark.end()
    return text + marked[end:], wanted


def judged(cases: list[dict[str, Any]]) -> Iterator[tuple[str, set[Finding], set[Finding]]]:
    """Text, what was to be found and what was found, for each case."""
    pairs = [unmarked(case["text"]) for case in cases]
    texts = pa.array([text for text, _ in pairs], pa.large_string())
    languages, hosts = ([case.get(key) for case in cases] for key in ("language", "host"))
    found = {row: set(findings) for row, _, findings in MaskPiiParams().finder().findings(texts, languages, hosts)}
    for row, (text, wanted) in enumerate(pairs):
        yield text, set(wanted), found.get(row, set())


def main() -> int:
    """Print the table, then each wrong place."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else CASES
    right, missed, false = Counter[str](), Counter[str](), Counter[str]()
    wrong = []
    for text, wanted, found in judged([json.loads(line) for line in path.read_text("utf-8").splitlines()]):
        for counter, findings in ((right, wanted & found), (missed, wanted - found), (false, found - wanted)):
            counter.update(kind for *_, kind in findings)
        wrong += [("missed", kind, text[a:b], text) for a, b, kind in sorted(wanted - found)]
        wrong += [("false", kind, text[a:b], text) for a, b, kind in sorted(found - wanted)]
    print(f"{'kind':<8}{'right':>7}{'missed':>8}{'false':>7}{'precision':>11}{'recall':>8}")
    for kind in KINDS:
        precision, recall = (right[kind] / max(1, right[kind] + other[kind]) for other in (false, missed))
        print(f"{kind:<8}{right[kind]:>7}{missed[kind]:>8}{false[kind]:>7}{precision:>11.3f}{recall:>8.3f}")
    for what, kind, place, text in wrong:
        print(f"{what} {kind} {place!r} in {text!r}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

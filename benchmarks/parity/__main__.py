"""Verdict by verdict against datatrove on all English pages of crawl files: `python -m benchmarks.parity --crawls DIR`.

Two comparisons a filter: each side with its own words and sentences, and ours with theirs. A disagreement of the first
that is none in the second comes from splitting; what is left is a known difference of theirs (named, with its test
below) or ours. Exit status 1 when a filter disagrees on 1 % or more with the same words.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.documents import CACHE, PROJECT, Page, read_pages
from benchmarks.parity.same_words import with_words
from spark_jobs.operators import registry
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.decide import Bounds, broken

FILTERS = ("gopher_repetition", "gopher_quality", "c4_quality", "fineweb_quality")
MOST = 0.01
_AT_ONCE = 128

Reasons = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Verdicts:
    """One page: their reason and ours by filter (ours all, theirs the first), ours with their words too."""

    page: Page
    theirs: Mapping[str, str | None]
    own_words: Reasons
    same_words: Reasons


def compared(pages: Sequence[Page], found: Iterable[dict[str, Any]]) -> Iterator[Verdicts]:
    """Our verdicts beside theirs."""
    operators = {name: registry.build("filters", name) for name in FILTERS}
    theirs = {entry["id"]: entry for entry in found}
    for start in range(0, len(pages), _AT_ONCE):
        part = pages[start : start + _AT_ONCE]
        entries = [theirs[page.id] for page in part]
        batch = TextBatch.from_texts([page.text for page in part])
        own = {name: _reasons(operator, operator.annotate(batch)) for name, operator in operators.items()}
        fed = with_words(batch, [entry["words"] for entry in entries])
        same = {}
        for name, operator in operators.items():
            signals = dict(operator.annotate(fed))
            if name == "c4_quality":
                signals["sentences"] = np.array([entry["sentences"] for entry in entries], dtype=np.float64)
            same[name] = _reasons(operator, signals)
        for row, (page, entry) in enumerate(zip(part, entries, strict=True)):
            yield Verdicts(
                page,
                entry["reasons"],
                {name: own[name][row] for name in FILTERS},
                {name: same[name][row] for name in FILTERS},
            )


def _reasons(operator: Any, signals: Mapping[str, npt.NDArray[np.float64]]) -> list[tuple[str, ...]]:
    rows: dict[int, list[str]] = defaultdict(list)
    for rule in operator.rules():
        bounds = Bounds(minimum=rule.minimum, maximum=rule.maximum, exclusive=rule.exclusive)
        for row in broken(operator.name, operator.version, rule.reason, signals[rule.signal], bounds).rows:
            rows[int(row)].append(rule.reason)
    return [tuple(rows[row]) for row in range(len(next(iter(signals.values()))))]


def classified(name: str, verdict: Verdicts) -> str | None:
    """Why the two disagree on a page by their own words; None where they agree."""
    dropped = verdict.theirs[name] is not None
    if dropped == bool(verdict.own_words[name]):
        return None
    if dropped == bool(verdict.same_words[name]):
        return "sentence splitting" if name == "c4_quality" else "word splitting"
    return "ours"


def report(verdicts: Sequence[Verdicts], examples: int) -> tuple[list[str], bool]:
    """The lines to print, and whether every filter is below the limit with the same words."""
    lines = [
        f"{'':<20}{'theirs drops':>13}{'ours drops':>12}{'differ':>9}{'rate':>9}{'same words':>12}{'rate':>9}  causes"
    ]
    fine = True
    for name in FILTERS:
        causes = Counter(cause for verdict in verdicts if (cause := classified(name, verdict)))
        same = [v for v in verdicts if (v.theirs[name] is not None) != bool(v.same_words[name])]
        rate, same_rate = causes.total() / len(verdicts), len(same) / len(verdicts)
        fine = fine and same_rate < MOST
        told = ", ".join(f"{cause} {count}" for cause, count in causes.most_common()) or "-"
        lines.append(
            f"{name:<20}{sum(v.theirs[name] is not None for v in verdicts):>13}"
            f"{sum(bool(v.own_words[name]) for v in verdicts):>12}{causes.total():>9}{rate:>9.2%}"
            f"{len(same):>12}{same_rate:>9.2%}  {told}"
        )
        pairs = Counter(f"{v.theirs[name] or 'kept'} | {', '.join(v.same_words[name]) or 'kept'}" for v in same)
        lines += [f"    same words, theirs | ours: {pair}: {count}" for pair, count in pairs.most_common()]
        differing = [v for v in verdicts if classified(name, v)]
        pairs = Counter(f"{v.theirs[name] or 'kept'} | {', '.join(v.own_words[name]) or 'kept'}" for v in differing)
        lines += [f"    own words, theirs | ours: {pair}: {count}" for pair, count in pairs.most_common()]
        lines += [f"      {v.page.url} {v.page.id}" for v in same[:examples]]
    return lines, fine


def their_verdicts(pages: Sequence[Page], peers: Path) -> list[dict[str, Any]]:
    """Run datatrove on the pages in its environment."""
    python = peers / "datatrove" / "bin" / "python"
    if not python.exists():
        raise SystemExit(f"datatrove is absent: no {python}; benchmarks/peers/make_environment makes it")
    with tempfile.TemporaryDirectory(prefix="parity ") as folder:
        documents, verdicts = Path(folder) / "documents.jsonl", Path(folder) / "verdicts.jsonl"
        documents.write_text("".join(json.dumps(vars(page)) + "\n" for page in pages), encoding="utf-8")
        command = [str(python), "-m", "benchmarks.peers.verdicts_datatrove", str(documents), str(verdicts)]
        subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
        return [json.loads(line) for line in verdicts.read_text(encoding="utf-8").splitlines()]


def main() -> int:
    """Compare and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crawls", required=True, nargs="+", help="crawl files, or folders of them")
    parser.add_argument("--peers", default=str(CACHE / "peers"), help="folder of the peers' environments")
    parser.add_argument("--verdicts", help="JSONL of verdicts_datatrove for the same pages, instead of running it")
    parser.add_argument(
        "--examples", type=int, default=0, help="pages to name, of those that differ with the same words"
    )
    arguments = parser.parse_args()
    pages = [page for page in read_pages(arguments.crawls) if page.language == "en"]
    if arguments.verdicts:
        found = [json.loads(line) for line in Path(arguments.verdicts).read_text(encoding="utf-8").split("\n") if line]
    else:
        found = their_verdicts(pages, Path(arguments.peers))
    lines, fine = report(list(compared(pages, found)), arguments.examples)
    print(f"{len(pages)} English pages, {os.cpu_count()} cores", *lines, sep="\n")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())

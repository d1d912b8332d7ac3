"""Generated documents through the whole clean pass: `python benchmarks/fuzz.py [--documents N] [--seed S] [--bounds]`.

Two plans: the default recipe's, and one with every editor and filter that there is. What must hold is in
`fuzz_checks.py`. Each chunk runs in a process of its own, so that a crash of native code or a hang is found too; the
first fault of a chunk is reported with seed and number, and with the smallest page that still shows it. Exit status 1.
"""

import argparse
import contextlib
import multiprocessing
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path.insert(0, str(PROJECT))

from benchmarks.fuzz_checks import Check, faults_of, plans  # noqa: E402 - the project's folder is on the path by now
from benchmarks.fuzz_pages import Page, page  # noqa: E402

CHUNK = 250
HANG_SECONDS = 120.0  # for a chunk; a page takes milliseconds
_TELL_EVERY = 2_000
MOST_TRIES = 300  # of the shrinking
_CONTEXT = multiprocessing.get_context("fork")  # kernels compiled once, before


@dataclass(frozen=True)
class Fault:
    """A page that broke something: which, what, and the smallest page found that still does."""

    plan: str
    number: int
    kind: str
    what: str
    smallest: Page


@dataclass(frozen=True)
class Verdict:
    """What came of some pages: the first fault, if any, and CPU seconds with it."""

    fault: str | None
    at: int | None
    seconds: float
    kept: int


def in_a_process(check: Check, pages: Sequence[Page], *, salt: int, limit: float = HANG_SECONDS) -> Verdict:
    """Run the checks over some pages in a child, which may die of them or hang."""
    here, there = _CONTEXT.Pipe(duplex=False)
    child = _CONTEXT.Process(target=_child, args=(check, pages, salt, limit, there))
    child.start()
    there.close()
    verdict = None
    with contextlib.suppress(EOFError):
        # Seconds of CPU decide, so that a busy machine finds nothing; the wall is for what sleeps.
        verdict = here.recv() if here.poll(limit * 20) else None
    child.kill()
    child.join()
    here.close()
    if verdict is not None:
        return verdict
    if child.exitcode in (-signal.SIGXCPU, -signal.SIGKILL):
        return Verdict(f"no end within {limit:g} CPU s", None, limit, 0)
    return Verdict(f"the process died (exit status {child.exitcode})", None, 0.0, 0)


def _child(check: Check, pages: Sequence[Page], salt: int, limit: float, there: Any) -> None:
    used, most = time.process_time(), resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(used + limit) + 1, most))
    # What native code prints of itself is no part of the report.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stderr__.fileno() if sys.__stderr__ else 2)
    fault, at, kept = check(pages, salt)
    there.send(Verdict(fault, at, time.process_time() - used, kept))
    there.close()


def culprit(fails: Callable[[Sequence[Page]], bool], pages: Sequence[Page]) -> int:
    """Index of a page that fails alone; of the first one where only several together do."""
    return next((n for n, one in enumerate(pages) if fails([one])), 0)


def shrunken(fails: Callable[[Page], bool], found: Page) -> Page:
    """The smallest page that still fails: columns emptied, then ever smaller pieces of the payload cut out."""
    left = MOST_TRIES
    for changes in ([{"headers": ()}], [{"url": None}], [{"content_type": None}, {"content_type": "text/html"}]):
        simpler = [replace(found, **change) for change in changes]  # type: ignore[arg-type]
        found = next((one for one in simpler if one != found and fails(one)), found)
    step = len(found.payload or b"") // 2
    while step and left > 0:
        at = 0
        while at < len(found.payload or b"") and left > 0:
            data = found.payload or b""
            smaller = replace(found, payload=data[:at] + data[at + step :])
            left -= 1
            if fails(smaller):
                found = smaller
            else:
                at += step
        step //= 2
    return found


def first_fault(
    name: str, check: Check, pages: Sequence[Page], *, start: int, limit: float
) -> tuple[Fault | None, Verdict]:
    """Run a chunk; where it fails, find the page and shrink it."""
    verdict = in_a_process(check, pages, salt=start, limit=limit)
    if verdict.fault is None:
        return None, verdict

    def fails(some: Sequence[Page]) -> bool:
        again = in_a_process(check, some, salt=start, limit=limit)
        return again.fault is not None and _sort(again.fault) == _sort(verdict.fault)

    at = verdict.at if verdict.at is not None and fails([pages[verdict.at]]) else culprit(fails, pages)
    alone = fails([pages[at]])
    smallest = shrunken(lambda one: fails([one]), pages[at]) if alone else pages[at]
    what = verdict.fault if alone else f"{verdict.fault} (only together with its neighbours)"
    return Fault(name, start + at, pages[at].kind, what, smallest), verdict


def _sort(fault: str | None) -> str:
    """Faults are of one sort if they begin alike, numbers aside: those differ from page to page."""
    return re.sub(r"\d+", "#", fault or "")[:25]


def chunks(documents: int, size: int) -> Iterator[tuple[int, int]]:
    """Start and length of each chunk."""
    for start in range(0, documents, size):
        yield start, min(size, documents - start)


def fuzz(
    checks: dict[str, Check], *, documents: int, seed: int, jobs: int = 1, chunk: int = CHUNK,
    limit: float = HANG_SECONDS, say: Callable[[str], None] = print,
) -> list[Fault]:  # fmt: skip
    """Run every check over all pages; prints figures, returns the faults (one a chunk)."""
    kinds: Counter[str] = Counter()
    size = 0
    faults: list[Fault] = []
    cpu, kept = dict.fromkeys(checks, 0.0), dict.fromkeys(checks, 0)

    def work(span: tuple[int, int]) -> tuple[list[Page], dict[str, tuple[Fault | None, Verdict]]]:
        start, length = span
        pages = [page(seed, start + n) for n in range(length)]
        found = {name: first_fault(name, c, pages, start=start, limit=limit) for name, c in checks.items()}
        return pages, found

    started = time.monotonic()
    with ThreadPoolExecutor(jobs) as pool:
        for pages, found in pool.map(work, chunks(documents, chunk)):
            kinds.update(one.kind for one in pages)
            if kinds.total() // _TELL_EVERY > (kinds.total() - len(pages)) // _TELL_EVERY:
                print(f"{kinds.total():,} of {documents:,} pages, {len(faults)} faults", file=sys.stderr, flush=True)
            size += sum(len(one.payload or b"") for one in pages)
            for name, (fault, verdict) in found.items():
                cpu[name] += verdict.seconds
                kept[name] += verdict.kept
                if fault is not None:
                    faults.append(fault)
                    say(told(fault, seed))
    say(f"{documents:,} pages, {size / 1e6:,.1f} MB, seed {seed}: {', '.join(f'{n:,} {k}' for k, n in kinds.items())}")
    for name in checks:
        rate = size / 1e6 / cpu[name] if cpu[name] else 0.0
        say(f"{name}: {cpu[name]:,.1f} CPU s, {rate:.2f} MB/s, checks included; {kept[name]:,} kept")
    say(f"{len(faults)} faults; {time.monotonic() - started:,.0f} s wall on {jobs} processes")
    return faults


def told(fault: Fault, seed: int) -> str:
    """A fault as a person can make it again."""
    small = fault.smallest
    data = small.payload if small.payload is None or len(small.payload) <= 400 else small.payload[:400] + b" (cut here)"
    return (
        f"FAULT {fault.plan}: page({seed}, {fault.number}), kind {fault.kind}: {fault.what}\n"
        f"  smallest: payload={data!r} ({len(small.payload or b''):,} bytes) content_type={small.content_type!r} "
        f"url={small.url!r}"[:2000]
    )


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument(
        "--extractors", type=int, default=2_000, help="pages for each extractor that is not the default"
    )
    parser.add_argument("--bounds", action="store_true", help="kernels check their indices; compiles all anew, slower")
    arguments = parser.parse_args()
    if arguments.bounds and "NUMBA_BOUNDSCHECK" not in os.environ:
        # Numba reads this when it is imported, and would take kernels without checks from the cache.
        with tempfile.TemporaryDirectory(prefix="kernels ") as cache:
            checked = os.environ | {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": cache}
            return subprocess.run([sys.executable, *sys.argv], env=checked, check=False).returncode
    wanted, others, left_out = plans(PROJECT / "recipes" / "default.yaml")
    print(f"left out, for they need a parameter: {', '.join(left_out) or 'none'}")
    # Kernels are compiled and models loaded here, once, on pages that are harmless.
    harmless = [one for one in (page(-1, number) for number in range(200)) if one.kind == "prose"]
    for plan in (*wanted.values(), *others.values()):
        faults_of(plan)(harmless, 0)
    checks = {name: faults_of(plan) for name, plan in wanted.items()}
    faults = fuzz(checks, documents=arguments.documents, seed=arguments.seed, jobs=arguments.jobs)
    if others:
        rest = {name: faults_of(plan) for name, plan in others.items()}
        faults += fuzz(rest, documents=arguments.extractors, seed=arguments.seed, jobs=arguments.jobs)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

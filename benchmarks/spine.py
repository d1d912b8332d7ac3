"""Where the time of a run goes: `python -m benchmarks.spine [--crawls DIR] [--documents N]`, tables on standard output.

Runs the sample (twice: the second time nothing is new), with `--crawls` the snapshots below DIR one after the other
with rewriting off, and with `--documents` one snapshot of N texts made of their lines. Prints wall and CPU seconds of
each command and the seconds of each phase: stage, gate, publication (the copy into place), ledger and report. The share
of gate and ledger is over all phases. In bytes, the ledger is its two tables, the records and the logs that hold them,
and the digests of files; it is compared with all that the lake holds.
"""

import argparse
import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import yaml

from benchmarks.documents import read_pages

PROJECT = Path(__file__).resolve().parent.parent
_EVERY_SECONDS = 0.5
_DOCUMENT_BYTES = 2000
_RUN_OF_LINES = 3
LAKE = frozenset({"tables", "records", "seals"})
PHASES = ("prepare", "stage", "gate", "publish", "ledger", "report")


def timed(words: Sequence[str]) -> tuple[dict[str, Any], float, float]:
    """Run `provender`, give its JSON, wall seconds, and CPU seconds of all its processes (the JVM and workers too)."""
    started, used = time.monotonic(), {}
    with tempfile.TemporaryFile("w+") as out:
        run = psutil.Popen([str(PROJECT / "provender"), *words, "--json"], stdout=out)
        while run.poll() is None:
            used.update(_cpu(run))
            time.sleep(_EVERY_SECONDS)
        wall = time.monotonic() - started
        if run.returncode:
            raise SystemExit(run.returncode)
        out.seek(0)
        return json.load(out), wall, sum(used.values())


def _cpu(run: psutil.Popen) -> dict[tuple[int, float], float]:
    """CPU seconds so far of a process and all below it, by process; one that ends is counted as last seen."""
    found = {}
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in (run, *run.children(recursive=True)):
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                found[process.pid, process.create_time()] = times.user + times.system
    return found


def show(title: str, report: dict[str, Any], wall: float, cpu: float) -> None:
    """One block a command."""
    print(
        f"\n{title}: {wall:.0f} s wall, {cpu:.0f} s CPU on {os.cpu_count()} cores; release {report['release']['name']}"
    )
    print(f"  {'table':<26}{'rows':>9} " + "".join(f"{phase:>10}" for phase in PHASES))
    totals = dict.fromkeys(PHASES, 0.0)
    for row in report["built"]:
        seconds = {phase: row["seconds"].get(phase, 0.0) for phase in PHASES}
        totals = {phase: totals[phase] + seconds[phase] for phase in PHASES}
        name = f"{row['asset']}/{row['partition'] or ''}"
        print(f"  {name:<26}{row.get('row_count', ''):>9} " + "".join(f"{seconds[p]:>10.1f}" for p in PHASES))
    everything = sum(totals.values())
    if everything:
        share = 100 * (totals["gate"] + totals["ledger"]) / everything
        tables = max(1, sum("row_count" in row for row in report["built"]))
        print(f"  {'all':<36}" + "".join(f"{totals[p]:>10.1f}" for p in PHASES))
        print(
            f"  gate and ledger: {share:.1f} % of the phases, "
            f"{(totals['gate'] + totals['ledger']) / tables:.1f} s a table; "
            f"ledger alone {100 * totals['ledger'] / everything:.1f} %"
        )


def show_bytes(home: Path) -> None:
    """What the ledger, the records and the seals add to the lake."""
    sizes = {file.relative_to(home): file.stat().st_size for file in home.rglob("*") if file.is_file()}
    lake = {path: size for path, size in sizes.items() if path.parts[0] in LAKE}
    added = sum(size for path, size in lake.items() if _is_ledger(path))
    whole = sum(lake.values())
    share = 100 * added / whole
    print(f"  ledger, records, logs and seals: {added / 1e6:.2f} of {whole / 1e6:.2f} MB, {share:.1f} %")


def _is_ledger(path: Path) -> bool:
    tables = path.parts[0] == "tables"
    return not tables or path.parts[1] in {"publications", "audits"} or "_delta_log" in path.parts


def without_rewriting(folder: Path) -> Path:
    """The default recipe with the rewriting budget at 0."""
    recipe = yaml.safe_load((PROJECT / "recipes" / "default.yaml").read_text(encoding="utf-8"))
    recipe["rewritten"]["budget"]["documents"] = 0
    path = folder / "no-rewriting.yaml"
    path.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    return path


def recombined(crawls: str, count: int) -> Iterator[dict[str, str]]:
    """`count` English documents of about 2 kB, each of short runs of lines that a hash draws from all pages.

    So they are as long and as clean as web text and no two are alike, however many are asked for.
    """
    lines = [line for page in read_pages([crawls]) if page.language == "en" for line in page.text.splitlines() if line]
    for number in range(count):
        held, turn, taken = 0, 0, []
        while held < _DOCUMENT_BYTES:
            drawn = hashlib.blake2b(f"{number} {turn}".encode(), digest_size=8).digest()
            start = int.from_bytes(drawn, "big") % len(lines)
            run = lines[start : start + _RUN_OF_LINES]
            taken += run
            held += sum(map(len, run))
            turn += 1
        yield {"id": str(number), "url": f"https://h{number % 997}.example/{number}", "text": "\n".join(taken)}


def written(documents: Iterator[dict[str, str]], folder: Path, files: int = 8) -> Path:
    """The documents as JSON lines, dealt to some files so that the readers have something to share."""
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        names = [folder / f"part-{n}.jsonl" for n in range(files)]
        outs = [stack.enter_context(name.open("w", encoding="utf-8")) for name in names]
        for number, document in enumerate(documents):
            outs[number % files].write(json.dumps(document, ensure_ascii=False) + "\n")
    return folder


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crawls", help="folder with one folder of crawl files a snapshot")
    parser.add_argument("--no-sample", action="store_true", help="leave the sample out")
    parser.add_argument("--no-crawls", action="store_true", help="use the crawls only as a source of lines")
    parser.add_argument("--documents", type=int, help="also a snapshot of so many texts, made of lines of the crawls")
    arguments = parser.parse_args()
    if arguments.documents and not arguments.crawls:
        parser.error("--documents takes its lines from --crawls")
    folder = Path(tempfile.mkdtemp(prefix="spine "))
    try:
        if not arguments.no_sample:
            home = ["--home", str(folder / "sample")]
            show("sample, first run", *timed(["run", *home]))
            show("sample, nothing new", *timed(["run", *home]))
            show_bytes(folder / "sample")
        recipe = without_rewriting(folder)
        if arguments.crawls and not arguments.no_crawls:
            for crawl in sorted(Path(arguments.crawls).iterdir()):
                words = ["run", "--home", str(folder / "crawls"), "--recipe", str(recipe), "--input", str(crawl)]
                show(crawl.name, *timed(words))
        if arguments.documents:
            made = written(recombined(arguments.crawls, arguments.documents), folder / "documents")
            words = ["run", "--home", str(folder / "many"), "--recipe", str(recipe), "--input", str(made)]
            show(f"{arguments.documents:,} documents", *timed(words))
            show_bytes(folder / "many")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

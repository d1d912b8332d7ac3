"""Documents and MB a second and core, this engine beside its peers: `python -m benchmarks.cleaning --crawls DIR`.

All subjects see the same documents, one core each, and are timed by the CPU seconds of all their processes; the median
of the repeats is printed, with each subject's ratio to the fastest peer that does as much. Peers run in environments of
their own (`benchmarks/peers/make_environment`); one that is not there is reported as absent.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.cleaning import passes, subjects
from benchmarks.documents import CACHE, PROJECT, Page, cut_documents, read_pages
from orchestration.spark_session import build_session
from spark_jobs.text.language import model_file

PEERS = (
    # name, environment, module, arguments, whether languages and URLs are looked at too
    ("datatrove, all through all filters", "datatrove", "run_datatrove", ("--mode", "all"), False),
    ("datatrove, short-circuit", "datatrove", "run_datatrove", ("--mode", "short-circuit"), False),
    ("Data-Juicer, fused", "data-juicer", "run_data_juicer", (), False),
    ("datatrove with language and URL, all", "datatrove", "run_datatrove", ("--mode", "all"), True),
    ("datatrove with language and URL, short-circuit", "datatrove", "run_datatrove", ("--mode", "short-circuit"), True),
    ("Data-Juicer with language, fused", "data-juicer", "run_data_juicer", (), True),
)


@dataclass(frozen=True)
class Figure:
    """CPU seconds of a subject, one entry a run; `full` where it looks at languages and URLs too."""

    name: str
    full: bool
    theirs: bool
    documents: int
    bytes: int
    seconds: tuple[float, ...]

    @property
    def rate(self) -> float:
        """MB a second, by the median."""
        return self.bytes / 1e6 / statistics.median(self.seconds)

    def line(self, fastest: float | None) -> str:
        """One row of the table."""
        middle = statistics.median(self.seconds)
        spread = f"{min(self.seconds):.2f}-{max(self.seconds):.2f}"
        ratio = f"{self.rate / fastest:8.1f}" if fastest else "       -"
        return f"{self.name:<62}{ratio}{self.documents / middle:>12,.0f}{self.rate:>9.2f}{middle:>9.2f}  {spread}"


def peers(folder: Path, documents: Path, arguments: argparse.Namespace) -> Iterator[Figure]:
    """Every peer that is there, each run a process of its own."""
    for name, environment, module, extra, full in PEERS:
        python = Path(arguments.peers) / environment / "bin" / "python"
        if not python.exists():
            print(f"{name}: absent, no environment {python.parent.parent}; benchmarks/peers/make_environment makes it")
            continue
        model = ("--model", str(model_file(None))) if full else ()
        command = [str(python), "-m", f"benchmarks.peers.{module}", str(documents), *extra, *model]
        runs = []
        for _ in range(arguments.peer_repeat):
            done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
            if done.returncode:
                (folder / "error.txt").write_text(done.stderr)
                print(f"{name}: failed with exit status {done.returncode}: {done.stderr.strip().splitlines()[-1]}")
                break
            runs.append(json.loads(done.stdout.strip().splitlines()[-1]))
        if runs:
            seconds = tuple(run["cpu_seconds"] for run in runs)
            yield Figure(name, full, True, runs[0]["documents"], runs[0]["bytes"], seconds)


def ours(path: Path, size: tuple[int, int], repeat: int) -> Iterator[Figure]:
    """This engine without Spark and in a Spark task, and row UDFs in the same session."""
    for name, subject in subjects.without_spark(path):
        yield Figure(f"ours: {name}, no Spark", _is_full(name), False, *size, tuple(subjects.measured(subject, repeat)))
    spark = build_session(master="local[1]", driver_memory="2g")
    try:
        for name, subject in subjects.in_spark(path, spark):
            yield Figure(f"ours: {name}", _is_full(name), False, *size, tuple(subjects.measured(subject, repeat)))
        for name, subject in subjects.row_udfs(path, spark):
            yield Figure(name, False, True, *size, tuple(subjects.measured(subject, 1)))
    finally:
        spark.stop()


def _is_full(name: str) -> bool:
    return not name.startswith(("heuristics", "Arrow"))


def table(figures: Sequence[Figure]) -> Iterator[str]:
    """The figures; the ratio is to the fastest peer of the same group."""
    yield f"{'':<62}{'ratio':>8}{'documents/s':>12}{'MB/s':>9}{'CPU s':>9}  min-max"
    for full in (False, True):
        group = [figure for figure in figures if figure.full == full]
        fastest = max((figure.rate for figure in group if figure.theirs), default=None)
        for figure in sorted(group, key=lambda figure: figure.theirs):
            yield figure.line(fastest)


def written(documents: Sequence[Page], folder: Path) -> Path:
    """The documents as JSON lines, for the peers."""
    path = folder / "documents.jsonl"
    path.write_text("".join(json.dumps(vars(page), ensure_ascii=False) + "\n" for page in documents), encoding="utf-8")
    return path


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crawls", required=True, nargs="+", help="crawl files, or folders of them")
    parser.add_argument("--documents", type=int, default=5000, help="documents of about 2 kB for this engine")
    parser.add_argument("--peer-documents", type=int, default=1000, help="of these, for the peers and UDFs")
    parser.add_argument("--language", default="en", help="pages of this language by lid.176; all: every page")
    parser.add_argument("--repeat", type=int, default=5, help="runs of this engine")
    parser.add_argument("--peer-repeat", type=int, default=2, help="runs of a peer")
    parser.add_argument("--peers", default=str(CACHE / "peers"), help="folder of the peers' environments")
    parser.add_argument("--no-peers", action="store_true", help="this engine and the UDFs only")
    arguments = parser.parse_args()
    pages = read_pages(arguments.crawls)
    chosen = [page for page in pages if arguments.language in ("all", page.language)]
    documents = cut_documents(chosen, count=arguments.documents)
    size = sum(len(page.text.encode()) for page in documents)
    print(
        f"{len(documents)} documents, {size / 1e6:.1f} MB, language {arguments.language}, "
        f"for peers the first {arguments.peer_documents}; {os.cpu_count()} cores, one used; CPU of all processes"
    )
    with tempfile.TemporaryDirectory(prefix="cleaning ") as name:
        folder = Path(name)
        pq.write_table(passes.arrow_table(documents), folder / "documents.parquet", compression="zstd")
        figures = list(ours(folder / "documents.parquet", (len(documents), size), arguments.repeat))
        if not arguments.no_peers:
            share = documents[: arguments.peer_documents]
            figures += peers(folder, written(share, folder), arguments)
    print("\n".join(table(figures)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

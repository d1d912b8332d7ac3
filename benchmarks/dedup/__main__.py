"""Near-duplicates, this engine beside its peers: `python -m benchmarks.dedup [--documents N ...]`; tables on stdout.

Corpora with planted truth are made once below .benchmarks/dedup. Every subject is a process of its own, warmed up on a
small corpus, timed by the CPU seconds of all its processes, and judged by the same independent code. Peers run in
environments of their own (`benchmarks/peers/make_environment`); one that is not there is reported as absent.
`--incremental` and `--extremes` measure growth and bad input of this engine instead.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow.dataset as ds
import pyarrow.json
import pyarrow.parquet as pq

from benchmarks.dedup import corpus, extremes, incremental, truth
from benchmarks.dedup.engine import session, settings
from benchmarks.documents import CACHE, PROJECT
from benchmarks.measuring import peak_memory

SEED = 11
WARM_UP = 1_000
ENGINE = "this engine"
# name, environment of the peer (None: the project's), module
SUBJECTS: tuple[tuple[str, str | None, str], ...] = (
    (ENGINE, None, "benchmarks.dedup.engine"),
    (f"{ENGINE}, 14 bands of 8", None, "benchmarks.dedup.engine"),
    ("datatrove, four stages", "datatrove", "benchmarks.peers.dedup_datatrove"),
    ("text-dedup, minhash", "text-dedup", "benchmarks.peers.dedup_text_dedup"),
    ("row-at-a-time UDFs on Spark", None, "benchmarks.dedup.row_udfs"),
)


@dataclass(frozen=True)
class Figure:
    """What one subject used and how good its result is."""

    name: str
    documents: int
    cpu_seconds: float
    peak_bytes: int
    quality: dict[str, Any]

    @property
    def rate(self) -> float:
        """Documents a second and core."""
        return self.documents / self.cpu_seconds

    def line(self, fastest: float | None) -> str:
        """One row of the table."""
        recall, precision = self.quality["recall"], self.quality["precision"]
        shown = [f"{recall['all']:8.4f}", *(f"{recall[name]:8.4f}" for name in ("2", "3-9", "10-99", "100+"))]
        shown += [f"{precision[name]:10.4f}" if precision[name] is not None else f"{'-':>10}"
                  for name in ("linked", "nearest", "survivor")]  # fmt: skip
        ratio = f"{self.rate / fastest:7.1f}" if fastest else f"{'-':>7}"
        numbers = f"{self.rate:9,.0f}{self.cpu_seconds:9.1f}{self.peak_bytes / 1e6:9,.0f}{precision['removed']:9,}"
        return f"{self.name:<30}{ratio}{numbers}{''.join(shown)}"


HEADER = (
    f"{'':<30}{'ratio':>7}{'docs/s':>9}{'CPU s':>9}{'MB':>9}{'removed':>9}"
    f"{'recall':>8}{'size 2':>8}{'3-9':>8}{'10-99':>8}{'100+':>8}{'linked':>10}{'nearest':>10}{'survivor':>10}"
)


def corpus_of(arguments: argparse.Namespace, sizes: Sequence[int]) -> dict[int, Path]:
    """Where the corpora lie; those that are not there are made."""
    places = {size: CACHE / "dedup" / f"documents-{size}-{SEED}-{corpus.VERSION}" for size in sizes}
    missing = {size: place for size, place in places.items() if not (place / "_SUCCESS").exists()}
    if missing:
        with tempfile.TemporaryDirectory(prefix="corpus ") as scratch:
            spark = session(Path(scratch), arguments)
            for size, place in missing.items():
                corpus.write(spark, str(place), size, SEED)
            spark.stop()
    return places


def as_lines(place: Path) -> Path:
    """A folder with the same documents as JSON lines (id, text)."""
    folder = place.with_name(f"{place.name}-lines")
    if not folder.exists():
        made = place.with_name(f"{place.name}-lines-unfinished")
        made.mkdir(exist_ok=True)
        with (made / "documents.jsonl").open("w", encoding="utf-8") as lines:
            for batch in ds.dataset(place).to_batches(columns=["doc_id", "text"]):
                rows = zip(batch["doc_id"].to_pylist(), batch["text"].to_pylist(), strict=True)
                lines.writelines(json.dumps({"id": one, "text": text}) + "\n" for one, text in rows)
        made.rename(folder)
    return folder


def run(command: Sequence[str]) -> tuple[dict[str, Any] | None, int]:
    """The last line of a subject, as JSON, and the peak of the memory of all its processes."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        process = psutil.Popen(list(command), cwd=PROJECT, stdout=out, stderr=errors)
        with peak_memory(process) as peak:
            status = process.wait()
        out.seek(0)
        errors.seek(0)
        if status:
            print(f"  failed with exit status {status}:\n{errors.read()[-4000:]}", file=sys.stderr)
            return None, 0
        if "--profile" in command:
            print(errors.read().rstrip())
        return json.loads(out.read().strip().splitlines()[-1]), peak.bytes


def figures(arguments: argparse.Namespace, place: Path, warm_up: Path) -> Iterator[Figure]:
    """Every subject that is there and was asked for, on one corpus."""
    for name, environment, module in SUBJECTS:
        if arguments.subjects and not any(wanted in name for wanted in arguments.subjects):
            continue
        python = Path(arguments.peers) / environment / "bin" / "python" if environment else Path(sys.executable)
        if not python.exists():
            print(f"{name}: absent, no environment {python.parent.parent}; benchmarks/peers/make_environment makes it")
            continue
        with tempfile.TemporaryDirectory(prefix="dedup ") as folder:
            result = Path(folder) / "result"
            lines = environment == "datatrove"
            command = [str(python), "-m", module, str(as_lines(place) if lines else place), str(result)]
            if environment:
                command += ["--warm-up", str(as_lines(warm_up) if lines else warm_up)]
            else:
                command += ["--cores", str(arguments.cores), "--memory", arguments.memory]
                command += ["--conf", *arguments.conf] if arguments.conf else []
            if module.endswith("engine"):
                section = arguments.section if name == ENGINE else {}  # FineWeb's bands are the defaults
                command += ["--section", json.dumps(section), *(["--profile"] if arguments.profile else [])]
            began = time.monotonic()
            said, peak = run(command)
            if said is None:
                continue
            table = pyarrow.json.read_json(result) if lines else pq.read_table(result)
            quality = truth.judge(place, truth.Result.of(table))
            facts = json.dumps(said.get("facts", {}))
            print(f"{name}: {time.monotonic() - began:.0f} s in all, {facts}", file=sys.stderr)
            yield Figure(name, said["documents"], said["cpu_seconds"], said.get("peak_bytes") or peak, quality)


def main() -> int:
    """Measure and print."""
    parser = settings(argparse.ArgumentParser(description=__doc__))
    parser.add_argument("--documents", type=int, nargs="+", default=[10_000], help="sizes of the corpora")
    parser.add_argument("--subjects", nargs="*", help="parts of the names of those to run (default: all)")
    parser.add_argument("--peers", default=str(CACHE / "peers"), help="folder of the peers' environments")
    parser.add_argument("--profile", action="store_true", help="CPU seconds of this engine by step")
    parser.add_argument("--incremental", type=int, metavar="N", help="add a snapshot of N documents to earlier ones")
    parser.add_argument("--extremes", nargs="*", metavar="CASE", help="bad input of this engine: all or those named")
    arguments = parser.parse_args()
    if arguments.incremental:
        return incremental.measure(arguments)
    if arguments.extremes is not None:
        return extremes.measure(arguments)
    places = corpus_of(arguments, [*arguments.documents, WARM_UP])
    for size in arguments.documents:
        measured = list(figures(arguments, places[size], places[WARM_UP]))
        fastest = max((figure.rate for figure in measured if not figure.name.startswith(ENGINE)), default=None)
        print(f"\n{size:,} documents of about 2 kB, {os.cpu_count()} cores; documents a second a core by CPU seconds")
        print(HEADER)
        print("\n".join(figure.line(fastest) for figure in measured), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

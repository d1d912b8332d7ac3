"""Megabytes of text a second of each editor: `python -m benchmarks.editors CRAWLS [--cache FILE] [NAME...]`.

CRAWLS is a folder of WARC files, read and extracted as the default recipe does (kept in FILE for the next time). Texts
go through in batches of 8 MB; CPU seconds of one process, the best of several rounds, since other work on the machine
makes them longer. "Clean" are the texts that none of the editors changes.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from fastwarc.warc import ArchiveIterator, WarcRecordType
from pyarrow import feather

from spark_jobs.operators import registry
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.language import identify
from spark_jobs.text.markup import PayloadBatch
from spark_jobs.text.urls import host_of

DEFAULT = ("ftfy_repair", "unicode_form", "whitespace", "pipe_lines", "citation_marks", "mask_pii")
_BATCH_BYTES = 8 << 20
_ROUNDS = 3


def extracted(folder: Path) -> pa.Table:
    """Main texts of the response records of all WARC files, with the host of each."""
    extractor = registry.build("extractors", "resiliparse_text")
    texts, hosts = [], []
    for path in sorted(folder.rglob("*.warc*")):
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
                url = record.headers.get("WARC-Target-URI")
                kind = record.http_headers.get("Content-Type") if record.http_headers else None
                (text,) = extractor.extract(PayloadBatch([record.reader.read()], [kind], [url])).texts
                if text:
                    texts.append(text)
                    hosts.append(host_of(url))
    language = identify(pa.array(texts, pa.large_string()), "lid.176", alternatives=1.0, max_chars=2000).language
    return pa.table({"text": pa.array(texts, pa.large_string()), "host": hosts, "language": language})


def batches(table: pa.Table) -> Iterator[TextBatch]:
    """The texts in batches of about 8 MB."""
    whole = table.combine_chunks()
    sizes = np.cumsum(pc.binary_length(whole["text"]).to_numpy())
    cuts = [0, *(np.flatnonzero(np.diff(sizes // _BATCH_BYTES)) + 1).tolist(), len(sizes)]
    for begin, end in pairwise(cuts):
        rows = whole.slice(begin, end - begin)
        others = {name: rows[name].combine_chunks() for name in rows.column_names if name != "text"}
        yield TextBatch.of(rows["text"], **others)


def measured(editor: Any, table: pa.Table) -> tuple[float, np.ndarray[Any, Any]]:
    """Best CPU seconds of all batches, and edits by row."""
    seconds, counts = [], []
    for batch in batches(table):
        best = []
        for _ in range(_ROUNDS):
            begin = time.process_time()
            edited = editor.edit(batch)
            best.append(time.process_time() - begin)
        seconds.append(min(best))
        counts.append(edited.counts)
    return sum(seconds), np.concatenate(counts)


def main() -> int:
    """Print a line an editor, for all texts and for the clean ones, and their sums."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("crawls", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("names", nargs="*", default=list(DEFAULT))
    arguments = parser.parse_args()
    cached = arguments.cache and arguments.cache.exists()
    table = feather.read_table(arguments.cache) if cached else extracted(arguments.crawls)
    if arguments.cache and not cached:
        feather.write_feather(table, str(arguments.cache))
    editors = {name: registry.build("editors", name) for name in arguments.names}
    touched = np.zeros(len(table), dtype=bool)
    for title in ("all texts", "clean texts"):
        rows = table if title == "all texts" else table.filter(pa.array(~touched))
        size = pc.sum(pc.binary_length(rows["text"])).as_py() / 1e6
        print(f"\n{title}: {len(rows):,}, {size:.1f} MB")
        print(f"{'editor':<18}{'ms a MB':>9}{'MB a s':>9}{'texts changed':>15}{'edits':>9}")
        whole = 0.0
        for name, editor in editors.items():
            seconds, counts = measured(editor, rows)
            whole += seconds
            if title == "all texts":
                touched |= counts > 0
            speed = f"{1e3 * seconds / size:>9.2f}{size / seconds:>9.0f}"
            print(f"{name:<18}{speed}{int((counts > 0).sum()):>15,}{int(counts.sum()):>9,}")
        print(f"{'together':<18}{1e3 * whole / size:>9.2f}{size / whole:>9.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

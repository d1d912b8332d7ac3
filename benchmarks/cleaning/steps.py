"""Where the clean pass spends its CPU seconds, without Spark: `python -m benchmarks.cleaning.steps --crawls DIR`.

The documents and steps of `benchmarks.cleaning`; the least of several runs for each step and view. Views (words, ...)
are made within the first step that asks for them and are counted there too; each edit makes them anew.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from benchmarks.cleaning import passes
from benchmarks.documents import cut_documents, read_pages
from spark_jobs.stages import clean_pass
from spark_jobs.text import batch as views

Seconds = dict[str, float]
# module, function, and what names the line.
TIMED: tuple[tuple[Any, str, Callable[[Sequence[Any]], str]], ...] = (
    (passes, "identify", lambda _: "language"),
    (clean_pass, "_edit", lambda given: f"edit {given[0].name}"),
    (clean_pass, "_measure", lambda given: f"measure {given[0].name}"),
    (clean_pass, "_assembled", lambda _: "columns of the result"),
    (clean_pass, "hosts_of", lambda _: "hosts"),
    (views, "decode", lambda _: "  view: characters"),
    (views.words, "split_words", lambda _: "  view: words"),
    (views.segmentation, "segment", lambda _: "  view: words of scripts without spaces"),
)


@contextmanager
def timed(seconds: Seconds) -> Iterator[None]:
    """Add up the CPU seconds of the functions of `TIMED`."""

    def around(function: Callable[..., Any], name: Callable[[Sequence[Any]], str]) -> Callable[..., Any]:
        def run(*given: Any, **named: Any) -> Any:
            began = time.process_time()
            result = function(*given, **named)
            seconds[name(given)] += time.process_time() - began
            return result

        return run

    with ExitStack() as patches:
        for module, function, name in TIMED:
            patches.enter_context(patch.object(module, function, around(getattr(module, function), name)))
        yield


def measured(run: passes.TextPass, batches: Sequence[pa.RecordBatch], repeat: int) -> Seconds:
    """The least CPU seconds of each line."""
    least: Seconds = {}
    for number in range(repeat + 1):
        seconds: Seconds = defaultdict(float)
        with timed(seconds):
            began = time.process_time()
            for batch in batches:
                run.rows(batch)
            seconds["all"] = time.process_time() - began
        if number:  # the first run compiles
            least = {name: min(spent, least.get(name, spent)) for name, spent in seconds.items()}
    return least


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--crawls", required=True, nargs="+", help="crawl files, or folders of them")
    parser.add_argument("--documents", type=int, default=10_000, help="documents of about 2 kB")
    parser.add_argument("--language", default="en", help="pages of this language by lid.176; all: every page")
    parser.add_argument("--repeat", type=int, default=8)
    arguments = parser.parse_args()
    pages = [page for page in read_pages(arguments.crawls) if arguments.language in ("all", page.language)]
    documents = cut_documents(pages, count=arguments.documents)
    batches = passes.arrow_table(documents).combine_chunks().to_batches(max_chunksize=passes.ROWS)
    size = sum(len(document.text.encode()) for document in documents)
    for title, steps, identifies in (("heuristics", passes.HEURISTICS, False), ("all", passes.EVERYTHING, True)):
        seconds = measured(passes.TextPass.of(steps, identifies=identifies), batches, arguments.repeat)
        print(f"{title}: {size / 1e6:.1f} MB, {size / 1e6 / seconds['all']:.1f} MB/s")
        for name, spent in sorted(seconds.items(), key=lambda pair: -pair[1]):
            print(f"{spent:8.3f} s  {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

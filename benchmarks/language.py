"""Accuracy and speed of language identification and of word splitting: `python benchmarks/language.py --data DIR`.

DIR holds `lid/udhr.jsonl.gz` (the Declaration of Human Rights by paragraph; only languages that lid.176 knows are
judged) and, for real pages, `manifest.jsonl.gz` beside `crawls/`: a page counts where its manifest line has a `lang`.
Times are CPU seconds of one core, best of three. Prints tables on standard output; `--model FILE` judges another model.
"""

import argparse
import gzip
import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from fastwarc.warc import ArchiveIterator

from spark_jobs.operators import registry
from spark_jobs.text import segmentation, words
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.fasttext_model import read_model
from spark_jobs.text.language import identify, label, label_by_library, model_file, utf8
from spark_jobs.text.markup import PayloadBatch

# ISO 639-3 of the declaration -> labels of lid.176 that are right: where it has no label for the variety, its language.
ALSO = {
    "cmn": ("zh",), "arb": ("ar",), "pes": ("fa",), "prs": ("fa",), "nob": ("no",), "nno": ("nn", "no"), "ekk": ("et",),
    "lvs": ("lv",), "zlm": ("ms",), "zsm": ("ms",), "swh": ("sw",), "khk": ("mn",), "azj": ("az",), "uzn": ("uz",),
    "als": ("sq",), "plt": ("mg",), "ydd": ("yi",),
    "npi": ("ne",), "ory": ("or",), "quz": ("qu",), "gug": ("gn",),
    "kmr": ("ku",), "pbt": ("ps",), "pbu": ("ps",), "hrv": ("hr", "sh"), "srp": ("sr", "sh"), "bos": ("bs", "sh", "hr"),
    "tgl": ("tl",), "fil": ("tl",), "gsw": ("als",), "ind": ("id", "ms"), "fry": ("fy",), "hat": ("ht",),
    "cat": ("ca",),
}  # fmt: skip
WINDOWS = (500, 1000, 2000, 100_000)


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    """Objects of a gzipped file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def best_of_three(work: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of the fastest of three calls, and what the last one gave."""
    seconds, result = [], None
    for _ in range(3):
        started = time.process_time()
        result = work()
        seconds.append(time.process_time() - started)
    return min(seconds), result


def accepted(row: dict[str, Any], known: set[str]) -> tuple[str, ...]:
    """Labels of the model that are right for a text of the declaration; none if it knows no such language."""
    code = str(row["iso639_3"])
    tagged = (str(row["bcp47"]).split("-")[0], code, *ALSO.get(code, ()))
    return tuple(sorted({name for name in tagged if name in known}))


def accuracy(title: str, found: Sequence[str], truths: Sequence[tuple[str, ...]]) -> None:
    """Micro and macro accuracy, and the pairs that are confused most."""
    right = [name in truth for name, truth in zip(found, truths, strict=True)]
    by_language: dict[str, list[bool]] = {}
    for truth, hit in zip(truths, right, strict=True):
        by_language.setdefault(truth[0], []).append(hit)
    macro = np.mean([np.mean(hits) for hits in by_language.values()])
    wrong = Counter(f"{t[0]}>{f}" for f, t, hit in zip(found, truths, right, strict=True) if not hit)
    print(
        f"{title:<44}{len(right):>7} texts {len(by_language):>4} languages"
        f"  micro {np.mean(right):.4f}  macro {macro:.4f}"
    )
    print("    most confused (true>found): " + ", ".join(f"{pair} {n}" for pair, n in wrong.most_common(12)))


def declaration(data: Path, model: str | None) -> list[dict[str, Any]]:
    """Accuracy on the declaration, by paragraph and by document; gives its rows."""
    arrays = read_model(str(model_file(model)))
    known = {name.partition("_")[0] for name in arrays.labels} if arrays else set()
    rows = list(rows_of(data / "lid" / "udhr.jsonl.gz"))
    judged = [(row, accepted(row, known)) for row in rows]
    judged = [(row, truth) for row, truth in judged if truth]
    print(f"declaration: {len(rows)} texts, {len(judged)} in a language that the model has a label for")
    paragraphs = [(p, truth) for row, truth in judged for p in row["paragraphs"] if any(c.isalpha() for c in p)]
    documents = [("\n".join(row["paragraphs"]), truth) for row, truth in judged]
    for chars in WINDOWS:
        for kind, texts in (("paragraph", paragraphs), ("document", documents)):
            found = identify(pa.array([text for text, _ in texts], pa.large_string()), model, max_chars=chars).language
            accuracy(f"  by {kind}, first {chars:,} characters", found, [truth for _, truth in texts])
    return rows


def pages(data: Path, model: str | None, most: int) -> list[str]:
    """Accuracy on pages of the crawls whose manifest line has a language; gives their texts."""
    by_crawl: dict[tuple[str, int], str] = {}
    for row in rows_of(data / "manifest.jsonl.gz"):
        if row.get("lang"):
            by_crawl[row["warc"], row["offset"]] = row["lang"]
    files = {path.name: path for path in (data / "crawls").rglob("*.warc.gz")}
    extractor = registry.build("extractors", "resiliparse_text")
    texts, truths = [], []
    for (name, offset), lang in sorted(by_crawl.items())[:: max(1, len(by_crawl) // most)]:
        if name in files:
            payload, kind = _response(files[name], offset)
            text = extractor.extract(PayloadBatch([payload], [kind], [None])).texts[0]
            if text and sum(c.isalpha() for c in text) >= 20:
                texts.append(text)
                truths.append((lang.split("-")[0].split("_")[0].lower(),))
    if not texts:
        print("pages: none found")
        return []
    for chars in WINDOWS:
        found = identify(pa.array(texts, pa.large_string()), model, max_chars=chars).language
        accuracy(f"  pages, first {chars:,} characters", found, truths)
    return texts


def _response(path: Path, offset: int) -> tuple[bytes, str | None]:
    with path.open("rb") as file:
        file.seek(offset)
        record = next(iter(ArchiveIterator(file, parse_http=True)))
        kind = record.http_headers.get("Content-Type") if record.http_headers else None
        return record.reader.read(), kind


def identification_speed(title: str, texts: list[str], model: str | None) -> None:
    """Megabytes a second of the kernel and of the library, with how far their scores lie apart."""
    array = pa.array(texts, pa.large_string())
    buffer, offsets = utf8(array)
    starts, ends, size = offsets[:-1].copy(), offsets[1:].copy(), len(buffer) / 1e6
    label(buffer, starts[:1], ends[:1], model, least=0.01)
    kernel, mine = best_of_three(lambda: label(buffer, starts, ends, model, least=0.01))
    library, theirs = best_of_three(lambda: label_by_library(buffer, starts, ends, str(model_file(model)), 0.01))
    whole, _ = best_of_three(lambda: identify(array, model))
    tops = [
        [s.names[s.numbers[i]] if j > i else "" for i, j in zip(s.offsets[:-1], s.offsets[1:], strict=True)]
        for s in (mine, theirs)
    ]  # fmt: skip
    batch = TextBatch.of(array, language=pa.array(identify(array, model).language))
    _ = batch.characters, batch.lines
    filter_ = registry.build("filters", "sentence_language")
    filter_.annotate(batch)
    sentences, _ = best_of_three(lambda: filter_.annotate(_fresh(batch)))
    print(
        f"  {title}: {len(texts)} texts, {size:.1f} MB; kernel {size / kernel:.1f} MB/s, "
        f"library {size / library:.1f} MB/s "
        f"({library / kernel:.1f} times), with script and lists {size / whole:.1f} MB/s; "
        f"other top label {sum(a != b for a, b in zip(*tops, strict=True))}; "
        f"sentence_language {size / sentences:.1f} MB/s"
    )


def _fresh(batch: TextBatch) -> TextBatch:
    """The same batch with its characters and lines, and nothing else, computed."""
    new = TextBatch.of(batch.texts, **batch.columns)
    new.__dict__.update({name: batch.__dict__[name] for name in ("characters", "lines")})
    return new


def word_speed(rows: list[dict[str, Any]]) -> None:
    """Characters a second of both policies by language."""
    print("words: million characters a second")
    for code in ("eng", "rus", "cmn", "jpn", "tha", "khm", "lao", "mya", "bod"):
        texts = ["\n".join(row["paragraphs"]) for row in rows if row["iso639_3"] == code] * 20
        characters = TextBatch.from_texts(texts).characters
        found = words.split_words(characters)
        segmentation.segment(characters, found)
        signs, _ = best_of_three(lambda c=characters: words.split_words(c))  # type: ignore[misc]
        icu, _ = best_of_three(lambda c=characters, f=found: segmentation.segment(c, f))  # type: ignore[misc]
        size = len(characters.codes) / 1e6
        print(f"  {code}: characters {size / signs:7.1f}   icu {size / (signs + icu):7.1f}")


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, type=Path, help="folder with lid/udhr.jsonl.gz and the crawls")
    parser.add_argument("--model", help="fastText model (default: lid.176)")
    parser.add_argument("--pages", type=int, default=3000, help="pages of the crawls to judge, evenly taken")
    arguments = parser.parse_args()
    rows = declaration(arguments.data, arguments.model)
    texts = pages(arguments.data, arguments.model, arguments.pages)
    print("identification: speed, one core")
    identification_speed("declaration", ["\n".join(row["paragraphs"]) for row in rows], arguments.model)
    if texts:
        identification_speed("pages", texts, arguments.model)
    word_speed(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())

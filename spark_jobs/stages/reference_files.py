"""Reference documents from files of JSON lines, labelled there or by a model, as batches to count."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import fsspec
import pyarrow as pa

from spark_jobs.errors import InputError
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.language import identify

_BATCH_CHARS = 4_000_000


def reference_batches(
    paths: Iterable[str], *, text_field: str, language_field: str | None, model: str | None = None
) -> Iterator[TextBatch]:
    """Batches with the columns language, language_score and url of files of JSON lines (also .gz and .zst).

    The language is that of `language_field`, else the model's label; the score is always the model's. Raises
    InputError for a file or line that cannot be read.
    """
    rows: list[dict[str, Any]] = []
    size = 0
    for path in paths:
        for row in _rows(path, text_field, language_field):
            rows.append(row)
            size += len(row["text"])
            if size >= _BATCH_CHARS:
                yield _batch(rows, model)
                rows, size = [], 0
    if rows:
        yield _batch(rows, model)


def _batch(rows: list[dict[str, Any]], model: str | None) -> TextBatch:
    texts = pa.array([row["text"] for row in rows], pa.large_string())
    found = identify(texts, model)
    languages = [row["language"] or name for row, name in zip(rows, found.language, strict=True)]
    return TextBatch.of(
        texts, language=pa.array(languages, pa.string()), language_score=pa.array(found.score, pa.float64()),
        url=pa.array([row["url"] for row in rows], pa.string()),
    )  # fmt: skip


def _rows(path: str, text_field: str, language_field: str | None) -> Iterator[dict[str, Any]]:
    try:
        with fsspec.open(path, "rt", encoding="utf-8", errors="replace", compression="infer") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _row(line, f"{path}, line {number}", text_field, language_field)
    except OSError as error:
        where = f"{path}: cannot be read ({error.strerror or error})"
        raise InputError(f"{where}; give files of JSON lines, plain, .gz or .zst") from None


def _row(line: str, where: str, text_field: str, language_field: str | None) -> dict[str, Any]:
    try:
        row = json.loads(line)
        text, language = row[text_field], row[language_field] if language_field else None
    except (ValueError, TypeError, KeyError) as error:
        raise InputError(
            f"{where}: not a JSON object with {text_field}{f' and {language_field}' if language_field else ''} "
            f"({type(error).__name__}); correct the file, or name its fields"
        ) from None
    if not isinstance(text, str) or not isinstance(language, str | None):
        raise InputError(f"{where}: text and language must be strings; correct the file, or name its fields")
    url = row.get("url")
    return {"text": text, "language": language or None, "url": url if isinstance(url, str) else None}

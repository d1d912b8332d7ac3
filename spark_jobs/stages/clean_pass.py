"""The pass of the clean stage over Arrow batches, as it runs in a worker: extraction, language, steps, verdict.

Every filter measures every row that has text, also one that is dropped already, so that all reasons are known.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.operators import registry
from spark_jobs.operators.base import Edits
from spark_jobs.text import decide
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.language import Languages, identify
from spark_jobs.text.markup import Extraction, PayloadBatch
from spark_jobs.text.urls import hosts_of

# Columns of raw that the pass reads.
INPUT = (
    "snapshot",
    "doc_id",
    "url",
    "canonical_url",
    "captured_at",
    "source",
    "licence",
    "content_type",
    "http_headers",
    "payload",
)
_PASSED_ON = ("snapshot", "doc_id", "url", "canonical_url", "host", "captured_at", "source", "licence")
_ALTERNATIVE = pa.struct([("language", pa.string()), ("score", pa.float64())])

# Payload bytes worked on at once: bounds the memory of a worker and keeps texts far below Arrow's 2 GB.
CHUNK_BYTES = 32 << 20


@dataclass(frozen=True)
class OperatorSpec:
    """An operator as it travels to a worker: rebuilt there, once per process."""

    kind: str
    name: str
    params: str

    @classmethod
    def of(cls, kind: str, operator: Any) -> "OperatorSpec":
        """The spec of a built operator, its parameters complete."""
        return cls(kind, operator.name, json.dumps(operator.params.model_dump(mode="json"), sort_keys=True))


@dataclass(frozen=True)
class Plan:
    """What the pass does, as small values."""

    extract: OperatorSpec
    model: str | None
    max_chars: int
    alternatives: float
    steps: tuple[OperatorSpec, ...]
    words: str = "icu"


@dataclass(frozen=True)
class CleanPass:
    """The function given to `mapInArrow`."""

    plan: Plan

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Clean the rows of each batch; output does not depend on how rows are batched."""
        for batch in batches:
            for chunk in _chunks(batch):
                yield clean_rows(chunk, self.plan)


@dataclass(eq=False)
class _Verdicts:
    """What the steps found so far."""

    batch: TextBatch
    signals: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    reasons: list[decide.Entries] = field(default_factory=list)
    edits: list[decide.Entries] = field(default_factory=list)


def clean_rows(rows: pa.RecordBatch, plan: Plan) -> pa.RecordBatch:
    """Rows of raw (columns INPUT) to rows of cleaned, one for one and in order."""
    extraction = extracted_rows(rows, plan)
    languages = identify(
        pa.array([text or "" for text in extraction.texts], pa.large_string()),
        plan.model,
        alternatives=plan.alternatives,
        max_chars=plan.max_chars,
    )
    return judged_rows(rows, extraction, languages, plan)


def extracted_rows(rows: pa.RecordBatch, plan: Plan) -> Extraction:
    """What the plan's extractor makes of the pages."""
    pages = PayloadBatch(
        rows["payload"].to_pylist(),
        rows["content_type"].to_pylist(),
        rows["url"].to_pylist(),
        tags_wanted=_reads_page(plan),
    )
    extraction: Extraction = _operator(plan.extract).extract(pages)
    return extraction


def judged_rows(rows: pa.RecordBatch, extraction: Extraction, languages: Languages, plan: Plan) -> pa.RecordBatch:
    """The steps of the plan over what was extracted, and the rows of cleaned that come of it."""
    verdicts = _run_steps(rows, extraction, languages, plan)
    return _assembled(rows, extraction, languages, verdicts)


def _reads_page(plan: Plan) -> bool:
    """A filter of the plan judges the page's own tags or headers."""
    return any(getattr(_operator(spec), "reads_page", False) for spec in plan.steps)


@lru_cache(maxsize=256)
def _operator(spec: OperatorSpec) -> Any:
    return registry.build(spec.kind, spec.name, json.loads(spec.params))


def _chunks(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Slices of about CHUNK_BYTES of payload, at least one row each."""
    start = 0
    filled = 0
    for row, size in enumerate(pc.binary_length(batch["payload"]).fill_null(0).to_pylist()):
        if row > start and filled + size > CHUNK_BYTES:
            yield batch.slice(start, row - start)
            start, filled = row, 0
        filled += size
    if start < batch.num_rows:
        yield batch.slice(start)


def _run_steps(rows: pa.RecordBatch, extraction: Extraction, languages: Languages, plan: Plan) -> _Verdicts:
    columns = {name: rows[name] for name in ("doc_id", "url", "source", "content_type")}
    columns["host"] = hosts_of(rows["url"])
    columns["language"] = pa.array(languages.language, pa.string())
    columns["language_score"] = pa.array(languages.score, pa.float64())
    columns["script"] = pa.array(languages.script, pa.string())
    columns["label_script"] = pa.array(languages.label_script, pa.string())
    if extraction.page_tags is not None:
        columns["page_tags"] = pa.array(extraction.page_tags, pa.list_(pa.string()))
        columns["http_headers"] = rows["http_headers"]
    batch = replace(TextBatch.of(pa.array(extraction.texts, pa.large_string()), **columns), words_by=plan.words)
    verdicts = _Verdicts(batch, reasons=[_extraction_reasons(extraction, _operator(plan.extract).version)])
    without_text = np.array([text is None for text in extraction.texts], dtype=bool)
    for spec in plan.steps:
        operator = _operator(spec)
        if spec.kind == "editors":
            _edit(operator, verdicts)
        else:
            _measure(operator, verdicts, without_text)
    return verdicts


def _extraction_reasons(extraction: Extraction, version: int) -> decide.Entries:
    found = [(row, reason) for row, reason in enumerate(extraction.reasons) if reason is not None]
    columns = {
        "annotator": "extract",
        "version": version,
        "reason": [reason[0] for _, reason in found],
        "value": [reason[1] for _, reason in found],
        "bound": [reason[2] for _, reason in found],
    }
    return decide.entries_of(np.array([row for row, _ in found], dtype=np.int64), columns)


def _edit(operator: Any, verdicts: _Verdicts) -> None:
    before = verdicts.batch
    edited = operator.edit(before)
    facts = {f"{operator.name}__{name}": pa.array(values) for name, values in edited.facts.items()}
    if facts:
        verdicts.batch = verdicts.batch.with_columns(facts)
    if edited.texts is before.texts and not edited.counts.any():
        return
    removed = _lengths(before.texts) - _lengths(edited.texts)
    if not (edited.counts.any() or removed.any()):
        return
    parts = {f"{operator.name}.{kind}": edits for kind, edits in edited.kinds.items()}
    for name, edits in (parts or {operator.name: Edits(edited.counts, removed)}).items():
        rows = np.flatnonzero((edits.counts > 0) | (edits.chars_removed != 0))
        columns = {
            "editor": name,
            "version": operator.version,
            "count": edits.counts[rows].astype(np.int32),
            "chars_removed": edits.chars_removed[rows],
        }
        verdicts.edits.append(decide.entries_of(rows, columns))
    verdicts.batch = verdicts.batch.with_texts(edited.texts)


def _measure(operator: Any, verdicts: _Verdicts, without_text: npt.NDArray[np.bool_]) -> None:
    measured: Mapping[str, npt.NDArray[np.float64]] = operator.annotate(verdicts.batch)
    masked = {name: np.where(without_text, np.nan, measured[name]) for name in (s.name for s in operator.signals)}
    verdicts.signals |= {f"{operator.name}__{name}": values for name, values in masked.items()}
    for rule in operator.rules():
        bounds = rule.bounds(verdicts.batch)
        entries = decide.broken(operator.name, operator.version, rule.reason, masked[rule.signal], bounds)
        verdicts.reasons.append(entries)


def _assembled(
    rows: pa.RecordBatch, extraction: Extraction, languages: Languages, verdicts: _Verdicts
) -> pa.RecordBatch:
    count = rows.num_rows
    reasons = decide.list_column(decide.DROP_REASON, count, verdicts.reasons)
    passed = {name: rows[name] for name in _PASSED_ON if name != "host"}
    passed["host"] = verdicts.batch.column("host")
    columns = {name: passed[name] for name in _PASSED_ON} | {
        "extractor": pa.array(extraction.extractors, pa.string()),
        "encoding": pa.array(extraction.encodings, pa.string()),
        "text": verdicts.batch.texts.cast(pa.string()),
        "language": pa.array(languages.language, pa.string()),
        "language_score": pa.array(languages.score, pa.float64()),
        "language_alternatives": _alternatives(languages),
        "script": pa.array(languages.script, pa.string()),
        "kept": pc.equal(pc.list_value_length(reasons), 0),
        "drop_reasons": reasons,
        "edits": decide.list_column(decide.EDIT, count, verdicts.edits),
    }
    for name, values in verdicts.signals.items():
        columns[name] = pa.array(values, pa.float64(), mask=np.isnan(values))
    return pa.RecordBatch.from_pydict(columns)


def _alternatives(languages: Languages) -> pa.Array:
    values = [[{"language": name, "score": score} for name, score in row] for row in languages.alternatives]
    return pa.array(values, pa.list_(_ALTERNATIVE))


def _lengths(texts: pa.Array) -> npt.NDArray[np.int64]:
    lengths: npt.NDArray[np.int64] = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
    return lengths

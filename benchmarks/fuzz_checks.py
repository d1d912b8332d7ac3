"""What must hold of the clean pass on any page: the checks of the fuzzer.

Rows out = rows in, in order; texts are valid and there; signals are finite or null; a document is kept exactly when it
has no reason; reasons are those that the stored signals give; edits account for every character; the output does not
depend on how a batch is split; an editor that claims it does nothing the second time.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.fuzz_pages import Page
from spark_jobs.operators import registry
from spark_jobs.recipe.load import load_recipe
from spark_jobs.recipe.sections.cleaned import CleanedSection
from spark_jobs.recipe.steps import Step
from spark_jobs.stages import clean_pass
from spark_jobs.stages.clean import plan_of
from spark_jobs.stages.clean_pass import Plan
from spark_jobs.text import decide
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.markup import PayloadBatch

# From pages and a salt: the first fault found, the index of its page if it is known, and how many were kept.
Check = Callable[[Sequence[Page], int], tuple[str | None, int | None, int]]
_SPLIT_EVERY = 4  # chunks whose output is also made from pieces
_HEADERS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))


class BrokenError(Exception):
    """A check that did not hold, at a row if one can be named."""

    def __init__(self, what: str, row: int | None = None) -> None:
        super().__init__(what)
        self.row = row


def plans(recipe: Path) -> tuple[dict[str, Plan], dict[str, Plan], tuple[str, ...]]:
    """The default recipe's plan and one with everything; one for each other extractor; operators that are left out."""
    section = load_recipe(recipe).cleaned
    chosen = {step.name: step for step in section.steps}
    names = [*registry.find("editors"), *registry.find("filters")]
    left_out = tuple(name for name in names if name not in chosen and not _builds(name))
    further = [Step(name=name) for name in names if name not in chosen and name not in left_out]
    steps = _in_order([*section.steps, *further])
    everything = section.model_copy(update={"steps": steps})
    others = [name for name in registry.find("extractors") if name != section.extract.name]
    return (
        {"default recipe": plan_of(section), "every operator": plan_of(everything)},
        {f"extractor {name}": plan_of(CleanedSection(extract=name, steps=("empty_text",))) for name in others},  # type: ignore[arg-type]
        left_out,
    )


def _builds(name: str) -> bool:
    """Whether an operator has a default for everything; one that needs a list or a pattern is not for this."""
    params = registry.find(registry.kind_of(name))[name].Params
    return not any(field.is_required() for field in params.model_fields.values())


def _in_order(steps: list[Step]) -> tuple[Step, ...]:
    ordered = list(steps)
    for step in steps:
        for later in getattr(step.build(), "before", ()):
            places = [n for n, other in enumerate(ordered) if other.name == later]
            if places and places[0] < ordered.index(step):
                ordered.remove(step)
                ordered.insert(places[0], step)
    return tuple(ordered)


def rows_of(pages: Sequence[Page]) -> pa.RecordBatch:
    """Pages as rows of raw, with the columns that the pass reads."""
    count = len(pages)
    columns: dict[str, pa.Array] = {
        "snapshot": pa.array(["fuzz"] * count),
        "doc_id": pa.array([f"{n:032x}" for n in range(count)]),
        "url": pa.array([_plain(one.url) for one in pages], pa.string()),
        "canonical_url": pa.array([_plain(one.url) for one in pages], pa.string()),
        "captured_at": pa.array([datetime(2021, 8, 1, tzinfo=UTC)] * count, pa.timestamp("us", "UTC")),
        "http_status": pa.array([200] * count, pa.int32()),
        "content_type": pa.array([_plain(one.content_type) for one in pages], pa.string()),
        "http_headers": pa.array([[{"name": k, "value": v} for k, v in one.headers] for one in pages], _HEADERS),
        "payload": pa.array([one.payload for one in pages], pa.binary()),
        "source": pa.array(["fuzz"] * count),
        "licence": pa.array([None] * count, pa.string()),
    }
    return pa.RecordBatch.from_pydict({name: columns[name] for name in clean_pass.INPUT})


def _plain(text: str | None) -> str | None:
    return None if text is None else text.encode("utf-8", "replace").decode()


def faults_of(plan: Plan) -> Check:
    """All checks of a plan as one function, which never raises."""

    def check(pages: Sequence[Page], salt: int) -> tuple[str | None, int | None, int]:
        try:
            return None, None, _check(plan, pages, salt)
        except BrokenError as broken:
            return str(broken), broken.row, 0
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
            return f"raised {type(error).__name__}: {str(error)[:300]}", None, 0

    return check


def _check(plan: Plan, pages: Sequence[Page], salt: int) -> int:
    rows = rows_of(pages)
    cleaned = clean_pass.clean_rows(rows, plan)
    if cleaned["doc_id"].to_pylist() != rows["doc_id"].to_pylist():
        raise BrokenError(f"{rows.num_rows} rows in, {cleaned.num_rows} out, or in another order")
    cleaned.validate(full=True)
    operators = [registry.build(spec.kind, spec.name, json.loads(spec.params)) for spec in plan.steps]
    filters = [operator for operator in operators if hasattr(operator, "rules")]
    _columns_are_sound(cleaned, filters)
    _verdicts_are_true(cleaned, filters)
    _characters_are_accounted_for(cleaned, rows, plan)
    if (salt // len(pages)) % _SPLIT_EVERY == 0 or len(pages) == 1:
        _splitting_changes_nothing(cleaned, rows, plan, salt)
        _editing_twice_is_editing_once(cleaned, [o for o in operators if hasattr(o, "edit")])
    return int(pc.sum(cleaned["kept"].cast(pa.int64())).as_py() or 0)


def _columns_are_sound(cleaned: pa.RecordBatch, filters: Sequence[Any]) -> None:
    if cleaned["text"].null_count:
        raise BrokenError("a row without a text", _first(pc.is_null(cleaned["text"])))
    for operator in filters:
        for signal in operator.signals:
            column = cleaned[f"{operator.name}__{signal.name}"]
            if column.type != pa.float64():
                raise BrokenError(f"{operator.name}__{signal.name} is {column.type}")
            odd = pc.invert(pc.fill_null(pc.is_finite(column), fill_value=True))
            if pc.any(odd).as_py():
                raise BrokenError(f"{operator.name}__{signal.name} is not finite", _first(odd))


def _verdicts_are_true(cleaned: pa.RecordBatch, filters: Sequence[Any]) -> None:
    reasons = cleaned["drop_reasons"].to_pylist()
    for row, (kept, broken) in enumerate(zip(cleaned["kept"].to_pylist(), reasons, strict=True)):
        if kept != (not broken):
            raise BrokenError(f"kept is {kept} with {len(broken)} reasons", row)
    wanted = decide.list_column(decide.DROP_REASON, cleaned.num_rows, [
        decide.broken(
            operator.name, operator.version, rule.reason,
            cleaned[f"{operator.name}__{rule.signal}"].fill_null(np.nan).to_numpy(),
            decide.Bounds(minimum=rule.minimum, maximum=rule.maximum, exclusive=rule.exclusive),
        )
        for operator in filters for rule in operator.rules()
    ]).to_pylist()  # fmt: skip
    for row, (stored, derived) in enumerate(zip(reasons, wanted, strict=True)):
        if [reason for reason in stored if reason["annotator"] != "extract"] != derived:
            raise BrokenError("the reasons are not those that the stored signals give", row)


def _characters_are_accounted_for(cleaned: pa.RecordBatch, rows: pa.RecordBatch, plan: Plan) -> None:
    extractor = registry.build(plan.extract.kind, plan.extract.name, json.loads(plan.extract.params))
    pages = (rows["payload"].to_pylist(), rows["content_type"].to_pylist(), rows["url"].to_pylist())
    extraction = extractor.extract(PayloadBatch(*pages))
    for row, (before, after, edits) in enumerate(
        zip(extraction.texts, cleaned["text"].to_pylist(), cleaned["edits"].to_pylist(), strict=True)
    ):
        removed = sum(edit["chars_removed"] for edit in edits)
        if len(before or "") - removed != len(after):
            raise BrokenError(f"{len(before or '')} characters, {removed} removed, {len(after)} left", row)
        if (before is None) != any(reason["annotator"] == "extract" for reason in cleaned["drop_reasons"][row].as_py()):
            raise BrokenError("a page without text has no reason from the extraction, or one with text has", row)


def _splitting_changes_nothing(cleaned: pa.RecordBatch, rows: pa.RecordBatch, plan: Plan, salt: int) -> None:
    cuts = sorted({0, rows.num_rows, *(hash((salt, n)) % (rows.num_rows + 1) for n in range(3))})
    pieces = [clean_pass.clean_rows(rows.slice(a, b - a), plan) for a, b in pairwise(cuts)]
    again = pa.Table.from_batches(pieces).combine_chunks()
    for name in cleaned.schema.names:
        if again[name].combine_chunks().to_pylist() != cleaned[name].to_pylist():
            there, here = again[name].to_pylist(), cleaned[name].to_pylist()
            row = next(n for n, (a, b) in enumerate(zip(there, here, strict=True)) if a != b)
            raise BrokenError(f"{name} depends on how the batch is split (cut at {cuts})", row)


def _editing_twice_is_editing_once(cleaned: pa.RecordBatch, editors: Sequence[Any]) -> None:
    columns = {
        name: cleaned[name] for name in ("doc_id", "url", "language", "language_score", "script", "host", "source")
    }
    columns["content_type"] = pa.nulls(cleaned.num_rows, pa.string())
    batch = TextBatch.of(cleaned["text"].cast(pa.large_string()), **columns)
    for editor in editors:
        if not getattr(editor, "idempotent", True):
            continue
        once = editor.edit(batch).texts
        twice = editor.edit(batch.with_texts(once)).texts
        if not once.equals(twice):
            raise BrokenError(f"{editor.name} changes its own output", _first(pc.not_equal(once, twice)))


def _first(mask: pa.Array) -> int:
    return int(pc.index(mask, pa.scalar(value=True)).as_py())

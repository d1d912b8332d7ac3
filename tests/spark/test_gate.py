"""The gate: tables of published shape pass, and for every law a corruption that exactly this law finds."""

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from expectations import cleaned, deduped, gate, mixed, raw, rewritten, scored
from expectations.gate import Audited, Law, audit
from spark_jobs.recipe.sections.cleaned import CleanedSection
from spark_jobs.recipe.sections.deduped import DedupedSection
from spark_jobs.recipe.sections.mixed import Benchmark, MixedSection, RewriteFilter
from tests.spark import published
from tests.spark.published import EARLIER, RELEASE, SNAPSHOT, Reader, doc, frame

Rows = list[dict[str, Any]]
SUITES: Mapping[str, Sequence[Law]] = {
    "raw": raw.LAWS, "cleaned": cleaned.LAWS, "scored": scored.LAWS, "deduped": deduped.LAWS,
    "rewritten": rewritten.LAWS, "mixed": mixed.LAWS,
}  # fmt: skip
VALID: Mapping[str, Callable[[], Rows]] = {
    "raw": published.raw_rows, "cleaned": published.cleaned_rows, "scored": published.scored_rows,
    "deduped": published.deduped_rows, "rewritten": published.rewritten_rows, "mixed": published.mixed_rows,
}  # fmt: skip
EXTRA = {"cleaned": "gopher_quality__words DOUBLE", "scored": "fasttext_quality__score DOUBLE"}
BENCHMARK = Path(__file__).parent / "benchmark.jsonl"
BENCHMARK_ITEM = json.loads(BENCHMARK.read_text(encoding="utf-8"))["question"]
RECIPE = SimpleNamespace(
    cleaned=CleanedSection(steps=["gopher_quality"]),
    deduped=DedupedSection(),
    mixed=MixedSection(
        rewritten_share=0.5,
        max_epochs=4,
        rewrites=RewriteFilter(),
        benchmarks=(Benchmark(name="farmer", path=str(BENCHMARK), fields=("question",)),),
    ),
)


@pytest.fixture(scope="module")
def inputs(spark: SparkSession) -> Reader:
    """The inputs of every suite, as published."""
    files = [published.input_file("f1.warc", 21)]
    snapshots = frame(spark, "snapshots", [])
    schema = snapshots.schema
    entry = tuple(files[0][f.name] for f in schema["inputs"].dataType.elementType)  # type: ignore[attr-defined]
    frames: dict[str, DataFrame] = {
        table: frame(spark, table, rows(), EXTRA.get(table, "")) for table, rows in VALID.items()
    }
    frames["snapshots"] = spark.createDataFrame([(SNAPSHOT, 2, [entry], "s", None)], schema)
    frames["deduped"] = frames["deduped"].unionByName(frame(spark, "deduped", published.earlier_deduped()))
    return Reader(frames)


LOST = ((4, 3),)  # spans of bytes of the file, as (offset, bytes), that add up to the inventory's


def audited(  # noqa: PLR0917 - what a test varies comes last
    spark: SparkSession, table: str, inputs: Reader, candidate: DataFrame, unreadable: int = 1,
    lost: Sequence[tuple[int, int]] = LOST,
) -> Audited:  # fmt: skip
    errors = [(n, 0, True) for n in range(unreadable)] + [(offset, size, False) for offset, size in lost]
    rows = [
        {"snapshot": SNAPSHOT, "source_file": "f1.warc", "source_offset": offset, "bytes": size, "cause": "cut",
         "is_document": is_document}
        for offset, size, is_document in errors
    ]  # fmt: skip
    side = {"read_errors": frame(spark, "read_errors", rows)}
    facts = {
        "planned_attempts": 3,
        "min_similarity": 0.8,
        "text_levels": {"lines": {}},
        "planned_tokens": {"s": 80},
        "rewrite_selection": {"cut": 0.5},
    }
    partition = RELEASE if table == "mixed" else SNAPSHOT
    return Audited(
        candidate=candidate, side=side, inputs=inputs, recipe=RECIPE, partition=partition, facts=facts,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize("table", list(SUITES))
def test_a_table_of_published_shape_passes(spark: SparkSession, inputs: Reader, table: str) -> None:
    candidate = frame(spark, table, VALID[table](), EXTRA.get(table, ""))
    outcomes = audit(SUITES[table], audited(spark, table, inputs, candidate))
    assert [o.name for o in outcomes if not o.success] == []
    assert len(outcomes) == len(SUITES[table])


def change(index: int, **values: Any) -> Callable[[Rows], Rows]:
    return lambda rows: [{**row, **values} if n == index else row for n, row in enumerate(rows)]


def change_all(**values: Any) -> Callable[[Rows], Rows]:
    return lambda rows: [{**row, **values} for row in rows]


def drop(index: int) -> Callable[[Rows], Rows]:
    return lambda rows: [row for n, row in enumerate(rows) if n != index]


CUTS_OF_3: list[tuple[Any, ...]] = published.deduped_rows()[3]["cuts"]
_CUT = ("start", "length", "byte_start", "byte_length", "step", "linked_snapshot", "linked_to", "linked_start",
        "similarity")  # fmt: skip


def cuts(number: int, **values: Any) -> list[tuple[Any, ...]]:
    """One of the cuts of document 3, changed."""
    return [tuple((dict(zip(_CUT, CUTS_OF_3[number], strict=True)) | values).values())]


NAN = float("nan")
REASON = ("x", 1, "r", 1.0, 0.0)
CORRUPTIONS: dict[tuple[str, str], Callable[[Rows], Rows]] = {
    ("raw", "partition_is_right"): change(0, snapshot="other"),
    ("raw", "partition_is_set"): change(0, snapshot=None),
    ("raw", "ids_are_set"): change(0, doc_id=None),
    ("raw", "ids_are_well_formed"): change(0, doc_id="ABC"),
    ("raw", "ids_are_unique"): change(0, doc_id=doc(1)),
    ("raw", "payloads_are_there"): change(0, payload=None),
    ("raw", "payload_digests_are_well_formed"): change(0, payload=None, payload_digest="md5:0"),
    ("raw", "payload_digests_are_true"): change(0, payload=b"tampered"),
    ("raw", "every_record_is_accounted_for"): drop(0),
    ("raw", "few_records_are_unreadable"): lambda rows: rows[3:],
    ("raw", "the_snapshot_is_not_empty"): lambda _rows: [],
    ("cleaned", "conserved"): drop(0),
    ("cleaned", "no_nan"): change(0, gopher_quality__words=NAN),
    ("cleaned", "texts_are_there"): change(15, text=None),
    ("cleaned", "verdicts_are_there"): change(0, kept=None),
    ("cleaned", "a_drop_has_a_reason"): change(0, kept=False),
    ("cleaned", "reasons_are_broken_rules"): change(15, drop_reasons=[("x", 1, None, 1.0, 0.0)]),
    ("cleaned", "kept_texts_are_not_blank"): change(0, text="  "),
    ("cleaned", "language_scores_are_in_range"): change(0, language_score=1.5),
    ("cleaned", "something_is_kept"): change_all(kept=False, drop_reasons=[REASON]),
    ("cleaned", "ids_are_unique"): change(0, doc_id=doc(1)),
    ("scored", "conserved"): drop(0),
    ("scored", "no_nan"): change(0, fasttext_quality__score=NAN),
    ("scored", "scores_are_in_range"): change(0, fasttext_quality__score=1.5),
    ("scored", "scores_are_there"): change(0, fasttext_quality__score=None),
    ("scored", "documents_are_kept_ones"): change(0, doc_id=doc(15)),
    ("deduped", "conserved"): drop(7),
    ("deduped", "no_nan"): change(8, similarity=NAN),
    ("deduped", "verdicts_are_there"): change(7, kept=None),
    ("deduped", "survivors_are_kept"): change(8, survivor_id=doc(77)),
    ("deduped", "duplicates_have_evidence"): change(8, linked_to=None),
    ("deduped", "kept_rows_have_no_survivor_but_themselves"): change(7, survivor_id=doc(0)),
    ("deduped", "similarities_are_in_range"): change(8, similarity=1.5),
    ("deduped", "links_are_similar_enough"): change(8, similarity=0.5),
    ("deduped", "cuts_have_evidence"): change(3, cuts=cuts(1, linked_start=0), chars_cut=1),
    ("deduped", "cuts_are_in_order_and_apart"): change(3, cuts=[CUTS_OF_3[0], CUTS_OF_3[0]]),
    ("deduped", "cut_characters_add_up"): change(5, chars_cut=None),
    ("deduped", "holders_come_first"): change(3, cuts=cuts(1, linked_to=doc(5)), chars_cut=1),
    ("deduped", "cuts_fit_the_text"): change(
        3, cuts=cuts(1, start=5, byte_start=5, length=9, byte_length=9), chars_cut=9
    ),
    ("deduped", "something_is_left_of_kept_texts"): change(
        3, cuts=cuts(1, start=0, byte_start=0, length=6, byte_length=6), chars_cut=6
    ),
    ("deduped", "captures_are_numbered"): change(4, capture_number=2),
    ("deduped", "previous_captures_are_there"): change(9, previous_id=doc(77)),
    ("rewritten", "attempts_are_what_was_planned"): drop(0),
    ("rewritten", "no_nan"): change(1, similarity=NAN),
    ("rewritten", "parents_are_kept"): change(1, parent_id=doc(8)),
    ("rewritten", "accepted_rewrites_were_parsed"): change(1, parse_status="missing_end"),
    ("rewritten", "a_rejection_has_a_reason"): change(1, kept=False),
    ("rewritten", "parse_status_is_there"): change(0, parse_status=None),
    ("rewritten", "some_attempts_parse"): change_all(parse_status="empty", kept=False, drop_reasons=[REASON]),
    ("mixed", "partition_is_right"): change(0, release="other"),
    ("mixed", "no_nan"): change(0, quality=NAN),
    ("mixed", "texts_are_there"): change(0, text=""),
    ("mixed", "tokens_are_counted"): change(8, tokens=0),
    ("mixed", "copies_are_within_the_cap"): change(8, copies=5),
    ("mixed", "one_capture_a_url"): change(0, url="https://a.example/1"),
    ("mixed", "rewrites_keep_their_share"): change(8, tokens=500),
    ("mixed", "rewrites_passed_their_filter"): change(8, quality=0.49),
    ("mixed", "ancestors_are_published"): change(0, doc_id=doc(555)),
    ("mixed", "tokens_are_as_planned"): change(0, tokens=11),
    ("mixed", "no_benchmark_text"): change(0, text=BENCHMARK_ITEM),
    ("mixed", "the_release_is_not_empty"): lambda _rows: [],  # no row, no row that breaks another law
}  # fmt: skip
# A corruption that breaks this law cannot leave these others whole.
UNAVOIDABLE: Mapping[tuple[str, str], set[str]] = {
    ("raw", "payload_digests_are_well_formed"): {"payloads_are_there"},
    ("raw", "the_snapshot_is_not_empty"): {"every_record_is_accounted_for"},
    ("deduped", "cuts_are_in_order_and_apart"): {"cuts_fit_the_text"},
}


# How many of the file's 21 records the reader could not read; one where nothing else is said.
UNREADABLE = {("raw", "few_records_are_unreadable"): 4}


@pytest.mark.parametrize(("table", "law"), list(CORRUPTIONS))
def test_a_corruption_is_found_by_exactly_its_law(spark: SparkSession, inputs: Reader, table: str, law: str) -> None:
    candidate = frame(spark, table, CORRUPTIONS[table, law](VALID[table]()), EXTRA.get(table, ""))
    unreadable = UNREADABLE.get((table, law), 1)
    outcomes = audit(SUITES[table], audited(spark, table, inputs, candidate, unreadable))
    failed = {o.name for o in outcomes if not o.success}
    assert failed - UNAVOIDABLE.get((table, law), set()) == {law}


@pytest.mark.parametrize("lost", [(), ((4, 2),), ((4, 2), (5, 1)), ((9, 3),)], ids=["none", "few", "twice", "beyond"])
def test_bytes_that_nobody_accounts_for_are_found(
    spark: SparkSession, inputs: Reader, lost: Sequence[tuple[int, int]]
) -> None:
    candidate = frame(spark, "raw", published.raw_rows())
    outcomes = audit(raw.LAWS, audited(spark, "raw", inputs, candidate, lost=lost))
    assert {o.name for o in outcomes if not o.success} == {"every_byte_is_accounted_for"}


def test_a_first_snapshot_of_duplicates_is_found(spark: SparkSession, inputs: Reader) -> None:
    (law,) = [law for law in deduped.LAWS if law.name == "not_everything_is_a_duplicate"]
    rows = [{**row, "snapshot": EARLIER} for row in published.deduped_rows()[8:9] * 25]
    for kept, held in ((1, False), (2, True)):
        candidate = frame(spark, "deduped", [{**row, "kept": n < kept} for n, row in enumerate(rows)])
        seen = dataclasses.replace(audited(spark, "deduped", inputs, candidate), partition=EARLIER)
        assert audit([law], seen)[0].success is held


@pytest.mark.parametrize(
    ("rewrites", "cut", "quality", "held"),
    [
        (RewriteFilter(), 0.5, 0.5, True),
        (RewriteFilter(), 0.5, None, False),
        (RewriteFilter(), None, 0.5, False),
        (None, None, None, True),
    ],
    ids=["at the cut", "no score", "none was let in", "no filter"],
)
def test_a_rewrite_needs_its_filter_where_the_recipe_has_one(
    spark: SparkSession, inputs: Reader, rewrites: Any, cut: float | None, quality: float | None, *, held: bool
) -> None:
    (law,) = [law for law in mixed.LAWS if law.name == "rewrites_passed_their_filter"]
    candidate = frame(spark, "mixed", change(8, quality=quality)(published.mixed_rows()))
    section = RECIPE.mixed.model_copy(update={"rewrites": rewrites})
    seen = dataclasses.replace(
        audited(spark, "mixed", inputs, candidate), recipe=SimpleNamespace(mixed=section),  # type: ignore[arg-type]
        facts={"rewrite_selection": {"cut": cut}},
    )  # fmt: skip
    assert audit([law], seen)[0].success is held


@pytest.mark.parametrize(("scope", "years", "held"), [
    ("all", (2021, 2022), False), ("year", (2021, 2022), True), ("year", (2021, 2021), False),
])  # fmt: skip
def test_a_url_may_come_once_a_year_where_captures_are_linked_by_year(
    spark: SparkSession, inputs: Reader, scope: str, years: tuple[int, int], *, held: bool
) -> None:
    (law,) = [law for law in mixed.LAWS if law.name == "one_capture_a_url"]
    rows = published.mixed_rows()[:2]
    dates = [datetime(year, 8, 1, tzinfo=UTC) for year in years]
    same = [{**row, "url": "u", "captured_at": date} for row, date in zip(rows, dates, strict=True)]
    section = DedupedSection.model_validate({"captures": {"scope": scope}})
    seen = dataclasses.replace(
        audited(spark, "mixed", inputs, frame(spark, "mixed", same)), recipe=SimpleNamespace(deduped=section),  # type: ignore[arg-type]
    )  # fmt: skip
    assert audit([law], seen)[0].success is held


def test_missing_columns_are_found(spark: SparkSession, inputs: Reader) -> None:
    for table, laws in SUITES.items():
        only = [law for law in laws if law.name == "columns_are_there"]
        candidate = frame(spark, table, VALID[table](), EXTRA.get(table, "")).drop("doc_id")
        assert [o.success for o in audit(only, audited(spark, table, inputs, candidate))] == [False], table


def test_warnings_do_not_block_and_errors_do() -> None:
    def outcome(severity: gate.Severity) -> gate.Outcome:
        return gate.Outcome(name="n", says="s", severity=severity, success=False, expected="", found="")

    assert outcome("error").blocks
    assert not outcome("warning").blocks


def test_outcomes_hold_no_text_of_the_documents(spark: SparkSession, inputs: Reader) -> None:
    marker = "a sentence nobody may find in a log"
    rows = change_all(text=marker, language_score=7.0)(published.cleaned_rows())
    outcomes = audit(cleaned.LAWS, audited(spark, "cleaned", inputs, frame(spark, "cleaned", rows, EXTRA["cleaned"])))
    assert any(not o.success for o in outcomes)
    assert not any(marker in f"{o.expected} {o.found}" for o in outcomes)


def test_a_law_that_cannot_be_evaluated_fails(spark: SparkSession, inputs: Reader) -> None:
    import great_expectations.expectations as gxe

    law = Law(name="odd", says="", expect=lambda _: gxe.ExpectColumnValuesToNotBeNull(column="no_such_column"))
    candidate = frame(spark, "scored", published.scored_rows(), EXTRA["scored"])
    assert audit([law], audited(spark, "scored", inputs, candidate))[0].blocks


def test_every_law_of_every_suite_has_a_corruption() -> None:
    shared = {"partition_is_right", "partition_is_set", "ids_are_set", "ids_are_well_formed", "ids_are_unique",
              "columns_are_there"}  # fmt: skip
    elsewhere = {"columns_are_there", "not_everything_is_a_duplicate", "every_byte_is_accounted_for"}
    # What the recipe's gates ask needs a larger table: test_gate_cleaning.py.
    elsewhere |= {law.name for law in cleaned.GATES}
    for table, laws in SUITES.items():
        for law in laws:
            keys = [(t, law.name) for t in SUITES] if law.name in shared else [(table, law.name)]
            covered = law.name in elsewhere or any(key in CORRUPTIONS for key in keys)
            assert covered, f"{table}: no test breaks {law.name}"

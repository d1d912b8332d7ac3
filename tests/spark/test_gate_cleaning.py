"""The gates of cleaning: for each a table of published shape that exactly it refuses; a refusal publishes nothing."""

import dataclasses
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
from pyspark.sql import DataFrame, SparkSession

from assets.build import GateFailedError, build
from assets.workshop import Workshop
from expectations import cleaned
from expectations.gate import Audited, Outcome, audit
from spark_jobs.lake.freshness import stale_reason
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import Publication
from spark_jobs.lake.registry import register
from spark_jobs.recipe.sections.cleaned import CleanedSection
from spark_jobs.stages.clean import operators_of
from spark_jobs.stages.stage import StageContext, StageOutput
from spark_jobs.stages.tally import as_counts, tally
from tests.spark.published import EARLIER, SNAPSHOT, Reader, doc, frame

Rows = list[dict[str, Any]]
TOO_SHORT = ("gopher_quality", 1, "too_short", 3.0, 50.0)
SECTION = CleanedSection.model_validate(
    {
        "steps": ["whitespace", "gopher_quality", "mask_pii"],
        "gates": {
            "effect": {"expect": {"whitespace": 0.4, "gopher_quality": 0.01}, "at_most": {"mask_pii": 0.2}},
            "loss": {"max_emptied": 0.1, "max_not_extracted": 0.1, "max_undetermined": 0.1},
        },
    }
)
# Of an editor that records its edits by kind.
MASKED = [("mask_pii.email", 1, 2, -3), ("mask_pii.ipv4", 1, 1, 2)]
FACTS = {"language": {"model": "lid.176", "digest": "d"}}


def crawl(snapshot: str = SNAPSHOT) -> Rows:
    """400 documents on four hosts, from three sources, in two languages; a third is dropped, half are edited."""
    rows = []
    for n in range(400):
        kept = n % 3 != 0
        edits = [("whitespace", 1, 1, 2)] * (n % 2) + MASKED * (n % 10 == 7)
        rows.append({
            "snapshot": snapshot, "doc_id": doc(n), "url": f"https://h.example/{n}",
            "host": "small.example" if n >= 370 else f"h{n % 7 % 3}.example",
            "source": "rare" if 340 <= n < 370 else "common", "text": f"document {n:03} " + "with some text " * 6,
            "language": "de" if n % 10 < 3 else "en", "language_score": 0.9, "kept": kept,
            "drop_reasons": [] if kept else [TOO_SHORT], "edits": edits, "gopher_quality__words": 3.0,
        })  # fmt: skip
    return rows


def table(spark: SparkSession, rows: Rows) -> DataFrame:
    return frame(spark, "cleaned", rows, "gopher_quality__words DOUBLE")


def published_before(spark: SparkSession, rows: Rows, section: CleanedSection = SECTION) -> Publication:
    tallied = tally(table(spark, rows))
    record = {
        "counts": {"rows": tallied.documents, "kept": tallied.kept, **as_counts(tallied)},
        "operators": [dataclasses.asdict(operator) for operator in operators_of(section)],
        "facts": FACTS,
    }
    return Publication("cleaned", EARLIER, 1, datetime(2024, 1, 1, tzinfo=UTC), record)


@pytest.fixture(scope="module")
def before(spark: SparkSession) -> Publication:
    """The snapshot before: the same crawl."""
    return published_before(spark, crawl(EARLIER))


def outcomes_of(
    spark: SparkSession, rows: Rows, before: Publication | None, *, laws: Any = cleaned.LAWS,
    section: CleanedSection = SECTION,
) -> dict[str, Outcome]:  # fmt: skip
    raw = frame(spark, "raw", [{"snapshot": SNAPSHOT, "doc_id": doc(n)} for n in range(len(rows))])
    audited = Audited(
        candidate=table(spark, rows), side={},
        inputs=Reader({"raw": raw}, {} if before is None else {("cleaned", EARLIER): before}),
        recipe=SimpleNamespace(cleaned=section), partition=SNAPSHOT, facts=FACTS,  # type: ignore[arg-type]
        operators=operators_of(section),
    )  # fmt: skip
    return {outcome.name: outcome for outcome in audit(laws, audited)}


def where(test: Callable[[dict[str, Any]], bool], **values: Any) -> Callable[[Rows], Rows]:
    return lambda rows: [{**row, **values} if test(row) else row for row in rows]


def number(row: dict[str, Any]) -> int:
    return int(row["doc_id"], 16)


DROPPED = {"kept": False, "drop_reasons": [TOO_SHORT]}
MASKED_LONG = [("mask_pii", 1, 1, -100)]
CORRUPTIONS: Mapping[str, tuple[Callable[[Rows], Rows], str]] = {
    "languages_are_dropped_as_before": (
        where(lambda r: r["language"] == "de" and number(r) % 30 != 2, **DROPPED), "de went from 0.333 of 120 to ",
    ),
    "hosts_are_dropped_as_before": (
        where(lambda r: r["host"] == "h2.example" and number(r) % 12 != 1, **DROPPED), "h2.example went from ",
    ),
    "reasons_are_as_frequent_as_before": (
        where(lambda r: not r["kept"], drop_reasons=[("gopher_quality", 1, "too_long", 9.0, 5.0)]),
        "gopher_quality.too_long went from 0.000 of 400 to 0.335 of 400",
    ),
    "languages_are_distributed_as_before": (
        where(lambda r: r["language"] == "en" and number(r) % 7 != 0, language="fr"), "shares of fr, en moved",
    ),
    "no_host_is_wiped_out": (where(lambda r: r["host"] == "small.example", **DROPPED), "small.example, against s1"),
    "no_source_is_wiped_out": (where(lambda r: r["source"] == "rare", **DROPPED), "rare, against s1"),
    "steps_do_what_is_expected": (
        where(lambda r: number(r) % 10 != 7, edits=[]), "0.3000 by whitespace",
    ),
    "steps_do_no_more_than_expected": (
        where(lambda r: number(r) % 2 == 0, edits=[("mask_pii", 1, 1, 0)]), "0.4000 by mask_pii",
    ),
    "editors_leave_text": (where(lambda r: number(r) % 2 == 1, edits=[("whitespace", 1, 1, 1000)]), "by whitespace"),
    "text_does_not_grow": (where(lambda r: number(r) % 10 == 6, edits=MASKED_LONG), "by mask_pii"),
    "few_replacement_characters": (
        where(lambda r: number(r) % 10 == 1, text="text that \ufffd could not be read"), "27 of 266 kept documents",
    ),
    "little_mojibake": (
        where(lambda r: number(r) % 10 == 1, text="trÃ¨s bien, donâ€™t you think"), "27 of 266 kept documents",
    ),
    "few_documents_are_emptied": (
        where(lambda r: not r["kept"], text=" ", edits=[("whitespace", 1, 1, 90)]), "134 of 400 documents",
    ),
    "most_documents_are_extracted": (
        where(lambda r: not r["kept"] and number(r) < 180, drop_reasons=[("extract", 1, "no_text", None, None)]),
        "60 of 400 documents",
    ),
    "most_languages_are_known": (
        where(lambda r: not r["kept"] and number(r) < 180, language="und"), "60 of 400 documents",
    ),
}  # fmt: skip


def test_every_gate_has_a_corruption() -> None:
    assert set(CORRUPTIONS) == {law.name for law in cleaned.GATES}


def test_a_crawl_like_the_one_before_passes(spark: SparkSession, before: Publication) -> None:
    outcomes = outcomes_of(spark, crawl(), before)
    assert [name for name, outcome in outcomes.items() if not outcome.success] == []
    assert outcomes["languages_are_dropped_as_before"].found.endswith(", against s1")


@pytest.mark.parametrize("law", list(CORRUPTIONS))
def test_a_corruption_is_found_by_exactly_its_gate(spark: SparkSession, before: Publication, law: str) -> None:
    corrupt, told = CORRUPTIONS[law]
    outcomes = outcomes_of(spark, corrupt(crawl()), before)
    assert {name for name, outcome in outcomes.items() if not outcome.success} == {law}
    assert told in outcomes[law].found
    assert "text that" not in outcomes[law].found


COMPARING = {
    "languages_are_dropped_as_before", "hosts_are_dropped_as_before", "reasons_are_as_frequent_as_before",
    "languages_are_distributed_as_before", "no_host_is_wiped_out", "no_source_is_wiped_out",
}  # fmt: skip


def test_what_cannot_be_compared_passes_and_says_why(spark: SparkSession, before: Publication) -> None:
    gone = where(lambda _: True, **DROPPED)(crawl())
    other_rules = SECTION.model_copy(update={"steps": SECTION.steps[:2]})
    moved = published_before(spark, where(lambda _: True, host="elsewhere.example")(crawl(EARLIER)))
    few = published_before(spark, crawl(EARLIER)[:90])
    old = dataclasses.replace(before, record={**before.record, "counts": {"rows": 400, "kept": 266, "by_reason": {}}})
    cases = {
        "first": (None, SECTION, "the first snapshot that was cleaned by these rules"),
        "other rules": (before, other_rules, "the first snapshot that was cleaned by these rules"),
        "a record without the counts": (old, SECTION, "the first snapshot that was cleaned by these rules"),
        "other hosts": (moved, SECTION, "not compared with s1: it shares the hosts of 0.00 of the documents"),
        "few documents": (few, SECTION, "not compared with s1: 90 documents are fewer than 100"),
    }
    for name, (earlier, section, why) in cases.items():
        outcomes = outcomes_of(spark, gone, earlier, laws=cleaned.GATES, section=section)
        for law in COMPARING - (
            {"no_host_is_wiped_out", "no_source_is_wiped_out"} if name == "few documents" else set()
        ):
            assert outcomes[law].success, (name, law)
            assert why in outcomes[law].found, (name, law)
    outcomes = outcomes_of(spark, gone, before, laws=cleaned.GATES)
    assert COMPARING - {name for name, o in outcomes.items() if not o.success} == {
        "languages_are_distributed_as_before"
    }


def test_bounds_and_severity_are_the_recipes(spark: SparkSession, before: Publication) -> None:
    corrupt, _ = CORRUPTIONS["few_replacement_characters"]

    def judged(**gate: Any) -> Outcome:
        gates = SECTION.gates.model_copy(update={"encoding": SECTION.gates.encoding.model_copy(update=gate)})
        section = SECTION.model_copy(update={"gates": gates})
        rows = corrupt(crawl())
        return outcomes_of(spark, rows, before, laws=cleaned.GATES, section=section)["few_replacement_characters"]

    assert judged().blocks
    assert judged(severity="warning").success is False
    assert not judged(severity="warning").blocks
    assert judged(max_replacement=200.0).success
    assert judged(max_replacement=None).success


class Given:
    """A stage that gives the rows it was made with."""

    name: ClassVar[str] = "clean"
    table: ClassVar[str] = "cleaned"
    side_tables: ClassVar[tuple[str, ...]] = ()
    upstream: ClassVar[tuple[str, ...]] = ()
    scope: ClassVar[str] = "snapshot"

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    def fingerprint_parts(self, recipe: Any) -> Mapping[str, Any]:
        return {}

    def run(self, context: StageContext) -> StageOutput:
        return StageOutput(main=table(context.spark, self.rows), operators=operators_of(SECTION), facts=FACTS)


def test_a_refused_candidate_leaves_the_old_version_served(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path / "home")).make("test")
    for snapshot in (EARLIER, SNAPSHOT):
        register(lake, snapshot, [], source="s", licence=None)
    recipe: Any = SimpleNamespace(cleaned=SECTION, name="test")
    workshop = Workshop(
        lake=lake, recipe=recipe, recipe_fingerprint="r", provenance={}, scratch=str(tmp_path / "scratch")
    )

    def clean(snapshot: str, rows: Rows, run: str) -> Any:
        return build(workshop, Given(rows), cleaned.GATES, partition=snapshot, fingerprint="f", run_id=run)

    first = clean(EARLIER, crawl(EARLIER), "r1").publication
    good = clean(SNAPSHOT, crawl(), "r2").publication
    assert first.record["compared_with"] == []
    (compared,) = good.record["compared_with"]
    assert (compared["table"], compared["partition"], compared["publication"]) == ("cleaned", EARLIER, first.id)
    assert good.record["counts"]["by_language"]["de"] == {"documents": 120, "kept": 80}
    assert good.record["counts"]["by_host"]["small.example"] == {"documents": 30, "kept": 20}
    assert good.record["counts"]["by_reason"] == {"gopher_quality.too_short": 134}
    assert good.record["counts"]["by_editor"] == {
        "whitespace": {"documents": 200, "chars_removed": 400}, "mask_pii": {"documents": 40, "chars_removed": -40}
    }  # fmt: skip

    with pytest.raises(GateFailedError, match=r"no_host_is_wiped_out \(.*small\.example, against s1") as raised:
        clean(SNAPSHOT, CORRUPTIONS["no_host_is_wiped_out"][0](crawl()), "r3")
    lake.refresh()
    served = lake.current("cleaned", SNAPSHOT)
    assert served is not None
    assert served.id == good.id
    assert lake.published("cleaned", [SNAPSHOT]).where("kept AND host = 'small.example'").count() == 20
    assert spark.read.parquet(raised.value.candidate).where("kept AND host = 'small.example'").isEmpty()
    failed = lake.at("audits").where("NOT success AND severity = 'error'").collect()
    assert [(row["expectation"], row["partition"]) for row in failed] == [("no_host_is_wiped_out", SNAPSHOT)]

    again = clean(EARLIER, crawl(EARLIER)[:390], "r4").publication
    lake.refresh()
    assert again.id != first.id
    assert stale_reason(lake, "cleaned", SNAPSHOT, "f") is None, "what a snapshot was compared with does not make it"
    assert good.inputs == ()

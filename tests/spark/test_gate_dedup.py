"""The guards of dedup: for each a table of published shape that exactly it refuses, and what they do not judge."""

import dataclasses
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from expectations import dedup_guards, deduped
from expectations.gate import Audited, Outcome, audit
from spark_jobs.dedup.tally import as_counts, tally
from spark_jobs.lake.records import Publication
from spark_jobs.recipe.sections.deduped import DedupedSection
from spark_jobs.stages.stage import OperatorRecord
from tests.spark.published import EARLIER, SNAPSHOT, Reader, captured, doc, frame

Rows = list[dict[str, Any]]
LAWS = (*deduped.LAWS, *dedup_guards.GUARDS)
SECTION = DedupedSection()
FIRST = "s0"
GROUPS = range(100)
# One word of sixty differs: 56 shingles of five words on both sides, five of which hold the word.
NEAR = 51 / 61


class Third(Reader):
    """A lake in which two snapshots come before the one that is audited."""

    def snapshots(self) -> tuple[str, ...]:
        return (FIRST, EARLIER, SNAPSHOT)


def text(group: int, member: int) -> str:
    """Members 0 and 3 of a group are duplicates: of even groups the same, of odd ones with one word changed."""
    own = group if member in (0, 3) else 1000 * member + group
    words = [f"w{own}{chr(97 + n % 26)}{chr(97 + n // 26)}".translate(str.maketrans("0123456789", "abcdefghij"))
             for n in range(60)]  # fmt: skip
    if member == 3 and group % 2:
        words[30] = "changed"
    return " ".join(words)


def host(group: int) -> str:
    return "small.example" if group >= 92 else f"h{group % 4}.example"


def cleaned_rows() -> Rows:
    """400 documents of the snapshot, and of the earlier one what tens of its groups are copies of."""
    rows = []
    for group in GROUPS:
        source = "rare" if 84 <= group < 92 else "common"
        place = {"host": host(group), "source": source, "kept": True}
        rows += [
            {"snapshot": SNAPSHOT, "doc_id": doc(4 * group + member), "text": text(group, member), **place}
            for member in range(4)
        ]
        if group % 10 == 5:
            rows.append({"snapshot": EARLIER, "doc_id": doc(1000 + group), "text": text(group, 0), **place})
    return rows


def deduped_rows(snapshot: str = SNAPSHOT) -> Rows:
    rows = []
    for group in GROUPS:
        for member in range(4):
            n = 4 * group + member
            kept = {
                "snapshot": snapshot, "doc_id": doc(n), "kept": True, "cluster_id": f"{snapshot}/{doc(n)}",
                "chars_cut": 0, **captured(n),
            }  # fmt: skip
            if member != 3:
                rows.append(kept)
                continue
            where, survivor = (EARLIER, doc(1000 + group)) if group % 10 == 5 else (snapshot, doc(4 * group))
            exact = group % 2 == 0
            rows.append({
                **kept, "kept": False, "cluster_id": f"{where}/{survivor}", "survivor_snapshot": where,
                "survivor_id": survivor, "linked_snapshot": where, "linked_to": survivor,
                "duplicate_step": "exact_bytes" if exact else "minhash", "similarity": 1.0 if exact else NEAR,
            })  # fmt: skip
    return rows


def earlier_rows() -> Rows:
    return [
        {
            "snapshot": EARLIER, "doc_id": doc(1000 + g), "kept": True, "cluster_id": f"{EARLIER}/{doc(1000 + g)}",
            "chars_cut": 0, **captured(1000 + g),
        }
        for g in GROUPS if g % 10 == 5
    ]  # fmt: skip


OPERATORS = (OperatorRecord(name="dedup", kind="dedup", version=1, params={}, fingerprint="f"),)


def published_before(spark: SparkSession, rows: Rows, partition: str = EARLIER, fingerprint: str = "f") -> Publication:
    tallied = tally(frame(spark, "deduped", rows), SNAPSHOT)
    record = {
        "counts": {"rows": tallied.documents, "kept": tallied.kept, **as_counts(tallied)},
        "operators": [{**dataclasses.asdict(OPERATORS[0]), "fingerprint": fingerprint}],
    }
    return Publication("deduped", partition, 1, datetime(2024, 1, 1, tzinfo=UTC), record)


def outcomes_of(
    spark: SparkSession, rows: Rows, *, cleaned: Rows | None = None, before: Publication | None = None,
    section: DedupedSection = SECTION, laws: Any = LAWS, reader: type[Reader] = Third, signed: Rows | None = None,
) -> dict[str, Outcome]:  # fmt: skip
    frames: dict[str, DataFrame] = {
        "cleaned": frame(spark, "cleaned", cleaned_rows() if cleaned is None else cleaned),
        "scored": frame(spark, "scored", [{"snapshot": SNAPSHOT, "doc_id": row["doc_id"]} for row in rows]),
        "deduped": frame(spark, "deduped", earlier_rows()),
        "signatures": frame(spark, "signatures", earlier_rows()),
    }
    audited = Audited(
        candidate=frame(spark, "deduped", rows), side={"signatures": frame(spark, "signatures", signed or [])},
        inputs=reader(frames, {} if before is None else {("deduped", EARLIER): before}),
        recipe=SimpleNamespace(deduped=section), partition=SNAPSHOT, facts={"min_similarity": 0.8},  # type: ignore[arg-type]
        operators=OPERATORS,
    )  # fmt: skip
    return {outcome.name: outcome for outcome in audit(laws, audited)}


@pytest.fixture(scope="module")
def before(spark: SparkSession) -> Publication:
    """The snapshot before had as many duplicates of each kind."""
    return published_before(spark, deduped_rows())


def where(test: Callable[[int, int], bool], **values: Any) -> Callable[[Rows], Rows]:
    """Rows whose group and member the test takes, changed; a value may be made from the group and the member."""

    def changed(rows: Rows) -> Rows:
        out = []
        for row in rows:
            group, member = divmod(int(row["doc_id"], 16), 4)
            given = {k: v(group, member) if callable(v) else v for k, v in values.items()}
            out.append({**row, **given} if test(group, member) else row)
        return out

    return changed


def copy_of(n: int, step: str = "another_step") -> dict[str, Any]:
    """A duplicate of a kept document of this snapshot by a step whose evidence is no whole text."""
    return {"kept": False, "duplicate_step": step, "similarity": 0.9, "survivor_snapshot": SNAPSHOT,
            "survivor_id": doc(n), "linked_snapshot": SNAPSHOT, "linked_to": doc(n)}  # fmt: skip


SMALL = 4 * 92  # a kept document of small.example
CORRUPTIONS: Mapping[str, tuple[Callable[[Rows], Rows], str]] = {
    "evidence_is_there": (where(lambda g, m: (g, m) == (1, 3), linked_to=doc(77_777)), ""),
    "no_cluster_swallows_the_snapshot": (
        where(lambda g, m: g < 40 and m in (1, 2), cluster_id=f"{SNAPSHOT}/{doc(0)}"), "82 of 400 documents are in s2/",
    ),
    "hosts_keep_their_documents": (
        where(lambda g, m: host(g) == "h3.example" and (g, m) not in ((3, 0), (3, 1), (7, 0), (7, 1)), **copy_of(0)),
        "h3.example: 88 of 92, to other hosts",
    ),
    "no_host_is_wiped_out": (where(lambda g, _: g >= 92, **copy_of(0)), "small.example: 32 of 32"),
    "no_source_is_wiped_out": (where(lambda g, _: 84 <= g < 92, **copy_of(SMALL)), "rare: 32 of 32"),
    "repeats_are_as_frequent_as_before": (
        where(lambda _, m: m in (1, 2), cluster_id=lambda g, _: f"{SNAPSHOT}/{doc(4 * g)}"),
        "repeated within the snapshot went from 0.225 of 400 to 0.725 of 400, against s1",
    ),
    "known_documents_are_as_frequent_as_before": (
        where(lambda _, m: m in (1, 2), cluster_id=lambda g, m: f"{EARLIER}/{doc(5000 + 4 * g + m)}"),
        "copies of earlier snapshots went from 0.025 of 400 to 0.525 of 400",
    ),
    "steps_remove_as_much_as_before": (
        where(
            lambda g, m: m == 1 or (m == 2 and g % 2), **{
                **copy_of(0), "survivor_id": lambda g, _: doc(4 * g), "linked_to": lambda g, _: doc(4 * g),
            },
        ),
        "another_step went from 0.000 of 400 to 0.375 of 400",
    ),
    "similarities_are_true": (
        where(lambda g, m: (g, m) == (1, 3), similarity=0.9),
        "1 with another similarity of 100 removed documents checked against the texts of s2, s1",
    ),
}  # fmt: skip
NARROW = DedupedSection.model_validate({"gates": {"largest_cluster": {"max_share": 0.2}}})


def test_every_guard_has_a_corruption() -> None:
    assert set(CORRUPTIONS) | {"removed_documents_are_duplicates"} == {law.name for law in dedup_guards.GUARDS}


def test_a_table_of_published_shape_passes(spark: SparkSession, before: Publication) -> None:
    outcomes = outcomes_of(spark, deduped_rows(), before=before, section=NARROW)
    assert [name for name, outcome in outcomes.items() if not outcome.success] == []
    assert "0 wrong of 100 removed documents checked" in outcomes["removed_documents_are_duplicates"].found
    assert outcomes["steps_remove_as_much_as_before"].found.endswith("against s1")


@pytest.mark.parametrize("law", list(CORRUPTIONS))
def test_a_corruption_is_found_by_exactly_its_guard(spark: SparkSession, before: Publication, law: str) -> None:
    corrupt, told = CORRUPTIONS[law]
    outcomes = outcomes_of(spark, corrupt(deduped_rows()), before=before, section=NARROW)
    assert {name for name, outcome in outcomes.items() if not outcome.success} == {law}
    assert told in outcomes[law].found


@pytest.mark.parametrize("odd", [1, 0], ids=["near", "exact"])
def test_removed_documents_that_are_no_duplicates_are_found(spark: SparkSession, before: Publication, odd: int) -> None:
    """The stored evidence says .836 or 1; the texts, which nobody else looks at again, say no."""
    replaced = where(lambda g, m: g % 2 == odd and g < 4 and m == 3, text="a page about something else " * 20)
    rows = [*replaced([r for r in cleaned_rows() if r["snapshot"] == SNAPSHOT]),
            *(r for r in cleaned_rows() if r["snapshot"] == EARLIER)]  # fmt: skip
    outcomes = outcomes_of(spark, deduped_rows(), cleaned=rows, before=before)
    assert {name for name, o in outcomes.items() if not o.success} == {"removed_documents_are_duplicates"}
    assert outcomes["removed_documents_are_duplicates"].blocks
    assert "2 wrong of 100" in outcomes["removed_documents_are_duplicates"].found
    assert "something else" not in outcomes["removed_documents_are_duplicates"].found
    wide = DedupedSection.model_validate({"gates": {"recheck": {"min_precision": 0.98}}})
    assert outcomes_of(spark, deduped_rows(), cleaned=rows, section=wide, laws=dedup_guards.GUARDS)[
        "removed_documents_are_duplicates"
    ].success


def test_the_sample_is_the_same_however_often_it_is_drawn(spark: SparkSession) -> None:
    section = DedupedSection.model_validate({"gates": {"recheck": {"documents": 10}}})
    law = [law for law in dedup_guards.GUARDS if law.name == "removed_documents_are_duplicates"]
    told = {outcomes_of(spark, rows, section=section, laws=law)[law[0].name].found
            for rows in (deduped_rows(), list(reversed(deduped_rows())))}  # fmt: skip
    assert told == {"held: 0 wrong of 10 removed documents checked against the texts of s2, s1"}
    off = DedupedSection.model_validate({"gates": {"recheck": {"documents": 0}}})
    assert "asks for no documents" in outcomes_of(spark, deduped_rows(), section=off, laws=law)[law[0].name].found


def test_evidence_can_be_a_document_that_filters_dropped(spark: SparkSession) -> None:
    law = [law for law in dedup_guards.GUARDS if law.name == "evidence_is_there"]
    rows = where(lambda g, m: (g, m) == (1, 3), linked_to=doc(9000), linked_snapshot=SNAPSHOT)(deduped_rows())
    dropped = [{"snapshot": SNAPSHOT, "doc_id": doc(n)} for n in (*range(400), 9000)]
    section = DedupedSection(participants="cleaned")
    assert not outcomes_of(spark, rows, laws=law)[law[0].name].success
    for signed, held in ((dropped, True), (dropped[:-1], False)):
        assert outcomes_of(spark, rows, section=section, laws=law, signed=signed)[law[0].name].success is held


def test_a_document_is_not_its_own_evidence(spark: SparkSession) -> None:
    law = [law for law in dedup_guards.GUARDS if law.name == "evidence_is_there"]
    rows = where(lambda g, m: (g, m) == (1, 3), linked_to=doc(7), linked_snapshot=SNAPSHOT)(deduped_rows())
    assert not outcomes_of(spark, rows, laws=law)[law[0].name].success


DRIFT = ("repeats_are_as_frequent_as_before", "known_documents_are_as_frequent_as_before",
         "steps_remove_as_much_as_before")  # fmt: skip


def test_what_cannot_be_compared_passes_and_says_why(spark: SparkSession, before: Publication) -> None:
    none = [{**row, "kept": True, "duplicate_step": None, "cluster_id": f"{SNAPSHOT}/{row['doc_id']}"}
            for row in deduped_rows()]  # fmt: skip
    old = dataclasses.replace(before, record={**before.record, "counts": {"rows": 400, "kept": 300, "by_reason": {}}})
    cases = {
        "first": (None, Third, "the first snapshot that was deduped by these rules"),
        "other rules": (published_before(spark, deduped_rows(), fingerprint="g"), Third, "deduped by these rules"),
        "a record without the counts": (old, Third, "deduped by these rules"),
        "few documents": (published_before(spark, deduped_rows()[:90]), Third, "90 documents are fewer than 100"),
    }
    laws = [law for law in dedup_guards.GUARDS if law.name in DRIFT]
    narrow = DedupedSection.model_validate({"gates": {"drift": {"max_change": 0.1}}})
    for name, (earlier, reader, why) in cases.items():
        outcomes = outcomes_of(spark, none, before=earlier, laws=laws, reader=reader, section=narrow)
        assert all(outcome.success and why in outcome.found for outcome in outcomes.values()), name
    second = outcomes_of(spark, none, before=before, laws=laws, reader=Reader, section=narrow)
    assert {name for name, outcome in second.items() if not outcome.success} == {"repeats_are_as_frequent_as_before"}
    assert "which has no snapshot before it" in second["known_documents_are_as_frequent_as_before"].found


def test_copies_within_a_host_take_nothing_from_it(spark: SparkSession) -> None:
    """A snapshot of pages that were there before, at the same places, is no loss to anybody."""
    rows = []
    for row in deduped_rows():
        group = int(row["doc_id"], 16) // 4
        rows.append({**row, **copy_of(4 * group)})
    losses = ("hosts_keep_their_documents", "no_host_is_wiped_out", "no_source_is_wiped_out")
    outcomes = outcomes_of(spark, rows, laws=[law for law in dedup_guards.GUARDS if law.name in losses])
    assert all(outcome.success for outcome in outcomes.values())


def test_bounds_and_severity_are_the_recipes(spark: SparkSession, before: Publication) -> None:
    corrupt, _ = CORRUPTIONS["no_source_is_wiped_out"]
    law = [law for law in dedup_guards.GUARDS if law.name == "no_source_is_wiped_out"]

    def judged(**gate: Any) -> Outcome:
        section = DedupedSection.model_validate({"gates": {"sources": gate}})
        return outcomes_of(spark, corrupt(deduped_rows()), laws=law, section=section)[law[0].name]

    assert judged().blocks
    assert not judged(severity="warning").blocks
    assert not judged(severity="warning").success
    assert judged(min_documents=33).success
    assert judged(min_documents=None).success

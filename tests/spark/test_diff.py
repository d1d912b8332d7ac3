"""A diff says of every document that is not the same what it is for, adds up, and is the same from either side."""

import json
from collections import Counter
from typing import Any

import pytest
from pyspark.sql import SparkSession

from orchestration.diff import render
from spark_jobs.analysis.blame import MEANING
from spark_jobs.analysis.diff import diff
from spark_jobs.analysis.pairs import ADDED, KINDS, REMOVED
from spark_jobs.analysis.released import Released
from spark_jobs.lake.releases import find_release
from tests.spark.releases_lake import FIRST, ONE, SECOND, Document, ReleasesLake, State, doc
from tests.spark.two_releases import EXPECTED, publish

Releases = tuple[Released, Released]


@pytest.fixture(scope="module")
def releases(made: ReleasesLake) -> Releases:
    return released(made, FIRST), released(made, SECOND)


@pytest.fixture(scope="module")
def found(releases: Releases) -> dict[str, Any]:
    return diff(*releases, examples=50, with_text=True)


def released(lake: Any, name: str) -> Released:
    return Released.of(lake, find_release(lake, name))


def causes(found: dict[str, Any]) -> dict[str, tuple[str, str, str]]:
    """By document its kind, cause and detail; fails if one has two."""
    told = {row["doc_id"]: (row["kind"], row["cause"], row["detail"]) for row in found["examples"]}
    assert len(told) == len(found["examples"])
    return told


def test_every_document_that_differs_has_its_one_cause(found: dict[str, Any]) -> None:
    told = causes(found)
    for number, (kind, cause, detail) in EXPECTED.items():
        assert told.get(doc(number), ("same", "", ""))[:2] == (kind, cause), number
        assert told[doc(number)][2].startswith(detail), number
    assert set(told) == {doc(number) for number in EXPECTED}
    assert {cause for _, cause, _ in told.values()} <= set(MEANING)


def test_counts_and_tokens_by_cause_are_those_of_the_documents(found: dict[str, Any]) -> None:
    counted = Counter((row["kind"], row["cause"], row["detail"]) for row in found["examples"])
    assert {(row["kind"], row["cause"], row["detail"]): row["documents"] for row in found["causes"]} == dict(counted)
    for row in found["causes"]:
        for name in ("by_source", "by_language"):
            for sums in ("documents", "tokens_before", "tokens_after"):
                assert sum(value[sums] for value in row[name]) == row[sums], (row, name)
    bound = next(row for row in found["causes"] if row["cause"] == "filter" and row["kind"] == REMOVED)
    assert {value["name"]: value["documents"] for value in bound["by_language"]} == {"en": 2, "de": 1}
    assert bound["tokens_before"] == 100 + 100 + 20
    assert bound["tokens_after"] == 0


def test_what_was_removed_added_and_changed_makes_the_later_release_of_the_earlier(
    found: dict[str, Any], made: ReleasesLake
) -> None:
    assert found["balance"]["balanced"]
    for name, release in (("before", FIRST), ("after", SECOND)):
        rows = made.at("mixed").where(f"release = '{release}'").select("tokens", "copies").collect()
        assert found[name]["documents"] == len(rows)
        assert found[name]["tokens"] == sum(row["tokens"] * row["copies"] for row in rows)
    assert found["unchanged"] == 2, "documents 1 and 20"


def test_what_of_the_recipe_differs_is_listed(found: dict[str, Any]) -> None:
    told = {(change["table"], change["told"]) for change in found["recipe"]}
    assert ("cleaned", "gopher_quality.min_words 50 -> 80") in told
    assert ("cleaned", "c4_quality taken out") in told
    assert ("mixed", "top_fraction.fraction 0.9 -> 0.8") in told
    assert ("rewritten", "rewire.thinking True -> False") in told
    assert not [change for change in found["recipe"] if change["table"] == "deduped"]


def test_from_the_other_side_what_was_added_was_removed(releases: Releases, found: dict[str, Any]) -> None:
    back = diff(releases[1], releases[0], examples=50)
    assert back["balance"]["balanced"]
    turned = {REMOVED: ADDED, ADDED: REMOVED}
    kinds = {key: turned.get(kind, kind) for key, (kind, _, _) in causes(found).items()}
    assert {key: kind for key, (kind, _, _) in causes(back).items()} == kinds
    told = causes(back)
    assert told[doc(2)] == (ADDED, "filter", "gopher_quality.min_words 80 -> 50")
    assert told[doc(30)] == (REMOVED, "snapshot", "snapshot two")


def test_a_release_is_the_same_as_itself(releases: Releases) -> None:
    same = diff(releases[0], releases[0], examples=3)
    assert same["causes"] == same["examples"] == same["recipe"] == []
    assert same["unchanged"] == same["before"]["documents"]
    assert same["balance"]["balanced"]


def test_releases_of_two_lakes_are_compared_as_those_of_one(made: ReleasesLake, found: dict[str, Any]) -> None:
    other = ReleasesLake(made.spark, "elsewhere")
    publish(other)
    across = diff(released(other, FIRST), released(made, SECOND), examples=50)
    assert causes(across) == causes(found)
    assert [across[side]["home"] for side in ("before", "after")] == ["elsewhere", "home"]


def test_text_is_shown_only_where_it_is_asked_for(releases: Releases, found: dict[str, Any]) -> None:
    without = diff(*releases, examples=50)
    assert "Zwölf" not in json.dumps(without, ensure_ascii=False)
    assert all("text" not in row for row in without["examples"])
    texts = {row["doc_id"]: row["text"] for row in found["examples"]}
    assert texts[doc(12)]["diff"]["lines"][-2:] == ["-Zwölf, as it was.", "+Zwoelf, as it is."]
    assert texts[doc(2)]["beginning"] == "The text of document 2."
    assert len(diff(*releases, examples=1)["examples"]) == len(found["causes"])


def test_a_person_reads_the_causes_and_that_they_add_up(found: dict[str, Any]) -> None:
    text = render(found)
    assert "the counts balance" in text
    assert "filter: gopher_quality.min_words 50 -> 80" in text
    assert "+Zwoelf, as it is." in text
    wrong = {**found, "balance": {"balanced": False, "documents": 1, "tokens": 2}}
    assert "THE COUNTS DO NOT BALANCE" in render(wrong)
    assert [kind for kind in KINDS if found["kinds"][kind]["documents"]] == list(KINDS)


def test_a_survivor_since_a_takedown_is_told_to_be_one(spark: SparkSession) -> None:
    made = ReleasesLake(spark)
    then, now = (State([Document(1), Document(2, asked=asked)], elected=not asked) for asked in (False, True))
    made.raw(ONE, then.documents)
    made.publish(then, FIRST, [ONE])
    made.publish(now, SECOND, [ONE])
    found = diff(released(made, FIRST), released(made, SECOND), examples=2)
    assert causes(found) == {doc(2): (ADDED, "takedown", "survivor since a takedown")}
    assert found["balance"]["balanced"]

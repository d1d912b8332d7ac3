"""The look at clusters: counts by hand, the same in the command, its JSON and the report, and texts only when asked."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession

from orchestration.clusters import clusters_of, gather, printable, render
from orchestration.progress import Progress
from orchestration.report_page.page import draw
from orchestration.report_page.section import Subject
from orchestration.report_page.sections import clusters as section
from spark_jobs.analysis import clusters as analysis
from spark_jobs.analysis import text_diff
from spark_jobs.errors import NotFoundError
from tests.spark.dedup_lake import DedupLake, Page, doc_id, page

MIRROR, PLAIN = "mirror.example", "a.example"
FIRST = {
    "a": Page(page("a"), score=0.9), "a copy": Page(page("a"), host=MIRROR), "a near": Page(page("a", 1), score=0.6),
    "b": Page(page("b")), "b on mirror": Page(page("b", 2), host=MIRROR, score=0.1), "dropped": Page("x", kept=False),
}  # fmt: skip
SECOND = {
    "a later": Page(page("a", 1)), "b later": Page(page("b"), host="c.example"), "d": Page(page("d")),
    "d twin": Page(page("d"), score=0.1),
}  # fmt: skip


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DedupLake:
    made = DedupLake(spark, tmp_path_factory.mktemp("clusters"))
    for snapshot, pages in (("s1", FIRST), ("s2", SECOND)):
        made.crawl(snapshot, pages)
        made.dedup(snapshot)
    return made


@pytest.fixture(scope="module")
def first(lake: DedupLake) -> dict[str, Any]:
    return gather(analysis.clustered(lake.lake, "s1"), top=10, with_text=False)


def test_every_number_is_what_the_pages_say(first: dict[str, Any]) -> None:
    lengths = {name: len(one.text) for name, one in FIRST.items()}
    assert first["all"] == {
        "documents": 5, "kept": 2, "clusters": 2, "of_earlier": 0, "bridges": 0, "largest": 3, "tokens": 500,
        "characters": sum(length for name, length in lengths.items() if name != "dropped"),
    }  # fmt: skip
    assert first["steps"] == [
        {"step": "minhash", "documents": 2, "characters": lengths["a near"] + lengths["b on mirror"], "tokens": 200,
         "of_earlier": 0},
        {"step": "exact_bytes", "documents": 1, "characters": lengths["a copy"], "tokens": 100, "of_earlier": 0},
    ]  # fmt: skip
    assert first["sizes"] == [
        {"from": 2, "to": 2, "clusters": 1, "documents": 2, "kept": 1, "largest": 2},
        {"from": 3, "to": 4, "clusters": 1, "documents": 3, "kept": 1, "largest": 3},
    ]
    assert first["counts_tokens"]


def test_the_largest_clusters_name_their_members_and_hosts(first: dict[str, Any]) -> None:
    a, b = first["largest"]
    assert (a["size"], a["documents"], a["kept"], a["hosts_in_all"]) == (3, 3, 1, 2)
    assert a["survivor"] == {"snapshot": "s1", "doc_id": doc_id("a"), "url": "https://a.example/a", "host": PLAIN}
    assert a["hosts"] == [{"name": PLAIN, "documents": 2}, {"name": MIRROR, "documents": 1}]
    assert [(m["doc_id"], m["duplicate_step"]) for m in a["members"]] == [
        (doc_id("a near"), "minhash"), (doc_id("a copy"), "exact_bytes"),
    ]  # fmt: skip
    assert a["members"][0]["similarity"] == a["lowest_similarity"] == 91 / 101
    assert b["size"] == 2


def test_hosts_copy_from_each_other(first: dict[str, Any]) -> None:
    hosts = first["hosts"]
    assert (hosts["within"], hosts["between"], hosts["pairs"]) == (1, 2, 1)
    assert hosts["listed"] == [
        {"first": PLAIN, "second": MIRROR, "documents": 2, "removed_of_first": 0, "removed_of_second": 2}
    ]


def test_a_later_snapshot_speaks_of_the_earlier_one(lake: DedupLake) -> None:
    second = gather(analysis.clustered(lake.lake, "s2"), top=1, with_text=True)
    assert (second["all"]["of_earlier"], second["all"]["kept"], second["all"]["clusters"]) == (2, 1, 3)
    assert {row["step"]: row["of_earlier"] for row in second["steps"]} == {"exact_bytes": 2}
    (largest,) = second["largest"]
    assert (largest["size"], largest["documents"], largest["kept"]) == (4, 1, 0)
    assert largest["survivor"]["snapshot"] == "s1"
    assert [row["from"] for row in second["sizes"]] == [2, 3]
    assert second["hosts"]["listed"][0]["second"] == "c.example"
    assert not largest["diff"]["same"]
    assert len([line for line in largest["diff"]["lines"] if line.startswith("-") and "---" not in line]) == 1


def test_texts_are_read_only_when_asked_for(lake: DedupLake, monkeypatch: pytest.MonkeyPatch) -> None:
    found = analysis.clustered(lake.lake, "s1")
    asked: list[str] = []
    documents = analysis.Clustered.documents

    def noting(self: Any, snapshots: Any, *columns: str) -> Any:
        asked.extend(columns)
        return documents(self, snapshots, *columns)

    monkeypatch.setattr(analysis.Clustered, "documents", noting)
    assert gather(found, top=2, with_text=False)["largest"][0]["diff"] is None
    assert "text" not in asked
    (a, b) = gather(found, top=2, with_text=True)["largest"]
    assert "text" in asked
    assert a["diff"]["doc_id"] == doc_id("a near")
    assert sum(line.startswith("+") for line in b["diff"]["lines"]) == 3, "two sentences and the heading"


@pytest.mark.heavy
def test_what_was_taken_down_is_not_shown(spark: SparkSession, tmp_path: Path) -> None:
    """Before anything is built again the old publication still lists it; its text and URL are not given out."""
    made = DedupLake(spark, tmp_path)
    made.crawl("s1", {"a": Page(page("a"), score=0.9), "a near": Page(page("a", 1))})
    made.dedup("s1")
    made.suppress("a")
    (cluster,) = gather(analysis.clustered(made.lake, "s1"), top=5, with_text=True)["largest"]
    assert cluster["survivor"]["url"] is None
    assert cluster["diff"] is None
    assert "(no URL known)" in render(
        gather(analysis.clustered(made.lake, "s1"), top=5, with_text=True) | {"stale": []}
    )


def test_what_levels_of_text_cut_is_counted_where_there_are_cuts(spark: SparkSession, lake: DedupLake) -> None:
    rows = [("a", True, [("lines", 10), ("lines", 5), ("paragraphs", 40)]), ("b", True, [("lines", 1)]),
            ("c", False, [("lines", 99)]), ("d", True, None)]  # fmt: skip
    columns = "doc_id STRING, kept BOOLEAN, cuts ARRAY<STRUCT<step: STRING, length: BIGINT>>"
    assert analysis.cuts(spark.createDataFrame(rows, columns)) == [
        {"step": "paragraphs", "documents": 1, "pieces": 1, "characters": 40},
        {"step": "lines", "documents": 2, "pieces": 3, "characters": 16},
    ]
    assert analysis.cuts(analysis.clustered(lake.lake, "s1").deduped.drop("cuts")) == []


def test_the_command_prints_it_and_names_the_nearest_snapshot(lake: DedupLake) -> None:
    told = clusters_of(lambda: lake.workshop, Progress(), "s1", top=1, with_text=True)
    text = render(told)
    lines = text.splitlines()
    assert lines[0] == "deduped/s1 version 1: 2 of 5 documents kept, 2 clusters"
    assert lines[1].startswith("near-duplicates: ")
    assert "(long texts" not in text
    assert any("minhash 0.901" in line and "https://a.example/a near" in line for line in lines)
    assert max(map(len, lines)) <= 140 + 40
    with pytest.raises(NotFoundError, match=r"s11: no such snapshot in deduped; did you mean s1\?"):
        clusters_of(lambda: lake.workshop, Progress(), "s11", top=1, with_text=False)


def subject(lake: DedupLake, publication: Any, examples: int) -> Subject:
    return Subject(lake=lake.lake, publication=publication, stored=None, examples=examples, seed=0)  # type: ignore[arg-type]


def test_the_report_has_the_section_once_the_snapshot_is_deduped(lake: DedupLake) -> None:
    cleaned = lake.lake.current("cleaned", "s1")
    shown = section.gather(subject(lake, cleaned, 0))
    assert shown is not None
    assert shown["found"]["largest"][0]["size"] == 3
    assert shown["removed"] == {"documents": 3, "tokens": 300, "characters": shown["removed"]["characters"]}
    assert doc_id("a near") in (drawn := draw(section.SECTION, shown))
    assert '<pre class="diff"' not in drawn
    with_text = section.gather(subject(lake, cleaned, 2))
    assert with_text is not None
    assert '<pre class="diff"' in draw(section.SECTION, with_text)
    other = SimpleNamespace(id="another", partition="s1")
    assert section.gather(subject(lake, other, 0)) is None
    assert section.gather(subject(lake, SimpleNamespace(id="another", partition="s9"), 0)) is None


# text


def test_a_long_paragraph_is_compared_by_sentence() -> None:
    text, other = page("p", 0, 200), page("p", 1, 200)
    found = text_diff.diff(text, other)
    assert len(found["lines"]) == 2 + 1 + 2 + 2
    assert not found["same"]
    assert text_diff.diff(text, text) == {"lines": [], "more": 0, "same": True, "cut": False}
    assert text_diff.diff("a\n\n  \nb", "a\nb")["lines"] == []


def test_a_diff_is_bounded_however_long_the_texts_are() -> None:
    found = text_diff.diff(
        "".join(f"line {n}\n" for n in range(50_000)), "".join(f"other {n}\n" for n in range(50_000))
    )
    assert len(found["lines"]) == text_diff.LINES
    assert found["more"] > 1000
    assert found["cut"]


def test_a_terminal_gets_no_control_characters() -> None:
    assert printable("a\x1b[31mb\u202ec\x00\x9b\u2028é日") == "a␛[31mb\ufffdc␀\ufffd\ufffdé日"

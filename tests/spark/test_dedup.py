"""The dedup stage on small planted corpora: conservation, evidence, increments, and the same rows however it is run."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from spark_jobs.dedup.components import components
from spark_jobs.dedup.scratch import Scratch
from spark_jobs.errors import LakeError, ProvenderError, RecipeError
from spark_jobs.lake.digest import digest_of
from spark_jobs.recipe.sections.deduped import DedupedSection
from spark_jobs.stages.dedup import Dedup
from spark_jobs.stages.stage import StageContext


def words(seed: str, count: int) -> list[str]:
    """Words that no other seed has."""
    letters = str.maketrans("0123456789abcdef", "ghijklmnopqrstuv")
    return [hashlib.md5(f"{seed} {number}".encode()).hexdigest()[:8].translate(letters) for number in range(count)]


def page(seed: str, count: int = 200, edits: int = 0, tag: str = "") -> str:
    """A text of words; each edit replaces one word and costs up to five shingles on both sides."""
    text = words(seed, count)
    for number in range(edits):
        text[(number * 37 + 11) % count] = words(f"edit {seed} {tag} {number}", 1)[0]
    return " ".join(text)


@dataclass
class FakeLake:
    """What a stage reads, kept as Parquet."""

    spark: Any
    home: Path
    order: list[str] = field(default_factory=list)

    def add(
        self, snapshot: str, texts: Mapping[str, str], *, kept: Sequence[str] | None = None, scores: Any = None,
        urls: Any = None, dates: Any = None,
    ) -> None:  # fmt: skip
        """A snapshot whose documents are named by short names; `kept` (default: all) are scored."""
        date = datetime(2021, 8, 1, tzinfo=UTC)
        rows = [
            (snapshot, doc_id(name), url, url, (dates or {}).get(name, date), text, kept is None or name in kept)
            for name, text in texts.items()
            for url in [(urls or {}).get(name)]
        ]
        columns = (
            "snapshot STRING, doc_id STRING, url STRING, canonical_url STRING, captured_at TIMESTAMP, text STRING, "
            "kept BOOLEAN"
        )
        self.write("cleaned", snapshot, self.spark.createDataFrame(rows, columns))
        scored = [(snapshot, doc_id(name), (scores or {}).get(name, 0.5)) for name in (texts if kept is None else kept)]
        columns = "snapshot STRING, doc_id STRING, quality__score DOUBLE"
        self.write("scored", snapshot, self.spark.createDataFrame(scored, columns))
        self.order.append(snapshot)

    def write(self, table: str, partition: str, frame: Any) -> None:
        frame.write.mode("overwrite").parquet(f"{self.home}/{table}/{partition}")

    def partition(self, table: str, partition: str) -> Any:
        frame = self.spark.read.parquet(f"{self.home}/{table}/{partition}")
        return self.shape(frame) if table in ("cleaned", "scored") else frame

    def partitions(self, table: str, partitions: Sequence[str] | None = None) -> Any:
        return self.spark.read.parquet(*(f"{self.home}/{table}/{name}" for name in partitions or self.order))

    def snapshots(self) -> tuple[str, ...]:
        return tuple(self.order)

    def shape(self, frame: Any) -> Any:
        """How the inputs are cut and ordered; tests replace it."""
        return frame

    def dedup(self, snapshot: str, **section: Any) -> SimpleNamespace:
        """Run the stage and publish: rows of deduped by name, facts, and the digests of all frames."""
        context = StageContext(
            spark=self.spark,
            recipe=SimpleNamespace(deduped=DedupedSection.model_validate(section)),
            partition=snapshot,
            inputs=self,
            scratch=f"{self.home}/scratch",
        )
        out = Dedup().run(context)
        frames = {"deduped": out.main, **out.side}
        for table, frame in frames.items():
            self.write(table, snapshot, frame)
        digests = {table: str(digest_of(self.partition(table, snapshot))) for table in frames}
        rows = {NAMES[row["doc_id"]]: row.asDict() for row in self.partition("deduped", snapshot).collect()}
        return SimpleNamespace(rows=rows, facts=out.facts, digests=digests, main=out.main, side=out.side)


NAMES: dict[str, str] = {}


def doc_id(name: str) -> str:
    """A well-formed id."""
    made = hashlib.md5(name.encode()).hexdigest()
    NAMES[made] = name
    return made


def named(row: Mapping[str, Any], what: str) -> str | None:
    return NAMES.get(row[what])


def survivors(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, str | None]:
    return {name: named(row, "survivor_id") for name, row in rows.items()}


@pytest.fixture
def lake(spark: Any, tmp_path: Path) -> FakeLake:
    return FakeLake(spark, tmp_path)


FIRST = {
    "a": page("a"), "a same": page("a"), "a shouted": page("a").upper() + " !!!", "a near": page("a", edits=2),
    "a far": page("a", edits=40), "alone": page("alone"), "short": "too short", "short too": "Too short.", "empty": "",
}  # fmt: skip


def test_every_duplicate_names_its_survivor_and_the_evidence(lake: FakeLake) -> None:
    lake.add("s1", FIRST, scores={"a same": 0.9})
    rows = lake.dedup("s1").rows
    assert survivors(rows) == {
        "a": "a same", "a same": "a same", "a shouted": "a same", "a near": "a same", "a far": "a far",
        "alone": "alone", "short": "short too", "short too": "short too", "empty": "empty",
    }  # fmt: skip
    assert [name for name, row in rows.items() if row["kept"] != (named(row, "survivor_id") == name)] == []
    evidence = {name: (row["duplicate_step"], named(row, "linked_to")) for name, row in rows.items() if not row["kept"]}
    assert evidence == {
        "a": ("exact_bytes", "a same"), "a shouted": ("exact_text", "a same"), "a near": ("minhash", "a same"),
        "short": ("exact_text", "short too"),
    }  # fmt: skip
    assert rows["a"]["similarity"] == 1.0
    # 196 shingles, 2 edits of 5 shingles each on both sides.
    assert rows["a near"]["similarity"] == 186 / 206
    assert {name: row["cluster_size"] for name, row in rows.items()}["a"] == 4
    assert rows["a far"]["cluster_size"] == 1


def test_recipe_order_elects(lake: FakeLake) -> None:
    lake.add("s1", {"long": page("a", 205), "good": page("a", 200)}, scores={"long": 0.1, "good": 0.9})
    assert lake.dedup("s1").rows["good"]["kept"]
    assert lake.dedup("s1", order=["published", "length", "score", "id"]).rows["long"]["kept"]
    with pytest.raises(RecipeError, match="no column 'other__score', but quality__score"):
        lake.dedup("s1", score="other__score")


def planted() -> dict[str, str]:
    """Clusters of 2 to 6, chains, and a template that many pages share without being duplicates."""
    texts = {f"c{c} {m}": page(f"c{c}", 120, edits=m, tag=str(m)) for c in range(6) for m in range(2 + c % 5)}
    texts |= {f"t{n}": " ".join(words("template", 90) + words(f"own {n}", 40)) for n in range(12)}
    return texts


def test_rows_do_not_depend_on_how_the_input_is_cut(lake: FakeLake) -> None:
    lake.add("s1", {name: text for name, text in planted().items() if hash_half(name)})
    lake.add("s2", {f"{name} again": page_again(text) for name, text in planted().items()})
    lake.dedup("s1")
    seen = []
    arrow = "spark.sql.execution.arrow.maxRecordsPerBatch"
    before = lake.spark.conf.get(arrow)
    for partitions, batch in ((1, 512), (2, 5), (7, 3)):
        lake.shape = lambda frame, n=partitions: frame.repartition(n, "doc_id").sortWithinPartitions(*order_of(n))
        lake.spark.conf.set(arrow, str(batch))
        try:
            seen.append(lake.dedup("s2"))
        finally:
            lake.spark.conf.set(arrow, before)
    assert seen[0].digests == seen[1].digests == seen[2].digests
    assert seen[0].facts == seen[1].facts == seen[2].facts
    rows = seen[0].rows
    assert {row["survivor_snapshot"] for row in rows.values()} == {"s1", "s2"}
    assert len(rows) == len(planted())


def hash_half(name: str) -> bool:
    return int(hashlib.md5(name.encode()).hexdigest(), 16) % 2 == 0


def page_again(text: str) -> str:
    return text + " seen again"


def order_of(partitions: int) -> list[Any]:
    from pyspark.sql import functions as F

    return [F.md5(F.concat("doc_id", F.lit(str(partitions))))]


def test_published_survivors_stay_and_a_bridge_is_recorded(lake: FakeLake) -> None:
    """Pages x and y are too different to be one; z is near both."""
    both = words("both", 300)
    x, y = both[:20] + words("x", 12) + both[20:], both + words("y", 24)
    lake.add("s1", {"x": " ".join(x), "y": " ".join(y), "x dup": " ".join(x), "other": page("other")})
    lake.add("s2", {"z": " ".join(both), "z dup": " ".join(both).title(), "new": page("new")}, scores={"z": 1.0})
    lake.add("s3", {"y later": " ".join(y), "z later": page_again(" ".join(both)), "new later": page("new")})
    section = {"minhash": {"min_similarity": 0.9, "bands": 28, "rows": 4}}
    first = lake.dedup("s1", **section).rows
    assert sorted(name for name, row in first.items() if row["kept"]) == ["other", "x", "y"]
    second = lake.dedup("s2", **section).rows
    assert second["new"]["kept"]
    best = min(("x", "y"), key=doc_id)
    assert survivors(second) == {"z": best, "z dup": best, "new": "new"}
    assert second["z"]["cluster_size"] == 5
    joined = [row["joined_clusters"] for row in second.values() if row["joined_clusters"]]
    assert joined == [sorted(f"s1/{doc_id(name)}" for name in ("x", "y"))]
    third = lake.dedup("s3", **section).rows
    assert survivors(third) == {"y later": best, "z later": best, "new later": "new"}
    assert third["y later"]["linked_snapshot"] == "s1"
    assert named(third["y later"], "linked_to") == "y"
    assert third["z later"]["cluster_size"] == 7
    assert not any(row["joined_clusters"] for row in third.values())


def test_a_survivor_taken_down_is_replaced_by_the_best_that_is_left(lake: FakeLake) -> None:
    texts = {"a later": page("a"), "a near": page("a", edits=2), "b later": page("b")}
    lake.add("s1", {"a": page("a"), "a dup": page("a"), "b": page("b")}, scores={"a": 0.9})
    lake.add("s2", texts, scores={"a near": 0.8})
    assert lake.dedup("s1").rows["a"]["kept"]
    published = lake.partition("deduped", "s1")
    kept = lake.spark.createDataFrame(published.where(published.doc_id != doc_id("a")).collect(), published.schema)
    lake.write("deduped", "s1", kept)
    rows = lake.dedup("s2").rows
    assert survivors(rows) == {"a later": "a near", "a near": "a near", "b later": "b"}
    assert named(rows["a later"], "linked_to") == "a dup"
    assert rows["a near"]["cluster_size"] == 3
    assert rows["a near"]["joined_clusters"] == [f"s1/{doc_id('a')}"]


def test_dropped_documents_count_in_clusters_when_the_recipe_says_so(lake: FakeLake) -> None:
    lake.add("s1", {"a": page("a"), "a dropped": page("a", edits=1), "b dropped": page("b")}, kept=["a"])
    lake.add("s2", {"b": page("b", edits=1), "a third": page("a", edits=2)})
    lake.add("s3", {"b again": page("b")})
    sizes, joined = {}, {}
    for snapshot in lake.order:
        rows = lake.dedup(snapshot, participants="cleaned").rows
        assert all(row["survivor_id"] in NAMES for row in rows.values())
        sizes |= {name: (row["kept"], row["cluster_size"]) for name, row in rows.items()}
        joined |= {name: row["joined_clusters"] for name, row in rows.items() if row["joined_clusters"]}
    assert sizes == {"a": (True, 2), "a third": (False, 3), "b": (True, 2), "b again": (False, 3)}
    assert joined == {"b": [f"s1/{doc_id('b dropped')}"]}


def test_an_index_of_other_parameters_is_refused_with_the_way_out(lake: FakeLake) -> None:
    lake.add("s1", {"a": page("a")})
    lake.add("s2", {"b": page("a")})
    lake.dedup("s1")
    with pytest.raises(LakeError, match=r"of s1 was written with other parameters.*dedup those snapshots again"):
        lake.dedup("s2", minhash={"ngram": 4})


def test_without_candidates_everything_is_kept(lake: FakeLake) -> None:
    lake.add("s1", {"a": page("a"), "b": page("b")})
    found = lake.dedup("s1", steps=["minhash"])
    assert all(row["kept"] and row["cluster_size"] == 1 for row in found.rows.values())
    assert found.facts["candidate_pairs"] == 0


def labels(spark: Any, home: Path, edges: list[tuple[str, str]], chunk: int) -> dict[str, str]:
    frame = spark.createDataFrame(edges, "u STRING, v STRING").repartition(3)
    rounds: list[str] = []
    found = components(frame, Scratch(spark, str(home)), count=len(edges), chunk=chunk, say=rounds.append)
    assert len(rounds) <= 12
    return {row.node: row.label for row in found.collect()}


@pytest.mark.parametrize("chunk", [10, 1_000_000])
def test_chains_and_stars_become_components(spark: Any, tmp_path: Path, chunk: int) -> None:
    """A chain of 1,000 in scattered order, a star of 300, and a pair; contracted in rounds, or in one task."""
    chain = sorted((f"c{n:04d}" for n in range(1000)), key=lambda name: hashlib.md5(name.encode()).hexdigest())
    star = [("hub", f"ray{n:03d}") for n in range(300)]
    found = labels(spark, tmp_path, [*pairwise(chain), *star, ("p", "q"), ("q", "p"), ("q", "q")], chunk)
    assert {found[name] for name in chain} == {"c0000"}
    assert {found[name] for _, name in star} == {found["hub"]} == {"hub"}
    assert (found["p"], found["q"]) == ("p", "p")
    assert len(found) == 1303


def test_shingles_that_are_missing_are_an_error_and_no_missed_match(lake: FakeLake) -> None:
    lake.add("s1", {"stored": page("a", 60)})
    lake.dedup("s1")
    kept = lake.partition("signatures", "s1").where("false").toArrow()
    lake.write("signatures", "s1", lake.spark.createDataFrame(kept))
    lake.add("s2", {"near it": page("a", 60, edits=1)})
    with pytest.raises(ProvenderError, match="1 of 1 candidate pairs were not compared"):
        lake.dedup("s2")

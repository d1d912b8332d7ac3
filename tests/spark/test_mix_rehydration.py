"""Rehydration of a release: copies are the weights worked out by hand, over clusters that hold what filters dropped."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from spark_jobs.errors import RecipeError
from spark_jobs.recipe.sections.deduped import DedupedSection
from spark_jobs.recipe.sections.mixed import MixedSection
from spark_jobs.recipe.steps import Step
from spark_jobs.stages.mix import Mix
from spark_jobs.stages.mix_rehydration import check_clusters
from spark_jobs.stages.stage import StageContext
from tests.spark.published import EARLIER, SNAPSHOT, Reader, doc, frame

SIGNALS = "token_count__tokens DOUBLE, token_count__characters DOUBLE"


@dataclass
class Clusters:
    """Documents by cluster: the first survives, `duplicates` follow, and filters dropped `dropped` more."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(
        self, *, duplicates: int = 0, dropped: int = 0, survives: bool = True, language: str = "en", words: int = 9,
        source: str = "docs", snapshot: str = EARLIER,
    ) -> int:  # fmt: skip
        """A cluster of new documents; the number of the first."""
        first = len(self.rows)
        verdicts = ["survivor"] * survives + ["duplicate"] * duplicates + ["dropped"] * dropped
        for n, verdict in enumerate(verdicts, first):
            self.rows.append({
                "snapshot": snapshot, "doc_id": doc(n), "url": f"https://a.example/{n}", "host": "a.example",
                "source": source, "language": language, "text": f"text {n}", "kept": verdict == "survivor",
                "taken": verdict != "dropped", "cluster_id": f"{snapshot}/{doc(first)}", "words": words,
                "capture_id": doc(n),
                "token_count__tokens": 10.0, "token_count__characters": 50.0, "q__p": 0.5,
            })  # fmt: skip
        return first

    def reader(self, spark: SparkSession, partitions: int = 2) -> Reader:
        taken = [row for row in self.rows if row["taken"]]
        frames = {
            "cleaned": frame(spark, "cleaned", [{**row, "kept": row["taken"]} for row in self.rows], SIGNALS),
            "scored": frame(spark, "scored", taken, "q__p DOUBLE"), "deduped": frame(spark, "deduped", taken),
            "signatures": frame(spark, "signatures", self.rows), "rewritten": frame(spark, "rewritten", []),
        }  # fmt: skip
        return Reader({
            name: table.orderBy(F.xxhash64("doc_id", F.lit(partitions))).repartition(partitions)
            for name, table in frames.items()
        })  # fmt: skip


def world() -> Clusters:
    """Removal rates by size: 30/40, 4/20, 6/12, 8/8; over clusters (30 + 2 + 2 + 2) / 56, about .643."""
    made = Clusters()
    for n in range(40):
        made.add(survives=n < 10, dropped=int(n >= 10), source="blogs" if n % 2 else "docs")
    for n in range(10):
        made.add(duplicates=int(n >= 4), dropped=int(n < 4))
    for n in range(4):
        made.add(duplicates=int(n >= 2), dropped=2 - int(n >= 2))
    for _ in range(2):
        made.add(survives=False, dropped=4)
    # All empty pages are equal: they are no cluster that says anything.
    made.add(survives=False, dropped=50, words=0)
    return made


REHYDRATION = {"min_clusters": 1, "max_weight": 4}


def mix(
    spark: SparkSession, tmp: Path, made: Clusters, partitions: int = 2, **said: Any
) -> tuple[dict[int, int], dict[str, Any]]:
    """Copies by document of the release, and its facts."""
    section = MixedSection.model_validate({"rehydration": REHYDRATION, **said})
    recipe: Any = SimpleNamespace(
        mixed=section, deduped=DedupedSection(participants="cleaned"),
        cleaned=SimpleNamespace(steps=(Step(name="token_count"),)),
    )  # fmt: skip
    context = StageContext(
        spark=spark, recipe=recipe, partition="r1", inputs=made.reader(spark, partitions),
        scratch=str(tmp / str(partitions)),
    )  # fmt: skip
    output = Mix().run(context)
    return {int(row["doc_id"], 16): row["copies"] for row in output.main.collect()}, dict(output.facts)


def size_of(n: int) -> int:
    """The size of the cluster of a kept document of the world: 40 singles, then pairs, then triples."""
    return 1 if n < 40 else 2 if n < 60 else 3


def test_copies_are_the_weights_worked_out_by_hand(spark: SparkSession, tmp_path: Path) -> None:
    copies, facts = mix(spark, tmp_path, world())
    assert len(copies) == 10 + 10 + 4
    assert {(size_of(n), times) for n, times in copies.items()} == {(1, 1), (2, 4), (3, 2)}
    said = facts["rehydration"]
    assert said["documents_by_copies"] == {"1": 10, "2": 4, "4": 10}
    rows = [(r["language"], r["first_size"], r["weight"], r["rows"], r["documents"], r["dropped"], r["clusters"])
            for r in said["table"]]  # fmt: skip
    assert rows == [("en", 1, 1, 1, 40, 30, 40.0), ("en", 2, 4, 1, 20, 4, 10.0), ("en", 3, 2, 1, 12, 6, 4.0),
                    ("en", 4, 1, 1, 8, 8, 2.0)]  # fmt: skip
    assert {(r["global_rate"], r["lowest_rate"], r["max_weight"]) for r in said["table"]} == {(0.642857, 0.2, 4)}
    assert facts["planned_tokens"] == {"blogs": 50, "docs": 50 + 400 + 80}
    json.dumps(facts, allow_nan=False)
    again = mix(spark, tmp_path, world(), partitions=7)
    assert again == (copies, facts)


def test_copies_of_a_source_multiply_up_to_the_cap(spark: SparkSession, tmp_path: Path) -> None:
    copies, facts = mix(spark, tmp_path, world(), max_epochs=5, multiplicity={"copies": {"docs": 2}, "others": 0})
    # Singles of blogs are left out; pairs would come eight times, and come as often as the cap allows.
    assert {(size_of(n), times) for n, times in copies.items()} == {(1, 2), (2, 5), (3, 4)}
    assert facts["rehydration"]["documents_by_copies"] == {"2": 5, "4": 4, "5": 10}


def test_languages_have_tables_of_their_own_and_few_clusters_are_pooled(spark: SparkSession, tmp_path: Path) -> None:
    made = world()
    lucky = made.add(duplicates=46, language="bav")
    for _ in range(3):
        made.add(survives=False, dropped=1, language="bav")
    copies, facts = mix(spark, tmp_path, made)
    assert copies[lucky] == 4
    assert {(size_of(n), times) for n, times in copies.items() if n < lucky} == {(1, 1), (2, 4), (3, 2)}
    pooled, facts = mix(spark, tmp_path / "pooled", made, rehydration={"min_clusters": 5, "max_weight": 4})
    assert pooled[lucky] == 1
    assert [(r["language"], r["first_size"], r["weight"], r["rows"]) for r in facts["rehydration"]["table"]] == [
        ("bav", 1, 1, 1), ("en", 1, 1, 1), ("en", 2, 4, 1), ("en", 3, 1, 1),
    ]  # fmt: skip


def test_survivors_that_a_bridge_joined_share_the_copies_of_one_cluster(spark: SparkSession, tmp_path: Path) -> None:
    """Pages x and y were published apart; z of the next snapshot is near both: one cluster, four copies, not eight."""
    made = world()
    x, y = made.add(), made.add()
    z = made.add(survives=False, duplicates=1, snapshot=SNAPSHOT)
    made.rows[z] |= {
        "cluster_id": f"{EARLIER}/{doc(x)}", "joined_clusters": [f"{EARLIER}/{doc(x)}", f"{EARLIER}/{doc(y)}"],
    }  # fmt: skip
    made.rows[y]["q__p"] = 0.9
    # A dropped document that belongs to y by name belongs to the joined cluster as well.
    made.rows[made.add(survives=False, dropped=1, snapshot=SNAPSHOT)]["cluster_id"] = f"{EARLIER}/{doc(y)}"
    for _ in range(6):  # clusters of four that filters like
        made.add(duplicates=3)
    copies, facts = mix(spark, tmp_path, made)
    weights = {row["first_size"]: row["weight"] for row in facts["rehydration"]["table"]}
    assert weights == {1: 1, 2: 4, 3: 2, 4: 4}
    assert (copies[x], copies[y]) == (1, 3)
    assert z not in copies


def recipe(participants: str, **said: Any) -> Any:
    return SimpleNamespace(
        mixed=MixedSection.model_validate(said), deduped=DedupedSection(participants=participants)  # type: ignore[arg-type]
    )  # fmt: skip


def test_clusters_must_hold_what_filters_dropped() -> None:
    with pytest.raises(RecipeError, match=r"set deduped\.participants to cleaned"):
        check_clusters(recipe("scored", rehydration={}))
    check_clusters(recipe("cleaned", rehydration={}))
    check_clusters(recipe("scored"))

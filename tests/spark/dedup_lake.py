"""A small lake whose snapshots are deduped as a run does it: stage, gate and publication, from given pages."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from pyspark.sql import DataFrame, SparkSession

from assets.build import Built, build
from assets.workshop import Workshop
from expectations.dedup_guards import GUARDS
from expectations.deduped import LAWS
from expectations.gate import Law
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.publish import append
from spark_jobs.lake.registry import register, registered
from spark_jobs.recipe.sections.cleaned import CleanedSection
from spark_jobs.recipe.sections.deduped import DedupedSection
from spark_jobs.stages.dedup import Dedup
from spark_jobs.stages.stage import StageContext, StageOutput
from tests.spark.published import frame

EXTRA = {"cleaned": "token_count__tokens DOUBLE, token_count__characters DOUBLE", "scored": "q__p DOUBLE"}


def doc_id(name: str) -> str:
    """A well-formed id."""
    return hashlib.md5(name.encode()).hexdigest()


def words(seed: str, count: int) -> list[str]:
    """Words that no other seed has."""
    letters = str.maketrans("0123456789abcdef", "ghijklmnopqrstuv")
    return [hashlib.md5(f"{seed} {number}".encode()).hexdigest()[:8].translate(letters) for number in range(count)]


def page(seed: str, edits: int = 0, count: int = 100) -> str:
    """Sentences of ten words; an edit replaces a word, in places far apart."""
    text = words(seed, count)
    for number in range(edits):
        text[(number * 37 + 11) % count] = words(f"edit {seed} {number}", 1)[0]
    return " ".join(word + ("." if place % 10 == 9 else "") for place, word in enumerate(text))


@dataclass(frozen=True)
class Page:
    """A document of the small lake; `kept` says what the filters said."""

    text: str
    host: str = "a.example"
    score: float = 0.5
    kept: bool = True
    language: str = "en"
    path: str = ""


class Given:
    """A stage that gives the rows it was made with."""

    side_tables: ClassVar[tuple[str, ...]] = ()
    upstream: ClassVar[tuple[str, ...]] = ()
    scope: ClassVar[str] = "snapshot"

    def __init__(self, table: str, rows: list[dict[str, Any]], reads: Sequence[str] = ()) -> None:
        self.name, self.table, self.rows, self.reads = table, table, rows, reads

    def fingerprint_parts(self, recipe: Any) -> Mapping[str, Any]:
        return {}

    def run(self, context: StageContext) -> StageOutput:
        main = frame(context.spark, self.table, self.rows, EXTRA[self.table])
        for table in self.reads:
            kept = context.inputs.partition(table, context.partition).where("kept").select("doc_id")
            main = main.join(kept, "doc_id", "left_semi")
        return StageOutput(main=main)


@dataclass
class DedupLake:
    """The lake, and what a person does to it."""

    spark: SparkSession
    home: Path
    section: DedupedSection = field(default_factory=DedupedSection)
    pages: dict[str, Mapping[str, Page]] = field(default_factory=dict)
    runs: int = 0

    def __post_init__(self) -> None:
        self.lake = Lake(self.spark, str(self.home / "home")).make("test")

    @property
    def workshop(self) -> Workshop:
        recipe: Any = SimpleNamespace(deduped=self.section, name="test", cleaned=CleanedSection(steps=[]))
        return Workshop(
            lake=self.lake, recipe=recipe, recipe_fingerprint="r", provenance={}, scratch=str(self.home / "scratch")
        )

    def crawl(self, snapshot: str, pages: Mapping[str, Page]) -> None:
        """Register a snapshot (again) and publish what cleaning and scoring made of it."""
        self.pages[snapshot] = pages
        if snapshot not in registered(self.lake):
            register(self.lake, snapshot, [], source="s", licence=None)
        cleaned = [
            {
                "snapshot": snapshot, "doc_id": doc_id(name), "url": f"https://{one.host}/{one.path or name}",
                "canonical_url": f"//{one.host}/{one.path or name}", "host": one.host, "source": "s", "text": one.text,
                "captured_at": datetime(2024, 1, 1, tzinfo=UTC), "language": one.language, "language_score": 0.9,
                "kept": one.kept, "edits": [],
                "drop_reasons": [] if one.kept else [("gopher_quality", 1, "too_short", 3.0, 50.0)],
                "token_count__tokens": float(len(one.text.split())), "token_count__characters": float(len(one.text)),
            }
            for name, one in pages.items()
        ]  # fmt: skip
        self._build(Given("cleaned", cleaned), snapshot)
        scored = [{"snapshot": snapshot, "doc_id": doc_id(name), "q__p": one.score} for name, one in pages.items()]
        self._build(Given("scored", scored, ["cleaned"]), snapshot)

    def dedup(self, snapshot: str, laws: Sequence[Law] = (*LAWS, *GUARDS)) -> Built:
        """Run the stage, audit it (which costs most of the time) and publish it."""
        return self._build(Dedup(), snapshot, laws=laws)

    def _build(self, stage: Any, snapshot: str, laws: Any = (), **options: Any) -> Built:
        self.runs += 1
        return build(
            self.workshop, stage, laws, partition=snapshot, fingerprint="f", run_id=f"run {self.runs}", **options
        )

    def suppress(self, name: str) -> None:
        """Take a document down, as far as the list of what may not be published goes."""
        rows = [("doc", doc_id(name), "request", None)]
        columns = "kind STRING, value STRING, reason STRING, receipt STRING"
        append(self.lake, "suppressions", self.spark.createDataFrame(rows, columns))

    def again(self, snapshot: str, laws: Sequence[Law] = (*LAWS, *GUARDS)) -> Built:
        """Clean, score and dedup a snapshot anew from the same pages."""
        self.crawl(snapshot, self.pages[snapshot])
        return self.dedup(snapshot, laws)

    def rows(self, snapshot: str) -> dict[str, dict[str, Any]]:
        """The published rows of a snapshot by name."""
        self.lake.refresh()
        names = {doc_id(name): name for pages in self.pages.values() for name in pages}
        published: DataFrame = self.lake.published("deduped", [snapshot])
        found = {}
        for row in published.collect():
            values = row.asDict() | {"survivor": names.get(row["survivor_id"]), "linked": names.get(row["linked_to"])}
            found[names[row["doc_id"]]] = values
        return found

    def survivors(self, snapshot: str) -> dict[str, str | None]:
        """The survivor of each document by name."""
        return {name: row["survivor"] for name, row in self.rows(snapshot).items()}

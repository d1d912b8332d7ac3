"""A lake of plain Parquet folders: what the stage `dedup` reads and writes, without Delta, gates and publishing."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from pyspark.sql import functions as F

from spark_jobs.recipe.sections.deduped import DedupedSection
from spark_jobs.stages.dedup import Dedup
from spark_jobs.stages.stage import StageContext


@dataclass
class FolderLake:
    """Snapshots in order; `corpora` says where the documents of each lie."""

    spark: Any
    home: Path
    corpora: dict[str, Path] = field(default_factory=dict)

    def partition(self, table: str, partition: str) -> Any:
        """One partition of a table."""
        documents = self.spark.read.parquet(str(self.corpora[partition]))
        if table == "cleaned":
            address = F.concat(F.lit("https://example.org/"), F.col("doc_id"))
            urls = {"url": address, "canonical_url": address}  # each document's own: no captures of one page
            return documents.select("doc_id", "captured_at", "text").withColumns(urls)
        if table == "scored":
            return documents.select("doc_id", "quality__score")
        return self.spark.read.parquet(str(self.home / table / partition))

    def partitions(self, table: str, partitions: Sequence[str] | None = None) -> Any:
        """Several partitions."""
        return self.spark.read.parquet(*(str(self.home / table / name) for name in partitions or self.corpora))

    def snapshots(self) -> tuple[str, ...]:
        """In order."""
        return tuple(self.corpora)

    def dedup(
        self, snapshot: str, section: Mapping[str, Any], say: Callable[[str], None] = lambda _: None
    ) -> Mapping[str, Any]:
        """Run the stage and write its three tables; the facts."""
        recipe: Any = SimpleNamespace(deduped=DedupedSection.model_validate(section))
        inputs: Any = self
        context = StageContext(
            spark=self.spark, recipe=recipe, partition=snapshot, inputs=inputs, scratch=str(self.home / "scratch"),
            say=say,
        )  # fmt: skip
        output = Dedup().run(context)
        for table, frame in {"deduped": output.main, **output.side}.items():
            say(f"write {table}")
            frame.write.mode("overwrite").parquet(str(self.home / table / snapshot))
        return output.facts

"""Who survives after a takedown: elections where documents went, what came back by them, what to dedup again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.lake.lake import Lake
from spark_jobs.lake.pins import Pins
from spark_jobs.lake.records import Publication
from spark_jobs.lake.registry import registered
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.stages.reelect import Groups, Reelection, members_of
from spark_jobs.stages.takedown_amend import move
from spark_jobs.stages.takedown_subject import Subject


@dataclass(frozen=True, kw_only=True)
class Election:
    """The elections of one takedown. `scratch` is a folder of its own."""

    lake: Lake
    recipe: Recipe
    subject: Subject
    scratch: str
    say: Callable[[str], None]

    @property
    def by_text(self) -> bool:
        """Whether the recipe compares pieces of text: then verdicts have no neighbourhood, and the stage runs again."""
        return bool(self.recipe.deduped.text_steps)

    def signatures(self) -> DataFrame | None:
        """What tells the clusters of dropped documents; None where the recipe leaves those out."""
        if self.recipe.deduped.participants != "cleaned":
            return None
        return self.lake.side("signatures", self.lake.publications("deduped").values())

    def begin(self) -> Reelection | None:
        """The election among those who shared a cluster or a page with the documents; None where nobody did."""
        work, taken = self.subject.work, self.subject.taken
        groups = Groups(tuple(work["clusters"]), tuple(work["captures"]))
        if self.by_text or not (groups.clusters or groups.captures):
            return None
        members = members_of(groups, self.lake.published("deduped"), self.signatures(), taken, self.subject.kept)
        if not members.snapshots:
            return None
        return Reelection(
            spark=self.lake.spark, recipe=self.recipe, members=members, scratch=self.scratch, say=self.say
        )

    def elect(self, reelection: Reelection, current: Publication) -> DataFrame | None:
        """The rows of a partition of `deduped` that are other ones now, None without any; the index moves at once."""
        self.say(f"deduped/{current.partition}: electing again")
        found = reelection.of(current.partition, Pins(self.lake))
        if found.index is not None and not found.index.isEmpty():
            stored = self.lake.side("signatures", [current])
            rows = stored.drop("cluster_id").join(F.broadcast(found.index), "doc_id").select(*stored.columns)
            move(self.lake, "signatures", current.partition, rows, self.subject.request.receipt)
        return None if found.changed.isEmpty() else found.changed

    def came_back(self, commits: Sequence[Publication], most: int) -> list[dict[str, str]]:
        """Documents that survive in the place of what went: kept now, and not before; at most so many a partition."""
        back: list[dict[str, str]] = []
        for p in commits:
            if p.table == "deduped" and not p.record["takedown"]["elected"].startswith("0:"):
                old = self.lake.at("deduped", int(p.record["takedown"]["version"]))
                before = old.where((F.col("snapshot") == p.partition) & ~F.col("kept")).select("doc_id")
                now = self.lake.read([p]).where("kept").select("snapshot", "doc_id")
                again = now.join(before, "doc_id", "left_semi").select("snapshot", "doc_id").orderBy("doc_id")
                back += [row.asDict() for row in again.limit(most).collect()]
        return back

    def dedup_again(self) -> list[str]:
        """Snapshots in which pieces of text may have to be compared again, and those that stand on them."""
        if not (self.by_text and self.subject.work["clusters"]):
            return []
        order = tuple(registered(self.lake))
        first = min((order.index(name) for name in self.subject.snapshots if name in order), default=len(order))
        return [name for name in order[first:] if self.lake.current("deduped", name) is not None]

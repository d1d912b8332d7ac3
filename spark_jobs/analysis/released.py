"""A release as a comparison sees it: its documents, and the rows of every table in the publications that it pins."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyspark.sql import DataFrame

from spark_jobs.lake.lake import Lake
from spark_jobs.lake.lineage import mixed_of
from spark_jobs.lake.records import Publication
from spark_jobs.lake.releases import Release

ORIGINAL = "original"
_PINNED = ("cleaned", "scored", "deduped", "rewritten")
_FATES = ("cleaned", "deduped")


@dataclass(frozen=True)
class Released:
    """A release of a lake, and the publication of `mixed` that it is."""

    lake: Lake
    release: Release
    mixed: Publication

    @classmethod
    def of(cls, lake: Lake, release: Release) -> "Released":
        """Raises LakeError where the lake does not have the release's publication any more."""
        return cls(lake, release, mixed_of(lake, release))

    @cached_property
    def made_from(self) -> Mapping[str, Mapping[str, Publication]]:
        """By table and snapshot the publications that the release was made from, as they were."""
        ids = {str(pin["publication"]) for pin in self.mixed.inputs}
        return {table: {p.partition: p for p in self.lake.history(table) if p.id in ids} for table in _PINNED}

    @cached_property
    def pins(self) -> Mapping[str, Mapping[str, Publication]]:
        """The same as takedowns left them; without those that they destroyed."""
        stand = {
            table: {name: self.lake.standing(p) for name, p in own.items()} for table, own in self.made_from.items()
        }
        return {table: {name: p for name, p in own.items() if p is not None} for table, own in stand.items()}

    @property
    def snapshots(self) -> tuple[str, ...]:
        """Snapshots that the release was mixed from."""
        return tuple(sorted(self.made_from["deduped"]))

    @cached_property
    def destroyed(self) -> tuple[str, ...]:
        """Snapshots of which a takedown destroyed what the release was made from, so that fates are not known."""
        return tuple(name for name in self.snapshots if any(name not in self.pins[table] for table in _FATES))

    @cached_property
    def elected(self) -> tuple[str, ...]:
        """Snapshots in which takedowns elected survivors anew: those were no candidates when it was mixed."""
        return tuple(name for name, p in self.pins["deduped"].items() if "takedown" in p.record)

    def record(self, table: str) -> Mapping[str, Any]:
        """A record of a table: all that a release pins carry one state of the recipe, so any of them says it."""
        if table == "mixed":
            return self.mixed.record
        newest = max(self.made_from[table].values(), key=lambda p: p.version, default=None)
        return newest.record if newest is not None else {}

    def rows(self, table: str) -> DataFrame:
        """The pinned rows of a table."""
        pinned = list(self.pins[table].values())
        return self.lake.read(pinned) if pinned else self.lake.published(table, ())

    def documents(self) -> DataFrame:
        """The documents of the release."""
        return self.lake.read([self.mixed])

    def selection(self) -> DataFrame:
        """Every document that could have been in the release, with the reason why it is not."""
        return self.lake.side("selection", [self.mixed])

    def signatures(self, snapshots: frozenset[str]) -> DataFrame:
        """Hashes of the texts of some snapshots: snapshot, doc_id, text_hash."""
        pinned = [p for name, p in self.pins["deduped"].items() if name in snapshots]
        return self.lake.side("signatures", pinned).select("snapshot", "doc_id", "text_hash")

    @property
    def has_rewrites(self) -> bool:
        """Whether anything was rewritten for it."""
        return any(p.record.get("counts", {}).get("rows", 1) for p in self.made_from["rewritten"].values())

"""What a takedown is about: the documents that its rules name, the files that hold them, and what stood in relation.

All of it is found while the rows are there, and noted for a second attempt. Nothing is published or removed here.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pyspark.sql import DataFrame

from spark_jobs.dedup.scratch import Scratch
from spark_jobs.lake import storage
from spark_jobs.lake import takedown_beside as beside
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.tables import TABLES
from spark_jobs.lake.takedown_files import DiskSearch, Held
from spark_jobs.stages.reelect import Groups, groups_of
from spark_jobs.stages.takedown_amend import gone_rows
from spark_jobs.stages.takedown_request import Request, documents_of, showing, suppressed_by, work_place


@dataclass(kw_only=True)
class Subject:
    """The documents of a request. `scratch` is a folder of its own."""

    lake: Lake
    request: Request
    scratch: str
    say: Callable[[str], None]

    def __post_init__(self) -> None:
        self.search = DiskSearch(self.lake)
        self.kept = Scratch(self.lake.spark, self.scratch)

    @cached_property
    def work(self) -> dict[str, Any]:
        """What must be known after the rows are gone: documents, groups they belonged to, files they came from."""
        place = work_place(self.lake, self.request.receipt)
        if storage.exists(place):
            noted: dict[str, Any] = json.loads(storage.read_text(place))
            return noted
        self.say("looking for the documents")
        found = documents_of(self.search, self.request)
        before = suppressed_by(self.lake, self.request.receipt)
        hit = found.rules | {("doc", doc_id) for doc_id in before}
        return {
            "documents": sorted([snapshot, doc_id] for snapshot, doc_id in found.documents),
            "ids": sorted(before | {doc_id for _, doc_id in found.documents} | set(self.request.rules.get("doc", ()))),
            "answers": sorted(found.answers),
            "hit_nothing": [rule for rule in self.request.listed if (rule["kind"], rule["value"]) not in hit],
        }

    @cached_property
    def taken(self) -> DataFrame:
        """The ids of the documents and the names of answers, one column."""
        rows = [(name,) for name in (*self.work["ids"], *self.work["answers"])]
        return self.kept.keep(self.lake.spark.createDataFrame(rows, "taken STRING").coalesce(1), "taken")

    @property
    def snapshots(self) -> frozenset[str]:
        """The snapshots that read the documents."""
        by_row = frozenset(one.partition for one in self.held if one.rows and TABLES[one.table].scope == "snapshot")
        return by_row | frozenset(str(snapshot) for snapshot, _ in self.work["documents"])

    @cached_property
    def shown_in(self) -> frozenset[str]:
        """The snapshots whose reports can show a document: its own, and those that have duplicates of it."""
        if "shown_in" in self.work:
            return frozenset(self.work["shown_in"])
        return self.snapshots | (showing(self.search, self.taken) if self.work["ids"] else set())

    def look(self) -> tuple[Held, ...]:
        """Files of all tables with rows of the documents, from their pages.

        In the partitions of the snapshots that read them; everywhere where nobody knows of one of them which those are.
        """
        if not self.work["ids"]:
            return tuple(self.search.torn({}))
        placed = {doc_id for _, doc_id in self.work["documents"]}
        read = sorted({snapshot for snapshot, _ in self.work["documents"]})
        return self.search.held(self.taken, {"snapshot": read} if placed.issuperset(self.work["ids"]) else {})

    @cached_property
    def held(self) -> tuple[Held, ...]:
        """The files as they were found first."""
        return self.look()

    @property
    def wanted(self) -> beside.Wanted:
        """What is looked for beside the tables."""
        return beside.Wanted(frozenset(self.work["ids"]), self.request.compared)

    def note(self, deduped: DataFrame, signatures: DataFrame | None) -> None:
        """Write down what the rows say of the documents while they are there; see `groups_of` for the frames."""
        if "clusters" in self.work:
            return
        groups, inputs = Groups((), ()), []
        if self.work["ids"]:
            self.say("looking for their clusters")
            groups = groups_of(deduped, signatures, self.taken)
            raw = [one.path for one in self.held if one.table == "raw" and one.rows]
            files = gone_rows(self.search, "raw", raw, self.taken).select("source_file").distinct().collect()
            inputs = sorted(row["source_file"] for row in files if row["source_file"])
        self.work.update(
            clusters=groups.clusters, captures=groups.captures, inputs=inputs, shown_in=sorted(self.shown_in)
        )
        storage.replace_text(work_place(self.lake, self.request.receipt), json.dumps(self.work))

"""Taking documents down: out of every table, version, cache and file of a lake, for good, and with a receipt.

The order makes it safe to kill: first nothing new can bring them in (suppressions), then the current versions follow
one another without them, then the equations are proved, and only then is anything destroyed. Each step finds what an
earlier attempt has done.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from spark_jobs.dedup.scratch import Scratch
from spark_jobs.lake import commits, ledger, models, receipts, storage
from spark_jobs.lake import takedown_beside as beside
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.pins import OWNERS, Pins
from spark_jobs.lake.publish import append
from spark_jobs.lake.records import Publication
from spark_jobs.lake.registry import registered
from spark_jobs.lake.releases import releases
from spark_jobs.lake.tables import FLOW, TABLES
from spark_jobs.lake.takedown_files import DiskSearch, Held
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.stages.reelect import Groups, Reelection, groups_of, members_of
from spark_jobs.stages.takedown_amend import Amendment, amend, clear, entry, gone_rows, move
from spark_jobs.stages.takedown_release import revise, told
from spark_jobs.stages.takedown_request import Request, documents_of, rules_frame, suppressed_by, work_place

_LISTED = 10_000  # documents in a receipt; more are found in `suppressions` by the receipt's name
_ROOMS = ("candidates", "exports", "reports")
_TABLES = (*FLOW, *OWNERS, "rewrite_cache")


@dataclass(kw_only=True)
class Takedown:
    """One takedown. `scratch` is a folder of its own; `clock` dates the receipt and decides nothing."""

    lake: Lake
    recipe: Recipe
    request: Request
    scratch: str
    provenance: Mapping[str, Any] = field(default_factory=dict)
    say: Callable[[str], None] = lambda _message: None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def __post_init__(self) -> None:
        self.lake.refresh()
        self.search = DiskSearch(self.lake)
        self.kept = Scratch(self.lake.spark, self.scratch)

    # what it is about ---------------------------------------------------------------------------------------------

    @cached_property
    def work(self) -> dict[str, Any]:
        """What must be known after the rows are gone: documents, groups they belonged to, files they came from."""
        place = work_place(self.lake, self.request.receipt)
        if storage.exists(place):
            noted: dict[str, Any] = json.loads(storage.read_text(place))
            return noted
        self.say("looking for the documents")
        found = documents_of(self.lake, self.search, self.request)
        known = suppressed_by(self.lake, self.request.receipt) | {doc_id for _, doc_id in found}
        documents = sorted([snapshot, doc_id] for snapshot, doc_id in found)
        return {"documents": documents, "ids": sorted(known | set(self.request.rules.get("doc", ())))}

    @cached_property
    def taken(self) -> DataFrame:
        """The ids of the documents, one column."""
        rows = [(doc_id,) for doc_id in self.work["ids"]]
        return self.kept.keep(self.lake.spark.createDataFrame(rows, "taken STRING").coalesce(1), "taken")

    @property
    def snapshots(self) -> frozenset[str]:
        """The snapshots that read the documents."""
        by_row = frozenset(one.partition for one in self.held if TABLES[one.table].scope == "snapshot")
        return by_row | frozenset(str(snapshot) for snapshot, _ in self.work["documents"])

    def look(self) -> tuple[Held, ...]:
        """Files of all tables with rows of the documents, from their pages.

        In the partitions of the snapshots that read them; where nobody knows which those are, everywhere.
        """
        read = sorted({snapshot for snapshot, _ in self.work["documents"]})
        return self.search.held(self.taken, {"snapshot": read} if read else {}) if self.work["ids"] else ()

    @cached_property
    def held(self) -> tuple[Held, ...]:
        """The files as they were found first."""
        return self.look()

    @property
    def wanted(self) -> beside.Wanted:
        """What is looked for beside the tables."""
        rules = {kind: frozenset(values) for kind, values in self.request.rules.items()}
        return beside.Wanted(frozenset(self.work["ids"]), rules)

    # the whole ----------------------------------------------------------------------------------------------------

    def plan(self) -> dict[str, Any]:
        """What a takedown would do; writes nothing but scratch."""
        held = self.held
        rows: dict[tuple[str, str], int] = {}
        for one in held:
            if one.active:
                rows[one.table, one.partition] = rows.get((one.table, one.partition), 0) + one.rows
        return {
            **self._head(), "state": "planned", **self._documents(),
            "tables": [{"table": t, "partition": p, "removed": number} for (t, p), number in sorted(rows.items())],
            "files": {"with_rows": len(held), "not_current": sum(not one.active for one in held)},
            "destroyed": self.search.destroyed(held),
            "releases": [r.name for r in releases(self.lake) if r.state == "published" and ("mixed", r.name) in rows],
            **self._beside(),
        }  # fmt: skip

    def run(self) -> dict[str, Any]:
        """Take the documents down; returns the receipt, which is written as well."""
        name = self.request.receipt
        receipt = receipts.read(self.lake.home, name)
        if receipt is not None and receipt["state"] == receipts.FINISHED:
            if not self._anything_left():
                return receipt
            # Something came back from outside, from a copy: this is another time.
            receipt = {**self._head(), "before": [*receipt.pop("before", ()), receipt]}
        receipt = receipt or self._head()
        receipts.write(self.lake.home, receipt)
        self._suppress()
        self._note()
        if receipt["tables"] is None:
            self._publish()
            self.say("proving the equations")
            known = {(told["table"], told["version"]) for one in receipt.get("before", ()) for told in one["tables"]}
            mine = [one for one in self._commits(_TABLES) if (one.table, one.version) not in known]
            receipt |= {"tables": [entry(self.lake, self.search, one) for one in mine], **self._documents()}
            receipt |= {"came_back": self._came_back(mine), "dedup_again": self._dedup_again()}
            self._revise()
        receipt["releases"] = self._revised()
        self._destroy(receipt)
        ledger.sync(self.lake)
        receipt |= {
            "state": receipts.FINISHED, "finished_at": self.clock().isoformat(), "left": len(self.look()),
            "not_reached": self._not_reached(), "suppressions_version": self.lake.version("suppressions"),
        }  # fmt: skip
        receipts.write(self.lake.home, receipt)
        storage.remove(work_place(self.lake, name))
        return receipt

    def _head(self) -> dict[str, Any]:
        return {
            "receipt": self.request.receipt, "format": receipts.FORMAT, "state": receipts.BEGUN,
            "reason": self.request.reason, "asked": self.request.listed, "begun_at": self.clock().isoformat(),
            "provenance": dict(self.provenance), "documents": None, "tables": None, "destroyed": [],
            "files": {"deleted": 0, "bytes": 0}, "releases": [], **{room: [] for room in _ROOMS},
        }  # fmt: skip

    def _documents(self) -> dict[str, Any]:
        listed = [{"snapshot": snapshot, "doc_id": doc_id} for snapshot, doc_id in self.work["documents"]]
        return {"documents": len(listed), "document_ids": listed[:_LISTED]}

    def _anything_left(self) -> bool:
        found = self._beside()
        return bool(self.work["documents"] or self.held or any(found.values()))

    # step by step -------------------------------------------------------------------------------------------------

    def _suppress(self) -> None:
        """From here on no publication can bring the documents in."""
        said = self.lake.at("suppressions").where(F.col("receipt") == self.request.receipt).select("kind", "value")
        missing = rules_frame(self.lake, self.request, self.work["ids"]).join(said, ["kind", "value"], "left_anti")
        if not missing.isEmpty():
            append(self.lake, "suppressions", missing)

    def _note(self) -> None:
        """Write down what the rows say of the documents while they are there."""
        if "clusters" in self.work:
            return
        groups, inputs = Groups((), ()), []
        if self.work["ids"]:
            self.say("looking for their clusters")
            groups = groups_of(self.lake.published("deduped"), self._signatures(), self.taken)
            raw = [one.path for one in self.held if one.table == "raw"]
            files = gone_rows(self.search, "raw", raw, self.taken).select("source_file").distinct().collect()
            inputs = sorted(row["source_file"] for row in files if row["source_file"])
        self.work.update(clusters=groups.clusters, captures=groups.captures, inputs=inputs)
        storage.replace_text(work_place(self.lake, self.request.receipt), json.dumps(self.work))

    def _signatures(self) -> DataFrame | None:
        if self.recipe.deduped.participants != "cleaned":
            return None
        return self.lake.side("signatures", self.lake.publications("deduped").values())

    def _publish(self) -> None:
        """The current versions without the documents, in the order of the flow; what is derived follows its inputs."""
        held: dict[tuple[str, str], list[Held]] = {}
        for one in self.held:
            if one.active:
                held.setdefault((one.table, one.partition), []).append(one)
        reelection = self._reelection()
        followed = self._followed()
        order = tuple(registered(self.lake))
        for table in FLOW:
            for side in (name for name, owner in OWNERS.items() if owner == table):
                self._clear(side, held)
            partitions = sorted(self.lake.publications(table), key=lambda p: (order.index(p) if p in order else 0, p))
            for partition in partitions:
                self._amend(table, partition, held.get((table, partition), ()), followed, reelection)
        self._clear("rewrite_cache", held)

    def _clear(self, table: str, held: Mapping[tuple[str, str], Sequence[Held]]) -> None:
        for (name, partition), files in sorted(held.items()):
            if name == table:
                self.say(f"{table}{f'/{partition}' if partition else ''}: {sum(one.rows for one in files):,} rows")
                clear(self.lake, self.search, files, self.taken, self.request.receipt)

    def _followed(self) -> dict[str, Publication]:
        """Publications of this takedown so far, by the id of what each follows."""
        mine = self._commits(FLOW)
        return {str(p.record["takedown"]["of"]): p for p in mine}

    def _commits(self, tables: Sequence[str]) -> list[Publication]:
        self.lake.refresh(*tables)
        name = self.request.receipt
        return [p for table in tables for p in self.lake.history(table)
                if p.record.get("takedown", {}).get("receipt") == name]  # fmt: skip

    def _amend(
        self, table: str, partition: str, held: Sequence[Held], followed: dict[str, Publication],
        reelection: Reelection | None,
    ) -> None:  # fmt: skip
        current = self.lake.current(table, partition)
        if current is None:
            return
        sequence = self.lake.sequence(table, partition) + 1
        stale = table == "deduped" and self.by_text and self.work["clusters"]
        # Without new names for its inputs the partition is stale, and the next run dedups it again.
        inputs = [dict(pin) if stale else _repinned(pin, followed) for pin in current.inputs]
        renamed = inputs != [dict(pin) for pin in current.inputs]
        elected = None
        if table == "deduped" and reelection is not None and partition in reelection.members.snapshots:
            elected = self._elect(reelection, current)
        # A release that held nothing of it stays as it was made.
        if not held and elected is None and not (renamed and table != "mixed"):
            return
        self.say(f"{table}/{partition}: {sum(one.rows for one in held):,} rows")
        change = Amendment(
            publication=current, held=held, elected=elected, inputs=inputs, taken=self.taken,
            receipt=self.request.receipt, sequence=sequence,
        )  # fmt: skip
        followed[current.id] = amend(self.lake, self.search, change)

    # electing again -----------------------------------------------------------------------------------------------

    @property
    def by_text(self) -> bool:
        """Whether the recipe compares pieces of text: then verdicts have no neighbourhood, and the stage runs again."""
        return bool(self.recipe.deduped.text_steps)

    def _reelection(self) -> Reelection | None:
        groups = Groups(tuple(self.work["clusters"]), tuple(self.work["captures"]))
        if self.by_text or not (groups.clusters or groups.captures):
            return None
        members = members_of(groups, self.lake.published("deduped"), self._signatures(), self.taken, self.kept)
        if not members.snapshots:
            return None
        return Reelection(
            spark=self.lake.spark, recipe=self.recipe, members=members, scratch=f"{self.scratch}/elect", say=self.say
        )

    def _elect(self, reelection: Reelection, current: Publication) -> DataFrame | None:
        self.say(f"deduped/{current.partition}: electing again")
        found = reelection.of(current.partition, Pins(self.lake))
        if found.index is not None and not found.index.isEmpty():
            stored = self.lake.side("signatures", [current])
            rows = stored.drop("cluster_id").join(F.broadcast(found.index), "doc_id").select(*stored.columns)
            move(self.lake, "signatures", current.partition, rows, self.request.receipt)
        return None if found.changed.isEmpty() else found.changed

    def _came_back(self, mine: Sequence[Publication]) -> list[dict[str, str]]:
        """Documents that survive in the place of what went: kept now, and not in the publication before."""
        back: list[dict[str, str]] = []
        for p in mine:
            if p.table == "deduped" and not p.record["takedown"]["elected"].startswith("0:"):
                old = self.lake.at("deduped", int(p.record["takedown"]["version"]))
                before = old.where((F.col("snapshot") == p.partition) & ~F.col("kept")).select("doc_id")
                now = self.lake.read([p]).where("kept").select("snapshot", "doc_id")
                again = now.join(before, "doc_id", "left_semi").select("snapshot", "doc_id").orderBy("doc_id")
                back += [row.asDict() for row in again.limit(_LISTED).collect()]
        return back

    def _dedup_again(self) -> list[str]:
        """Snapshots in which pieces of text may have to be compared again, and those that stand on them."""
        if not (self.by_text and self.work["clusters"]):
            return []
        order = tuple(registered(self.lake))
        first = min((order.index(name) for name in self.snapshots if name in order), default=len(order))
        return [name for name in order[first:] if self.lake.current("deduped", name) is not None]

    # proving and destroying ---------------------------------------------------------------------------------------

    def _destroy(self, receipt: dict[str, Any]) -> None:
        """Every file that still holds a row, whatever version, candidate, export or report it belongs to."""
        held = self.search.as_now(self.held)
        known = {one["publication"] for one in receipt["destroyed"]}
        receipt["destroyed"] += [one for one in self.search.destroyed(held) if one["publication"] not in known]
        found = self._beside()
        revised = {one["release"] for one in receipt["releases"]}
        found["exports"] += sorted(revised & set(storage.names(storage.join(self.lake.home, "releases"))))
        for room in _ROOMS:
            receipt[room] = sorted({*receipt[room], *found[room]})
        receipt["files"] = {
            "deleted": receipt["files"]["deleted"] + len(held),
            "bytes": receipt["files"]["bytes"] + self.search.bytes_of(held),
        }
        receipts.write(self.lake.home, receipt)  # readers are told before the files go
        self.say(f"destroying {len(held):,} files of versions that held the documents")
        self.search.delete(held)
        beside.remove(self.lake, "candidates", found["candidates"])
        beside.remove(self.lake, "releases", found["exports"])
        beside.remove(self.lake, "reports", found["reports"])

    def _beside(self) -> dict[str, list[str]]:
        return {
            "candidates": beside.candidates_with(self.lake, self.wanted),
            "exports": beside.exports_with(self.lake, self.wanted),
            "reports": beside.reports_of(self.lake, self.snapshots),
        }

    def _revise(self) -> None:
        """Releases whose rows are fewer now get their next revision."""
        mine = {p.partition: p for p in self._commits(["mixed"])}
        for release in releases(self.lake):
            amended = mine.get(release.name)
            if amended is not None and release.publication == amended.record["takedown"]["of"]:
                out = commits.files(self.lake.location("mixed"), amended.version).removed
                gone = gone_rows(self.search, "mixed", out, self.taken)
                revise(self.lake, release, amended, gone, self.request.receipt)

    def _revised(self) -> list[dict[str, Any]]:
        found = (told(release, self.request.receipt) for release in releases(self.lake))
        return [one for one in found if one is not None]

    def _not_reached(self) -> dict[str, Any]:
        """What a takedown cannot mend: crawl files, which are the person's, and what models learned."""
        return {
            "crawl_files": self.work["inputs"],
            "models": [
                {"name": model.name, "digest": model.digest, "fitted_on": list(model.fitted_on)}
                for model in models.stored(self.lake) if self.snapshots & set(model.fitted_on)
            ],
        }  # fmt: skip


def _repinned(pin: Mapping[str, Any], followed: Mapping[str, Publication]) -> dict[str, Any]:
    new = followed.get(str(pin["publication"]))
    if new is None:
        return dict(pin)
    return {**pin, "version": new.version, "publication": new.id, "digest": new.digest}

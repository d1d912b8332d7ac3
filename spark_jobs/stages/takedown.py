"""Taking documents down: out of every table, version, cache and file of a lake, for good, and with a receipt.

The order makes it safe to kill: first nothing new can bring them in (suppressions), then the current versions follow
one another without them, then the equations are proved, and only then is anything destroyed. Each step finds what an
earlier attempt has done.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pyspark.sql import functions as F

from spark_jobs.errors import UsageError
from spark_jobs.lake import commits, ledger, models, receipts, storage
from spark_jobs.lake import takedown_beside as beside
from spark_jobs.lake import takedown_exports as exports
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.pins import OWNERS
from spark_jobs.lake.publish import append
from spark_jobs.lake.records import Publication
from spark_jobs.lake.registry import registered
from spark_jobs.lake.releases import RETIRED, releases, revision_of
from spark_jobs.lake.tables import FLOW
from spark_jobs.lake.takedown_files import Held
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.stages.reelect import Reelection
from spark_jobs.stages.takedown_amend import Amendment, amend, clear, entry, gone_rows
from spark_jobs.stages.takedown_election import Election
from spark_jobs.stages.takedown_release import revise, told
from spark_jobs.stages.takedown_request import Request, rules_frame, work_place
from spark_jobs.stages.takedown_subject import Subject

_TOLD = 3  # rules of another takedown, in a message
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
        self.subject = Subject(lake=self.lake, request=self.request, scratch=self.scratch, say=self.say)
        self.search = self.subject.search
        self.election = Election(
            lake=self.lake, recipe=self.recipe, subject=self.subject, scratch=f"{self.scratch}/elect", say=self.say
        )

    # the whole ----------------------------------------------------------------------------------------------------

    def plan(self) -> dict[str, Any]:
        """What a takedown would do; writes nothing but scratch."""
        held = self.subject.held
        rows: dict[tuple[str, str], int] = {}
        for one in held:
            if one.active:
                rows[one.table, one.partition] = rows.get((one.table, one.partition), 0) + one.rows
        touched = [r for r in releases(self.lake) if r.state == "published" and ("mixed", r.name) in rows]
        return {
            **self._head(), "state": "planned", **self._documents(),
            "tables": [{"table": t, "partition": p, "removed": number} for (t, p), number in sorted(rows.items())],
            "files": {
                "with_rows": sum(one.rows > 0 for one in held), "unreadable": sum(not one.rows for one in held),
                "not_current": sum(not one.active for one in held),
            },
            "destroyed": self.search.destroyed(held), "releases": [release.name for release in touched],
            **{room: found.names for room, found in self._beside().items()},
            "not_reached": {"exports": self._exports_elsewhere({r.name: revision_of(r) + 1 for r in touched})},
        }  # fmt: skip

    def run(self) -> dict[str, Any]:
        """Take the documents down; returns the receipt, which is written as well.

        Raises UsageError while another takedown is unfinished: both may revise one release, and only in turn.
        """
        name = self.request.receipt
        self._refuse_unfinished()
        receipt = receipts.read(self.lake.home, name)
        if receipt is not None and receipt["state"] == receipts.FINISHED:
            storage.remove(work_place(self.lake, name))  # of an attempt that was killed when all was done
            if not self._anything_left():
                return self._swept(receipt)
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
            receipt |= {"came_back": self.election.came_back(mine, _LISTED), "dedup_again": self.election.dedup_again()}
            self._revise()
        receipt["releases"] = self._revised(receipt)
        for one in receipt["releases"]:
            exports.withdraw(self.lake, one["release"], one["withdrawn"])
        self._destroy(receipt)
        ledger.sync(self.lake)
        receipt |= {
            "state": receipts.FINISHED, "finished_at": self.clock().isoformat(), "left": len(self.subject.look()),
            "not_reached": self._not_reached(receipt), "suppressions_version": self.lake.version("suppressions"),
        }  # fmt: skip
        receipts.write(self.lake.home, receipt)
        storage.remove(work_place(self.lake, name))
        return receipt

    def _refuse_unfinished(self) -> None:
        for receipt in receipts.every(self.lake.home):
            if receipt["state"] == receipts.BEGUN and receipt["receipt"] != self.request.receipt:
                rules = ", ".join(f"{rule['kind']} {rule['value']}" for rule in receipt["asked"][:_TOLD])
                raise UsageError(
                    f"{receipt['receipt']} is unfinished: give that takedown again first, with all its rules ({rules}"
                    f"{', ...' if len(receipt['asked']) > _TOLD else ''}; "
                    f"{receipts.location(self.lake.home, receipt['receipt'])} lists them)"
                )

    def _head(self) -> dict[str, Any]:
        return {
            "receipt": self.request.receipt, "format": receipts.FORMAT, "state": receipts.BEGUN,
            "reason": self.request.reason, "asked": self.request.listed, "begun_at": self.clock().isoformat(),
            "provenance": dict(self.provenance), "documents": None, "hit_nothing": [], "tables": None, "destroyed": [],
            "files": {"deleted": 0, "bytes": 0}, "releases": [], **{room: [] for room in _ROOMS},
        }  # fmt: skip

    def _documents(self) -> dict[str, Any]:
        listed = [{"snapshot": snapshot, "doc_id": doc_id} for snapshot, doc_id in self.subject.work["documents"]]
        return {
            "documents": len(listed), "document_ids": listed[:_LISTED], "hit_nothing": self.subject.work["hit_nothing"],
        }  # fmt: skip

    def _anything_left(self) -> bool:
        """Whether documents are there again. What cannot be read is no sign of it."""
        rows = any(one.rows for one in self.subject.held)
        return bool(self.subject.work["documents"] or rows or any(found.holding for found in self._beside().values()))

    def _swept(self, receipt: dict[str, Any]) -> dict[str, Any]:
        """A finished receipt; what killed runs have left since, which may hold anything, is removed and told in it."""
        if self.subject.held or any(found.unreadable for found in self._beside().values()):
            self._destroy(receipt)
        return receipt

    # step by step -------------------------------------------------------------------------------------------------

    def _suppress(self) -> None:
        """From here on no publication can bring the documents in."""
        said = self.lake.at("suppressions").where(F.col("receipt") == self.request.receipt).select("kind", "value")
        missing = rules_frame(self.lake, self.request, self.subject.work["ids"]).join(
            said, ["kind", "value"], "left_anti"
        )
        if not missing.isEmpty():
            append(self.lake, "suppressions", missing)

    def _note(self) -> None:
        self.subject.note(self.lake.published("deduped"), self.election.signatures())

    def _publish(self) -> None:
        """The current versions without the documents, in the order of the flow; what is derived follows its inputs."""
        held: dict[tuple[str, str], list[Held]] = {}
        for one in self.subject.held:
            if one.active:
                held.setdefault((one.table, one.partition), []).append(one)
        reelection = self.election.begin()
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
                clear(self.lake, self.search, files, self.subject.taken, self.request.receipt)

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
        stale = table == "deduped" and self.election.by_text and self.subject.work["clusters"]
        # Without new names for its inputs the partition is stale, and the next run dedups it again.
        inputs = [dict(pin) if stale else _repinned(pin, followed) for pin in current.inputs]
        renamed = inputs != [dict(pin) for pin in current.inputs]
        elected = None
        if table == "deduped" and reelection is not None and partition in reelection.members.snapshots:
            elected = self.election.elect(reelection, current)
        # A release that held nothing of it stays as it was made.
        if not held and elected is None and not (renamed and table != "mixed"):
            return
        self.say(f"{table}/{partition}: {sum(one.rows for one in held):,} rows")
        change = Amendment(
            publication=current, held=held, elected=elected, inputs=inputs, taken=self.subject.taken,
            receipt=self.request.receipt, sequence=sequence,
        )  # fmt: skip
        followed[current.id] = amend(self.lake, self.search, change)

    # proving and destroying ---------------------------------------------------------------------------------------

    def _destroy(self, receipt: dict[str, Any]) -> None:
        """Every file that still holds a row, whatever version, candidate, export or report it belongs to."""
        held = self.search.as_now(self.subject.held)
        known = {one["publication"] for one in receipt["destroyed"]}
        receipt["destroyed"] += [one for one in self.search.destroyed(held) if one["publication"] not in known]
        found = {room: judged.names for room, judged in self._beside().items()}
        for room in _ROOMS:
            receipt[room] = sorted({*receipt[room], *found[room]})
        files, listed = receipt["files"], set(receipt["files"].get("paths", ()))
        # A second attempt finds again what the first one noted and did not come to delete.
        fresh = [one for one in held if f"{one.table}/{one.path}" not in listed]
        receipt["files"] = {
            "deleted": files["deleted"] + len(fresh),
            "bytes": files["bytes"] + self.search.bytes_of(fresh),
            "paths": sorted({*listed, *(f"{one.table}/{one.path}" for one in fresh)}),
        }
        receipts.write(self.lake.home, receipt)  # readers are told before the files go
        self.say(f"destroying {len(held):,} files of versions that held the documents")
        self.search.delete(held)
        beside.remove(storage.join(self.lake.home, "candidates"), found["candidates"])
        beside.remove(self.lake.home, found["exports"])
        beside.remove(storage.join(self.lake.home, "reports"), found["reports"])

    def _beside(self) -> dict[str, beside.Judged]:
        return {
            "candidates": beside.candidates_with(self.lake, self.subject.wanted),
            "exports": exports.exports_with(self.lake, self.subject.wanted),
            "reports": beside.reports_with(self.lake, self.subject.shown_in),
        }

    def _revise(self) -> None:
        """Releases whose rows are fewer now get their next revision."""
        mine = {p.partition: p for p in self._commits(["mixed"])}
        for release in releases(self.lake):
            amended = mine.get(release.name)
            if amended is not None and release.publication == amended.record["takedown"]["of"]:
                out = commits.files(self.lake.location("mixed"), amended.version).removed
                gone = gone_rows(self.search, "mixed", out, self.subject.taken)
                revise(self.lake, release, amended, gone, self.request.receipt)

    def _revised(self, receipt: Mapping[str, Any]) -> list[dict[str, Any]]:
        before = [one for earlier in receipt.get("before", ()) for one in earlier["releases"]]
        known = {(one["release"], one["revision"]) for one in before}
        found = (told(release, self.request.receipt) for release in releases(self.lake))
        return [one for one in found if one is not None and (one["release"], one["revision"]) not in known]

    def _not_reached(self, receipt: Mapping[str, Any]) -> dict[str, Any]:
        """What a takedown cannot mend: crawl files and exports elsewhere, a person's own; and what models learned."""
        snapshots = self.subject.snapshots
        return {
            "crawl_files": self.subject.work["inputs"],
            "exports": self._exports_elsewhere({one["release"]: one["revision"] for one in receipt["releases"]}),
            "models": [
                {"name": model.name, "digest": model.digest, "fitted_on": list(model.fitted_on)}
                for model in models.stored(self.lake) if snapshots & set(model.fitted_on)
            ],
        }  # fmt: skip

    def _exports_elsewhere(self, revised: Mapping[str, int]) -> list[dict[str, Any]]:
        """Exports that hold a document, or may: of all earlier revisions of releases, by their new number.

        Of a release whose rows a vacuum let go nobody can say what was in it.
        """
        names = [f"{name}-r{number}" for name, revision in revised.items() for number in range(1, revision)]
        retired = [release.name for release in releases(self.lake) if release.state == RETIRED]
        noted = exports.noted_elsewhere(self.lake, [*names, *revised, *retired])
        loose = exports.like_exports(self.lake, self.subject.wanted)
        return noted + [{"release": None, "out": place, "format": None, "found": True} for place in loose]


def _repinned(pin: Mapping[str, Any], followed: Mapping[str, Publication]) -> dict[str, Any]:
    new = followed.get(str(pin["publication"]))
    if new is None:
        return dict(pin)
    return {**pin, "version": new.version, "publication": new.id, "digest": new.digest}

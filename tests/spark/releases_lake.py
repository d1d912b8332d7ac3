"""A lake of frames in memory, and publishing to it what became of given documents in a state of the recipe."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from pyarrow.compute import Expression
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.crawl.url import canonical_url, url_hash
from spark_jobs.lake.records import Publication
from spark_jobs.lake.score_ranks import cell_of
from spark_jobs.stages.stage import OperatorRecord
from tests.spark.published import frame

EXTRA = {
    "cleaned": "gopher_quality__words DOUBLE, fineweb_quality__short_lines DOUBLE, token_count__tokens DOUBLE",
    "scored": "quality__score DOUBLE",
}
ONE, TWO = "one", "two"
FIRST, SECOND = "r-one-first", "r-two-second"
TABLES = ("cleaned", "scored", "deduped", "rewritten")


def doc(number: int) -> str:
    return f"{number:032x}"


def url(number: int) -> str:
    return f"https://h{number % 3}.example/{number}"


def text_hash(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def operator(
    name: str, kind: str, params: Mapping[str, Any], rules: Sequence[Mapping[str, Any]] = (), *, artefact: Any = None,
    version: int = 1,
) -> OperatorRecord:  # fmt: skip
    return OperatorRecord(
        name=name,
        kind=kind,
        version=version,
        params=params,
        artefact=artefact,
        rules=tuple(rules),
        fingerprint=text_hash(f"{name} {version} {sorted(params.items())}"),
    )


def rule(reason: str, signal: str, minimum: float | None = None, maximum: float | None = None) -> dict[str, Any]:
    return {"reason": reason, "signal": signal, "minimum": minimum, "maximum": maximum, "exclusive": False}


@dataclass
class Document:
    """What became of a document in one state of the recipe; the defaults are those of one that is in the release."""

    number: int
    snapshot: str = ONE
    text: str = ""
    reasons: Sequence[tuple[str, str]] = ()  # (filter, reason)
    survivor: tuple[str, int] | None = None
    out: str | None = None
    instead: tuple[str, int] | None = None
    quality: float = 0.5
    matches: str | None = None  # a benchmark
    cut: bool = False
    copies: int = 1
    tokens: int = 100
    edits: int = 1
    language: str = "en"
    source: str = "web"
    asked: bool = True  # whether it was a candidate of the release, as what survives since a takedown was not

    @property
    def body(self) -> str:
        return self.text or f"The text of document {self.number}."

    @property
    def kept(self) -> bool:
        return not self.reasons

    @property
    def survives(self) -> bool:
        return self.kept and self.survivor is None

    @property
    def released(self) -> bool:
        return self.survives and self.out is None and self.asked


@dataclass
class Rewrite:
    """A rewrite of a document; `kept` False says that its gates rejected it."""

    number: int
    parent: int
    kept: bool = True
    out: str | None = None
    tokens: int = 20

    @property
    def released(self) -> bool:
        return self.kept and self.out is None


@dataclass
class State:
    """One state of the recipe: what its operators are, and what became of every document."""

    documents: Sequence[Document]
    rewrites: Sequence[Rewrite] = ()
    cleaned: Sequence[OperatorRecord] = ()
    scored: Sequence[OperatorRecord] = ()
    deduped: Sequence[OperatorRecord] = ()
    rewritten: Sequence[OperatorRecord] = ()
    mixed: Sequence[OperatorRecord] = ()
    facts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    elected: bool = False  # whether a takedown elected survivors anew
    gone: frozenset[int] = frozenset()  # suppressed: cleaning is offered them, and nothing later has them


class ReleasesLake:
    """A lake that is read as a lake is, of frames in memory: publications with records, but no Delta tables."""

    def __init__(self, spark: SparkSession, home: str = "home") -> None:
        self.spark, self.home = spark, home
        self._published: dict[str, list[Publication]] = {}
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._side: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._whole: dict[str, list[dict[str, Any]]] = {"snapshots": [], "releases": [], "suppressions": []}

    # reading, as `spark_jobs/lake/lake.py` does it -------------------------------------------------------------------

    def refresh(self, *_tables: str) -> None:
        """Everything is seen at once."""

    def version(self, table: str) -> int:
        return len(self._whole[table])

    def history(self, table: str) -> tuple[Publication, ...]:
        return tuple(self._published.get(table, ()))

    def publications(self, table: str) -> dict[str, Publication]:
        return {p.partition: p for p in self.history(table)}

    def vacuumed(self, _table: str) -> dict[str, datetime]:
        return {}

    def current(self, table: str, partition: str) -> Publication | None:
        return self.publications(table).get(partition)

    def standing(self, publication: Publication) -> Publication | None:
        return publication

    def read(self, publications: Iterable[Publication]) -> DataFrame:
        listed = list(publications)
        return self._frame(listed[0].table, [row for p in listed for row in self._rows[p.id]])

    def published(self, table: str, partitions: Sequence[str] | None = None) -> DataFrame:
        current = [p for name, p in self.publications(table).items() if partitions is None or name in partitions]
        return self._frame(table, [row for p in current for row in self._rows[p.id]])

    def at(self, table: str, _version: int | None = None) -> DataFrame:
        return self._frame(table, self._whole[table]) if table in self._whole else self.published(table)

    def rows(self, table: str, where: Expression | None = None) -> list[dict[str, Any]]:
        rows = self._whole[table]
        if where is None:
            return [dict(row) for row in rows]
        names = sorted({name for row in rows for name in row} | {"kind", "value"})
        schema = pa.schema([(name, pa.string()) for name in names])
        found: list[dict[str, Any]] = pa.Table.from_pylist(rows, schema).filter(where).to_pylist()
        return found

    def side(self, table: str, pinned_by: Iterable[Publication]) -> DataFrame:
        rows = [row for p in pinned_by for row in self._side.get((table, p.id), ())]
        return self._frame(table, rows).withColumn("publication", F.lit("p"))

    def _frame(self, table: str, rows: list[dict[str, Any]]) -> DataFrame:
        return frame(self.spark, table, rows, EXTRA.get(table, ""))

    # publishing -----------------------------------------------------------------------------------------------------

    def raw(self, snapshot: str, documents: Sequence[Document], unreadable: int = 1) -> None:
        """Register a snapshot and publish its records; some of its files' could not be read."""
        file = {"uri": f"{snapshot}.warc", "name": "a", "format": "warc", "bytes": 10, "modified": "",
                "sha256": "0" * 64, "documents": len(documents) + unreadable, "ignored": 0, "ignored_kinds": "{}",
                "unreadable": unreadable, "error_bytes": 0}  # fmt: skip
        registered = {"snapshot": snapshot, "sequence": len(self._whole["snapshots"]) + 1, "source": "web",
                      "licence": None, "inputs": [file]}  # fmt: skip
        self._whole["snapshots"].append(registered)
        self._publish("snapshots", snapshot, [registered])
        rows = [
            {"snapshot": snapshot, "doc_id": doc(d.number), "url": url(d.number),
             "canonical_url": canonical_url(url(d.number)), "payload": b"<p>%d" % d.number, "source": d.source,
             "source_file": f"{snapshot}.warc", "source_offset": d.number}
            for d in documents
        ]  # fmt: skip
        located = [
            {"snapshot": snapshot, "url_hash": url_hash(canonical_url(url(d.number))), "doc_id": doc(d.number),
             "url": url(d.number)}
            for d in documents
        ]  # fmt: skip
        errors = [{"snapshot": snapshot, "source_file": f"{snapshot}.warc", "source_offset": 900 + n, "bytes": 1,
                   "is_document": True, "cause": "bad_gzip", "detail": ""} for n in range(unreadable)]  # fmt: skip
        side = {"locator": located, "read_errors": errors}
        self._publish("raw", snapshot, rows, reads=[("snapshots", snapshot)], side=side)

    def publish(self, state: State, release: str, snapshots: Sequence[str]) -> None:
        """Every table of a state, its side tables, and its release."""
        for snapshot in snapshots:
            self._snapshot(state, snapshot, [d for d in state.documents if d.snapshot == snapshot])
        there = [d for d in state.documents if d.number not in state.gone]
        selection = [_selection(release, d) for d in there if d.survives and d.asked]
        chosen = [_mixed(release, d) for d in there if d.released]
        by_number = {d.number: d for d in state.documents}
        for rewrite in state.rewrites:
            parent = by_number[rewrite.parent]
            named = {"snapshot": parent.snapshot, "doc_id": doc(rewrite.number), "origin": "rewire",
                     "parent_snapshot": parent.snapshot, "parent_id": doc(parent.number)}  # fmt: skip
            if rewrite.kept:
                selection.append({**_selection(release, parent), **named, "kept": rewrite.released,
                                  "reason": rewrite.out, "matches": None})  # fmt: skip
            if rewrite.released:
                chosen.append({**_mixed(release, parent), **named, "text": f"Again {rewrite.number}",
                               "tokens": rewrite.tokens, "copies": 1})  # fmt: skip
        facts = {"decisions": _decisions(selection), **state.facts.get("mixed", {})}
        reads = [(table, snapshot) for table in TABLES for snapshot in snapshots]
        mixed = self._publish("mixed", release, chosen, state=state, reads=reads, facts=facts,
                              side={"selection": selection})  # fmt: skip
        tokens = sum(row["tokens"] * row["copies"] for row in chosen)
        manifest = {"totals": {"documents": len(chosen), "tokens": tokens}}
        row = {"release": release, "recipe": "r", "state": "published", "publication": mixed.id,
               "manifest": json.dumps(manifest)}  # fmt: skip
        self._whole["releases"].append(row)
        self._publish("releases", release, [row])

    def suppress(self, kind: str, value: str) -> None:
        row = {"kind": kind, "value": value, "reason": "request", "receipt": "r1"}
        self._whole["suppressions"].append(row)

    def _snapshot(self, state: State, snapshot: str, documents: Sequence[Document]) -> None:
        there = [d for d in documents if d.number not in state.gone]
        kept = [d for d in there if d.kept]
        reasons = Counter(f"{d.reasons[0][0]}.{d.reasons[0][1]}" for d in there if d.reasons)
        counts = {"kept": len(kept), "dropped": len(there) - len(kept), "by_first_reason": dict(reasons),
                  "suppressed": len(documents) - len(there)}  # fmt: skip
        self._publish("cleaned", snapshot, [_cleaned(d) for d in there], state=state, reads=[("raw", snapshot)],
                      counts=counts)  # fmt: skip
        scored = [{"snapshot": snapshot, "doc_id": doc(d.number), "quality__score": d.quality} for d in kept]
        cells = sorted(Counter(cell_of(d.quality) for d in kept).items())
        self._publish("scored", snapshot, scored, state=state, reads=[("cleaned", snapshot)],
                      counts={"scores": {"quality__score": cells}})  # fmt: skip
        signatures = [{"snapshot": snapshot, "doc_id": doc(d.number), "text_hash": text_hash(d.body)} for d in there]
        survivors = [d for d in kept if d.survives]
        duplicates = len(kept) - len(survivors)
        self._publish(
            "deduped", snapshot, [_deduped(d) for d in kept], state=state,
            reads=[("cleaned", snapshot), ("scored", snapshot)], side={"signatures": signatures},
            counts={"kept": len(survivors), "dropped": duplicates, "by_reason": {"minhash": duplicates}},
        )  # fmt: skip
        numbers = {d.number for d in documents}
        rewritten = [
            {"snapshot": snapshot, "doc_id": doc(r.number), "parent_snapshot": snapshot, "parent_id": doc(r.parent),
             "strategy": "rewire", "model": "m", "sample": 0, "text": f"Again {r.number}", "parse_status": "ok",
             "kept": r.kept, "drop_reasons": [] if r.kept else [("faithfulness", 1, "too_short", 0.1, 0.5)],
             "tokens": r.tokens}
            for r in state.rewrites
            if r.parent in numbers
        ]  # fmt: skip
        accepted = sum(row["kept"] for row in rewritten)
        self._publish("rewritten", snapshot, rewritten, state=state, reads=[("deduped", snapshot)],
                      counts={"kept": accepted, "dropped": len(rewritten) - accepted})  # fmt: skip

    def _publish(
        self, table: str, partition: str, rows: list[dict[str, Any]], *, state: State | None = None,
        reads: Sequence[tuple[str, str]] = (), counts: Mapping[str, Any] | None = None,
        facts: Mapping[str, Any] | None = None, side: Mapping[str, list[dict[str, Any]]] | None = None,
    ) -> Publication:  # fmt: skip
        pins = [self.publications(name)[snapshot] for name, snapshot in reads]
        version = len(self._published.get(table, ())) + 1
        digest = f"{len(rows)}:{text_hash(repr(rows))}"
        record = {
            "publication": text_hash(f"{table} {partition} {version}"), "fingerprint": "f", "sequence": version,
            "digest": digest, "run_id": f"run of {table}", "recipe": {"name": "r", "fingerprint": "f" * 64},
            "inputs": [{"table": p.table, "partition": p.partition, "version": p.version, "publication": p.id}
                       for p in pins],
            "operators": [asdict(one) for one in (getattr(state, table) if state else ())],
            "facts": facts if facts is not None else state.facts.get(table, {}) if state else {},
            "counts": {"rows": len(rows), "suppressed": 0, **(counts or {})},
            "suppressed": (counts or {}).get("suppressed", 0), "audit": [{"name": "law", "success": True}],
            "provenance": {"code": {"commit": "c" * 40, "dirty": False}, "packages": {"numpy": "2"}},
            **({"takedown": {"receipt": "t"}} if state is not None and state.elected and table == "deduped" else {}),
        }  # fmt: skip
        publication = Publication(table, partition, version, datetime(2026, 1, 1, tzinfo=UTC), record)
        self._published.setdefault(table, []).append(publication)
        self._rows[publication.id] = rows
        self._side |= {(name, publication.id): own for name, own in (side or {}).items()}
        return publication


def _cleaned(d: Document) -> dict[str, Any]:
    return {
        "snapshot": d.snapshot, "doc_id": doc(d.number), "url": url(d.number),
        "canonical_url": canonical_url(url(d.number)), "host": f"h{d.number % 3}.example", "source": d.source,
        "captured_at": datetime(2026, 1, 1, tzinfo=UTC), "text": d.body, "language": d.language, "kept": d.kept,
        "drop_reasons": [(name, 1, reason, 1.0, 2.0) for name, reason in d.reasons],
        "edits": [("ftfy_repair", 1, d.edits, 1)], "gopher_quality__words": 60.0, "fineweb_quality__short_lines": 0.1,
        "token_count__tokens": float(d.tokens),
    }  # fmt: skip


def _deduped(d: Document) -> dict[str, Any]:
    row: dict[str, Any] = {
        "snapshot": d.snapshot, "doc_id": doc(d.number), "kept": d.survivor is None, "cluster_id": doc(d.number),
        "cluster_size": 1, "chars_cut": 4 * d.cut, "capture_id": doc(d.number), "capture_number": 1,
        "cuts": [(0, 4, 0, 4, "lines", ONE, doc(1), None, 1.0)] if d.cut else None,
    }  # fmt: skip
    if d.survivor is not None:
        snapshot, number = d.survivor
        row |= {"duplicate_step": "minhash", "survivor_snapshot": snapshot, "survivor_id": doc(number),
                "linked_snapshot": snapshot, "linked_to": doc(number), "similarity": 0.9}  # fmt: skip
    return row


def _selection(release: str, d: Document) -> dict[str, Any]:
    instead = d.instead or (None, None)
    return {
        "release": release, "snapshot": d.snapshot, "doc_id": doc(d.number), "origin": "original",
        "kept": d.out is None, "reason": d.out, "instead_snapshot": instead[0],
        "instead_id": None if instead[1] is None else doc(instead[1]), "quality": d.quality, "tokens": d.tokens,
        "copies": d.copies if d.out is None else 0,
        "matches": [(d.matches, "item 1", 20, 0.9)] if d.matches else None,
    }  # fmt: skip


def _mixed(release: str, d: Document) -> dict[str, Any]:
    return {
        "release": release, "snapshot": d.snapshot, "doc_id": doc(d.number), "url": url(d.number),
        "host": f"h{d.number % 3}.example", "text": d.body, "language": d.language, "source": d.source,
        "origin": "original", "phase": "main", "quality": d.quality, "copies": d.copies, "tokens": d.tokens,
        "order_key": f"{d.number}",
    }  # fmt: skip


def _decisions(selection: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    counted: dict[tuple[str, str | None], int] = {}
    for row in selection:
        key = row["origin"], row["reason"]
        counted[key] = counted.get(key, 0) + 1
    return [{"origin": origin, "reason": reason, "documents": n} for (origin, reason), n in counted.items()]

"""A lake with two releases whose documents differ for every cause there is, each published as a run publishes it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from pyspark.sql import SparkSession

from assets.build import Built, build
from assets.mixed import TABLE as MIXED
from assets.workshop import Workshop
from spark_jobs.crawl.url import canonical_url, url_hash
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.publish import append
from spark_jobs.lake.registry import register
from spark_jobs.stages.stage import OperatorRecord, StageContext, StageOutput
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


class Given:
    """A stage that gives the rows it was made with, and pins what it is told to read."""

    upstream: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self, table: str, rows: list[dict[str, Any]], *, operators: Sequence[OperatorRecord] = (),
        facts: Mapping[str, Any] | None = None, reads: Sequence[tuple[str, str]] = (),
        side: Mapping[str, list[dict[str, Any]]] | None = None,
    ) -> None:  # fmt: skip
        self.name, self.table, self.rows, self.reads = table, table, rows, reads
        self.operators, self.facts, self.side = tuple(operators), facts or {}, side or {}
        self.side_tables = tuple(self.side)
        self.scope = "release" if table == "mixed" else "snapshot"

    def fingerprint_parts(self, recipe: Any) -> Mapping[str, Any]:
        return {}

    def run(self, context: StageContext) -> StageOutput:
        for table, partition in self.reads:
            context.inputs.partition(table, partition)
        return StageOutput(
            main=frame(context.spark, self.table, self.rows, EXTRA.get(self.table, "")),
            side={name: frame(context.spark, name, rows) for name, rows in self.side.items()},
            operators=self.operators, facts=self.facts,
        )  # fmt: skip


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
        return self.survives and self.out is None


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
    gone: frozenset[int] = frozenset()  # suppressed: cleaning is offered them, and nothing later has them


@dataclass
class ReleasesLake:
    """The lake, and publishing states of the recipe to it."""

    spark: SparkSession
    home: Path
    runs: int = 0

    def __post_init__(self) -> None:
        self.lake = Lake(self.spark, str(self.home / "home")).make("r")

    def raw(self, snapshot: str, documents: Sequence[Document], unreadable: int = 1) -> None:
        """Register a snapshot and publish its records; some of its files' could not be read."""
        files = [{"uri": f"{snapshot}.warc", "name": "a", "format": "warc", "bytes": 10, "modified": "",
                  "sha256": "0" * 64, "documents": len(documents) + unreadable, "ignored": 0, "ignored_kinds": "{}",
                  "unreadable": unreadable, "error_bytes": 0}]  # fmt: skip
        register(self.lake, snapshot, files, source="web", licence=None)
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
        self._build(Given("raw", rows, reads=[("snapshots", snapshot)], side=side), snapshot)

    def publish(self, state: State, release: str, snapshots: Sequence[str]) -> None:
        """Every table of a state, its side tables, and its release."""
        for snapshot in snapshots:
            documents = [d for d in state.documents if d.snapshot == snapshot]
            self._snapshot(state, snapshot, documents)
        there = [d for d in state.documents if d.number not in state.gone]
        selection = [_selection(release, d) for d in there if d.survives]
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
        built = self._build(
            Given("mixed", chosen, operators=state.mixed, facts=facts, reads=reads, side={"selection": selection}),
            release,
        )
        assert MIXED.after is not None
        self.metadata = MIXED.after(self.workshop, built.publication)

    def suppress(self, kind: str, value: str) -> None:
        columns = "kind STRING, value STRING, reason STRING, receipt STRING"
        append(self.lake, "suppressions", self.spark.createDataFrame([(kind, value, "request", "r1")], columns))

    def _snapshot(self, state: State, snapshot: str, documents: Sequence[Document]) -> None:
        kept = [d for d in documents if d.kept and d.number not in state.gone]
        self._table("cleaned", snapshot, [_cleaned(d) for d in documents], state, [("raw", snapshot)])
        scored = [{"snapshot": snapshot, "doc_id": doc(d.number), "quality__score": d.quality} for d in kept]
        self._table("scored", snapshot, scored, state, [("cleaned", snapshot)])
        signatures = [
            {"snapshot": snapshot, "doc_id": doc(d.number), "text_hash": text_hash(d.body), "params_id": "p",
             "content_hash": text_hash(d.body), "words": 5, "chars": len(d.body)}
            for d in documents
        ]  # fmt: skip
        self._table("deduped", snapshot, [_deduped(d) for d in kept], state,
                    [("cleaned", snapshot), ("scored", snapshot)], side={"signatures": signatures})  # fmt: skip
        numbers = {d.number for d in documents}
        rewritten = [
            {"snapshot": snapshot, "doc_id": doc(r.number), "parent_snapshot": snapshot, "parent_id": doc(r.parent),
             "strategy": "rewire", "model": "m", "sample": 0, "text": f"Again {r.number}", "parse_status": "ok",
             "kept": r.kept, "drop_reasons": [] if r.kept else [("faithfulness", 1, "too_short", 0.1, 0.5)],
             "tokens": r.tokens}
            for r in state.rewrites
            if r.parent in numbers
        ]  # fmt: skip
        self._table("rewritten", snapshot, rewritten, state, [("deduped", snapshot)])

    def _table(
        self, table: str, snapshot: str, rows: list[dict[str, Any]], state: State, reads: Sequence[tuple[str, str]], *,
        side: Mapping[str, list[dict[str, Any]]] | None = None,
    ) -> None:  # fmt: skip
        given = Given(
            table, rows, operators=getattr(state, table), facts=state.facts.get(table), reads=reads, side=side
        )
        self._build(given, snapshot)

    @property
    def workshop(self) -> Workshop:
        recipe: Any = SimpleNamespace(name="r")
        return Workshop(
            lake=self.lake, recipe=recipe, recipe_fingerprint="f" * 64, scratch=str(self.home / "scratch"),
            provenance={"code": {"commit": "c" * 40, "dirty": False}, "packages": {"numpy": "2"}},
        )  # fmt: skip

    def _build(self, stage: Any, partition: str) -> Built:
        self.runs += 1
        return build(self.workshop, stage, (), partition=partition, fingerprint="f", run_id=f"run {self.runs}")


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

"""Small tables of published shape, and a reader over them: what the suites are audited against in the tests."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from spark_jobs.lake.records import Publication
from spark_jobs.lake.tables import TABLES

SNAPSHOT = "s2"
EARLIER = "s1"
RELEASE = "r1"


def doc(number: int) -> str:
    return f"{number:032x}"


def frame(spark: SparkSession, table: str, rows: list[dict[str, Any]], extra: str = "") -> DataFrame:
    """Rows as dictionaries; what a row does not name is null."""
    columns = TABLES[table].columns + (f", {extra}" if extra else "")
    empty = spark.createDataFrame([], columns)
    names = [f.name for f in empty.schema if f.name != "publication"]
    schema = empty.select(*names).schema
    return spark.createDataFrame([tuple(row.get(name) for name in names) for row in rows], schema)


@dataclass(frozen=True)
class Reader:
    """A PinnedReader over plain frames."""

    frames: Mapping[str, DataFrame]
    publications: Mapping[tuple[str, str], Publication] = field(default_factory=dict)

    def partition(self, table: str, partition: str) -> DataFrame:
        scope = TABLES[table].scope or "snapshot"
        return self.frames[table].where(f"{scope} = '{partition}'")

    def partitions(self, table: str, partitions: tuple[str, ...] | None = None) -> DataFrame:
        if partitions is None:
            return self.frames[table]
        listed = ", ".join(f"'{p}'" for p in partitions) or "''"
        return self.frames[table].where(f"snapshot IN ({listed})")

    def behind(self, of: str, table: str, partitions: tuple[str, ...]) -> DataFrame:
        """The frames hold one version of everything, whatever the publications of `of` were made from."""
        return self.partitions(table, partitions)

    def whole(self, table: str) -> DataFrame:
        return self.frames[table]

    def snapshots(self) -> tuple[str, ...]:
        return (EARLIER, SNAPSHOT)

    def earlier(self, table: str, partition: str, fits: Callable[[Publication], bool]) -> Publication | None:
        found = self.publications.get((table, EARLIER))
        return found if partition == SNAPSHOT and found is not None and fits(found) else None


def sha(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def input_file(uri: str, documents: int) -> dict[str, Any]:
    return {
        "uri": uri, "name": uri,
        "format": "warc", "bytes": 10, "modified": "", "sha256": "0" * 64, "documents": documents,
        "ignored": 0, "ignored_kinds": "{}", "unreadable": 1, "error_bytes": 3,
    }  # fmt: skip


def raw_rows() -> list[dict[str, Any]]:
    return [
        {
            "snapshot": SNAPSHOT, "doc_id": doc(n), "url": f"https://a.example/{n}", "payload": b"x%d" % n,
            "payload_digest": sha(b"x%d" % n), "source": "s", "source_file": "f1.warc", "source_offset": n,
        }
        for n in range(20)
    ]  # fmt: skip


def cleaned_rows() -> list[dict[str, Any]]:
    reason = ("gopher_quality", 1, "too_short", 3.0, 50.0)
    return [
        {
            "snapshot": SNAPSHOT, "doc_id": doc(n), "url": f"https://a.example/{n}", "host": "a.example", "source": "s",
            "text": f"text {n}", "language": "en", "language_score": 0.9, "kept": n < 10,
            "drop_reasons": [] if n < 10 else [reason], "edits": [], "gopher_quality__words": 3.0,
        }
        for n in range(20)
    ]  # fmt: skip


def scored_rows() -> list[dict[str, Any]]:
    return [{"snapshot": SNAPSHOT, "doc_id": doc(n), "fasttext_quality__score": n / 20} for n in range(10)]


def deduped_rows() -> list[dict[str, Any]]:
    """Documents 2 and 3 lost a piece: 2 what an earlier snapshot has, 3 what it repeats itself and what 2 has."""
    kept: list[dict[str, Any]] = [
        {
            "snapshot": SNAPSHOT, "doc_id": doc(n), "kept": True, "cluster_id": doc(n), "cluster_size": 1,
            "place": n + 1, "chars_cut": 0, **captured(n),
        }
        for n in range(8)
    ]  # fmt: skip
    # "text 2" and "text 3".
    kept[2] |= {"cuts": [(4, 1, 4, 1, "lines", EARLIER, doc(100), None, 1.0)], "chars_cut": 1}
    kept[3] |= {
        "cuts": [
            (3, 1, 3, 1, "within_document", SNAPSHOT, doc(3), 0, 1.0),
            (4, 1, 4, 1, "ngram_overlap", SNAPSHOT, doc(2), None, 0.9),
        ],
        "chars_cut": 2,
    }  # fmt: skip
    duplicate = {
        "snapshot": SNAPSHOT, "kept": False, "cluster_size": 2, "duplicate_step": "minhash", "similarity": 0.9,
        "chars_cut": 0,
    }  # fmt: skip
    within = {"doc_id": doc(8), "cluster_id": doc(0), "survivor_snapshot": SNAPSHOT, "survivor_id": doc(0),
              "linked_snapshot": SNAPSHOT, "linked_to": doc(0), **captured(8)}  # fmt: skip
    across = {"doc_id": doc(9), "cluster_id": doc(100), "survivor_snapshot": EARLIER, "survivor_id": doc(100),
              "linked_snapshot": EARLIER, "linked_to": doc(100), **captured(100), "capture_number": 2,
              "previous_snapshot": EARLIER, "previous_id": doc(100)}  # fmt: skip
    return [*kept, {**duplicate, **within}, {**duplicate, **across}]


def captured(number: int) -> dict[str, Any]:
    """A first capture."""
    return {"capture_id": f"{number:032x}", "capture_number": 1}


def earlier_deduped() -> list[dict[str, Any]]:
    return [
        {
            "snapshot": EARLIER, "doc_id": doc(100), "kept": True, "cluster_id": doc(100), "cluster_size": 1,
            "place": 1, "chars_cut": 0, **captured(100),
        }
    ]  # fmt: skip


def rewritten_rows() -> list[dict[str, Any]]:
    return [
        {
            "snapshot": SNAPSHOT, "doc_id": doc(1000 + n), "parent_snapshot": SNAPSHOT, "parent_id": doc(n),
            "strategy": "rewire", "model": "m", "prompt_digest": "p", "sample": 0, "text": f"better {n}",
            "parse_status": "ok", "kept": n > 0, "drop_reasons": [] if n else [("rewire", 1, "too_short", 0.5, 1.0)],
            "tokens": 5, "length_ratio": 1.1, "similarity": 0.7,
        }
        for n in range(3)
    ]  # fmt: skip


def mixed_rows() -> list[dict[str, Any]]:
    originals = [
        {
            "release": RELEASE, "snapshot": SNAPSHOT, "doc_id": doc(n), "url": f"https://a.example/{n}",
            "host": "a.example", "text": f"text {n}", "language": "en", "source": "s",
            "origin": "original", "phase": "main", "quality": 0.5, "copies": 1, "tokens": 10, "order_key": f"{n}",
        }
        for n in range(8)
    ]  # fmt: skip
    rewrite = {
        **originals[1], "doc_id": doc(1001), "parent_snapshot": SNAPSHOT, "parent_id": doc(1), "origin": "rewire",
        "text": "better 1", "tokens": 5,
    }  # fmt: skip
    return [*originals, rewrite]

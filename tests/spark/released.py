"""A small lake with one release and all that is behind it, published by hand: what integrity is tested on."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from spark_jobs.lake import ledger
from spark_jobs.lake.candidate import write_candidate
from spark_jobs.lake.contents import by_licence, summarise
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.pins import Pins
from spark_jobs.lake.publish import publish
from spark_jobs.lake.records import Publication
from spark_jobs.lake.registry import register
from spark_jobs.lake.releases import Release, find_release, register_release
from spark_jobs.stages.manifest import build_manifest
from tests.spark import published
from tests.spark.published import RELEASE, SNAPSHOT, frame

EXTRA = {"cleaned": "gopher_quality__words DOUBLE", "scored": "fasttext_quality__score DOUBLE"}
BEHIND: Mapping[str, Sequence[str]] = {
    "raw": ("snapshots",), "cleaned": ("raw",), "scored": ("cleaned",), "deduped": ("cleaned", "scored"),
    "rewritten": ("deduped",), "mixed": ("cleaned", "scored", "deduped", "rewritten"),
}  # fmt: skip
SIDE: Mapping[str, Mapping[str, list[dict[str, Any]]]] = {
    "raw": {
        "locator": [
            {"snapshot": SNAPSHOT, "url_hash": n, "doc_id": published.doc(n), "url": f"https://a.example/{n}"}
            for n in range(20)
        ]
    }
}  # fmt: skip


def publish_rows(
    lake: Lake, table: str, rows: list[dict[str, Any]], partition: str = SNAPSHOT, run_id: str = "run", **record: Any
) -> Publication:
    """Publish rows as a stage would have: a candidate, inputs as they are now, a record."""
    pins = Pins(lake)
    for upstream in BEHIND[table]:
        pins.publication(upstream, SNAPSHOT)
    sequence = lake.sequence(table, partition) + 1
    candidate = write_candidate(
        lake, table=table, partition=partition, attempt=f"{run_id} {sequence}",
        main=frame(lake.spark, table, rows, EXTRA.get(table, "")),
        side={name: frame(lake.spark, name, listed) for name, listed in SIDE.get(table, {}).items()},
    )  # fmt: skip
    counts: dict[str, Any] = {"rows": len(rows), "suppressed": candidate.suppressed}
    if rows and "kept" in rows[0]:
        counts |= {"kept": sum(row["kept"] for row in rows), "dropped": sum(not row["kept"] for row in rows)}
    told = {
        "kind": "main", "stage": table, "fingerprint": f"print of {table}", "inputs": pins.inputs, "counts": counts,
        "operators": [], "audit": [], "overrides": [], "run_id": run_id, **record,
    }  # fmt: skip
    return publish(lake, candidate, told, sequence=sequence)


def release_of(lake: Lake, name: str = RELEASE) -> Release:
    """Mix and register a release of what is current."""
    rows = [{**row, "release": name} for row in published.mixed_rows()]
    mixed = publish_rows(lake, "mixed", rows, name)
    summary, licences = ([r.asDict() for r in f(lake.read([mixed])).collect()] for f in (summarise, by_licence))
    manifest = build_manifest(
        release=name, recipe_name="test", pins=[dict(pin) for pin in mixed.inputs], summary=summary,
        publication=mixed.id, digest=mixed.digest, fingerprint=mixed.fingerprint, licences=licences,
    )  # fmt: skip
    register_release(lake, Release(name, "test", "published", mixed.id, manifest))
    return find_release(lake, name)


def make_released(spark: SparkSession, home: Path) -> Lake:
    """The lake."""
    lake = Lake(spark, str(home)).make("test")
    register(lake, SNAPSHOT, [published.input_file("f1.warc", 20)], source="s", licence=None)
    rows = {
        "raw": published.raw_rows(), "cleaned": published.cleaned_rows(), "scored": published.scored_rows(),
        "deduped": published.deduped_rows(), "rewritten": published.rewritten_rows(),
    }  # fmt: skip
    for table, listed in rows.items():
        publish_rows(lake, table, listed)
    release_of(lake)
    ledger.sync(lake)
    return lake


def copy_of(lake: Lake, home: Path) -> Lake:
    """The same lake somewhere else: a test may break it."""
    shutil.copytree(lake.home, home)
    return Lake(lake.spark, str(home))

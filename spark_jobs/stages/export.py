"""Training files of a release: Parquet or JSON lines, ordered by hash, with a manifest of digests beside them.

Spark writes the files; naming, hashing and the manifest go through fsspec, so that any target works that both know. The
same release gives files with the same bytes. Nothing that the export did not write is ever removed.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Literal

import fsspec
from fsspec.core import url_to_fs
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.errors import UsageError
from spark_jobs.lake.exports import MANIFEST

Format = Literal["parquet", "jsonl"]
CARD = "README.md"
SUFFIX: Mapping[str, str] = {"parquet": ".parquet", "jsonl": ".jsonl.gz"}
_WRITING = "_writing"
_PART = re.compile(r"part-(\d+)-")
_HASH_BYTES = 1 << 20
FILE_CHARACTERS = 256_000_000


@dataclass(frozen=True)
class ExportedFile:
    """One file of an export: its name in the folder, size, SHA-256 of its bytes, and what it holds."""

    name: str
    bytes: int
    sha256: str
    documents: int
    tokens: int


def export_release(
    frame: DataFrame,
    fmt: Format,
    out: str,
    *,
    overwrite: bool = False,
    expand_copies: bool = True,
    file_characters: int = FILE_CHARACTERS,
    manifest: Mapping[str, Any] | None = None,
    card: str | None = None,
) -> list[ExportedFile]:
    """Write the rows of one release below the folder or URI `out`, as `<phase>-<i>-of-<n>` files.

    Inside a file rows are ordered by `order_key`, and a hash decides which file a row goes to. With `expand_copies`
    every copy is a row, in a place of its own; else the column `copies` says how often to repeat it. `manifest` is what
    the written manifest says of the release, `card` the dataset card beside it. Raises UsageError for an unknown
    format, and for a folder that holds files (with `overwrite`: files other than those of an earlier export).
    """
    if fmt not in SUFFIX:
        raise UsageError(f"export: unknown format {fmt!r}; use {' or '.join(SUFFIX)}")
    folder = out.rstrip("/")
    _make_room(folder, overwrite=overwrite)
    rows = _expanded(frame) if expand_copies else frame
    written: list[ExportedFile] = []
    for phase, characters in _phases(rows):
        files = max(1, -(-characters // file_characters))
        written += _write_phase(rows.where(F.col("phase") == phase), phase, files, folder, fmt)
    carried = None if card is None else _write_card(folder, card)
    _write_manifest(folder, fmt, written, manifest, carried)
    return written


def _make_room(folder: str, *, overwrite: bool) -> None:
    system, path = url_to_fs(folder)
    if system.exists(path) and not system.isdir(path):
        raise UsageError(f"export: {folder} is a file; give a folder")
    names = _names(folder)
    if not names:
        system.makedirs(path, exist_ok=True)
        return
    mine = {_WRITING, MANIFEST, *_listed(folder)} if MANIFEST in names else {_WRITING}
    foreign = sorted(set(names) - mine)
    if foreign or not overwrite:
        what = f"it holds {foreign[0]}, which no export wrote" if foreign else "an export lies there already"
        remedy = "give an empty folder" if foreign else "give an empty folder, or allow to overwrite it"
        raise UsageError(f"export: {folder} is not empty ({what}); {remedy}")
    # The manifest goes first: without it what is left is no whole export.
    for name in sorted(names, key=lambda name: name != MANIFEST):
        system.rm(f"{path}/{name}", recursive=True)


def _names(folder: str) -> list[str]:
    system, path = url_to_fs(folder)
    if not system.exists(path):
        return []
    return sorted(str(entry).rstrip("/").rsplit("/", 1)[-1] for entry in system.ls(path, detail=False))


def _listed(folder: str) -> list[str]:
    try:
        with fsspec.open(f"{folder}/{MANIFEST}", "r", encoding="utf-8") as file:
            body = json.load(file)
            return [str(entry["name"]) for entry in (*body["files"], *filter(None, [body.get("card")]))]
    except (ValueError, KeyError, TypeError):
        return []  # not a manifest of ours: then its neighbours are foreign, and the caller says so


def _expanded(frame: DataFrame) -> DataFrame:
    """One row a copy; a further copy has an order key of its own, so copies lie far apart."""
    copies = frame.withColumn("copy", F.explode(F.sequence(F.lit(0), F.col("copies") - 1)))
    further = F.substring(F.sha2(F.concat_ws("\x1f", "order_key", F.col("copy").cast("string")), 256), 1, 32)
    key = F.when(F.col("copy") == 0, F.col("order_key")).otherwise(further)
    return copies.withColumn("order_key", key).withColumn("copies", F.lit(1))


def _phases(rows: DataFrame) -> list[tuple[str, int]]:
    summed = rows.groupBy("phase").agg(F.sum(F.length("text")).alias("characters")).orderBy(F.desc("phase"))
    return [(row["phase"], int(row["characters"] or 0)) for row in summed.collect()]


def _write_phase(rows: DataFrame, phase: str, files: int, folder: str, fmt: Format) -> list[ExportedFile]:
    placed = rows.withColumn("_file", _file_number(files))
    counted = placed.groupBy("_file").agg(F.count(F.lit(1)).alias("documents"), F.sum("tokens").alias("tokens"))
    held = {row["_file"]: (int(row["documents"]), int(row["tokens"])) for row in counted.collect()}
    # Partition i holds exactly the rows of file i, whatever the cluster looks like.
    ordered = placed.repartitionById(files, F.col("_file")).sortWithinPartitions("order_key", "doc_id", "snapshot")
    shown = ordered.select(*_columns(placed.columns))
    place = f"{folder}/{_WRITING}"
    if fmt == "parquet":
        shown.write.mode("overwrite").option("compression", "zstd").parquet(place)
    else:
        shown.write.mode("overwrite").option("compression", "gzip").option("ignoreNullFields", "false").json(place)
    names = _take_in(folder, {i: f"{phase}-{i:05d}-of-{files:05d}{SUFFIX[fmt]}" for i in sorted(held)})
    with ThreadPoolExecutor(4) as pool:
        digests = list(pool.map(lambda name: _digest(f"{folder}/{name}"), names))
    return [
        ExportedFile(name, size, digest, *held[i])
        for name, (size, digest), i in zip(names, digests, sorted(held), strict=True)
    ]


def _file_number(files: int) -> Column:
    """File of a row, from its uniform order key."""
    return F.floor(F.conv(F.substring("order_key", 1, 8), 16, 10).cast("long") * files / (1 << 32)).cast("int")


def _columns(there: list[str]) -> list[Column]:
    further = ["copy"] if "copy" in there else ["copies"]
    names = (
        "text", "url", "snapshot", "parent_snapshot", "parent_id", "host", "source", "licence", "language", "origin",
        "phase", "quality", "tokens", *further, "captured_at", "order_key",
    )  # fmt: skip
    return [F.col("doc_id").alias("id"), *(F.col(name) for name in names)]


def _take_in(folder: str, wanted: Mapping[int, str]) -> list[str]:
    """Move Spark's parts, which carry the number of their partition, to their names; parts without rows are dropped."""
    system, path = url_to_fs(folder)
    parts = {int(m[1]): name for name in _names(f"{folder}/{_WRITING}") if (m := _PART.match(name))}
    for number, name in wanted.items():
        system.mv(f"{path}/{_WRITING}/{parts[number]}", f"{path}/{name}")
    system.rm(f"{path}/{_WRITING}", recursive=True)
    return list(wanted.values())


def _digest(location: str) -> tuple[int, str]:
    """Size and SHA-256 of a file, read as a stream."""
    size, digest = 0, hashlib.sha256()
    with fsspec.open(location, "rb") as file:
        while block := file.read(_HASH_BYTES):
            size += len(block)
            digest.update(block)
    return size, digest.hexdigest()


def _write_card(folder: str, card: str) -> dict[str, Any]:
    """Write the dataset card; its name, size and digest."""
    with fsspec.open(f"{folder}/{CARD}", "wb") as file:
        file.write(card.encode())
    return {"name": CARD, "bytes": len(card.encode()), "sha256": hashlib.sha256(card.encode()).hexdigest()}


def _write_manifest(
    folder: str, fmt: str, files: list[ExportedFile], release: Mapping[str, Any] | None, card: dict[str, Any] | None
) -> None:
    body = {
        "format": fmt, "documents": sum(file.documents for file in files), "tokens": sum(file.tokens for file in files),
        "files": [asdict(file) for file in files], "release": dict(release or {}),
        **({} if card is None else {"card": card}),
    }  # fmt: skip
    with fsspec.open(f"{folder}/{MANIFEST}", "w", encoding="utf-8") as file:
        file.write(json.dumps(body, indent=2, sort_keys=True, ensure_ascii=False, default=str) + "\n")

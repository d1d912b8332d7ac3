"""What is in a release, counted from its rows: by source, origin, phase and language, by licence, and in all. Pure.

The manifest of a release says it, and verification counts it again. Whoever asks reads the rows.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

GROUP = ("source", "origin", "phase", "language")
_ORIGINAL = "original"
_SUMS = ("documents", "copies", "unique_tokens", "tokens", "characters")


def summarise(mixed: DataFrame) -> DataFrame:
    """A small aggregate of a release: one row per source, origin, phase and language.

    `tokens` count every copy, `unique_tokens` each document once, so tokens / unique_tokens are the epochs.
    """
    return (
        mixed.groupBy(*GROUP)
        .agg(
            F.count(F.lit(1)).alias("documents"),
            F.sum("copies").alias("copies"),
            F.max("copies").alias("max_copies"),
            F.sum("tokens").alias("unique_tokens"),
            F.sum(F.col("tokens") * F.col("copies")).alias("tokens"),
            F.sum(F.length("text")).alias("characters"),
        )
        .orderBy(*GROUP)
    )


def by_licence(mixed: DataFrame) -> DataFrame:
    """Documents and tokens (every copy counted) of a release by licence, as sources state it; null: none stated."""
    tokens = F.sum(F.col("tokens") * F.col("copies")).alias("tokens")
    return mixed.groupBy("licence").agg(F.count(F.lit(1)).alias("documents"), tokens).orderBy("licence")


def totals(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Sums over the rows of `summarise`, and how much of the tokens is rewritten."""
    found: dict[str, Any] = {name: sum(int(row[name]) for row in rows) for name in _SUMS}
    rewritten = sum(int(row["tokens"]) for row in rows if row["origin"] != _ORIGINAL)
    found["rewritten_tokens"] = rewritten
    found["rewritten_share"] = round(rewritten / found["tokens"], 6) if found["tokens"] else 0.0
    return found


def epochs(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Per source: tokens drawn over unique tokens of the originals, most copies of a document; rewrites beside it."""
    sources: dict[str, dict[str, Any]] = {}
    for row in rows:
        entry = sources.setdefault(
            row["source"] or "", {"tokens": 0, "unique_tokens": 0, "max_copies": 0, "rewritten_tokens": 0}
        )
        if row["origin"] != _ORIGINAL:
            entry["rewritten_tokens"] += int(row["tokens"])
            continue
        entry["tokens"] += int(row["tokens"])
        entry["unique_tokens"] += int(row["unique_tokens"])
        entry["max_copies"] = max(entry["max_copies"], int(row["max_copies"]))
    for entry in sources.values():
        entry["epochs"] = round(entry["tokens"] / entry["unique_tokens"], 6) if entry["unique_tokens"] else 0.0
    return sources

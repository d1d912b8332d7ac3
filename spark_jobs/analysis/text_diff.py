"""How two near-duplicates differ, as a unified diff of their texts: the one place where texts of clusters are read."""

import re
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from itertools import islice
from typing import Any

from pyspark.sql import functions as F

from spark_jobs.analysis.clusters import Clustered

CHARS = 20_000  # of a text are compared
LINES = 40  # of a diff are shown
_CONTEXT = 1
_LONG = 160
# A paragraph is one line of text: long ones are compared by sentence, so that a changed word does not show a page.
_SENTENCE = re.compile(r"(?<=[.!?\u3002\uff01\uff1f])\s+")


def lines_of(text: str) -> list[str]:
    """A text in pieces that stay the same when something before them changes: its lines, long ones by sentence."""
    found: list[str] = []
    for line in text[:CHARS].splitlines():
        found += _SENTENCE.split(line) if len(line) > _LONG else [line]
    return [piece for piece in found if piece.strip()]


def diff(text: str, other: str, *, names: tuple[str, str] = ("survivor", "duplicate")) -> dict[str, Any]:
    """The diff from `text` to `other`: lines, how many more there are, and what was not compared."""
    whole = list(unified_diff(lines_of(text), lines_of(other), *names, n=_CONTEXT, lineterm=""))
    return {
        "lines": list(islice(whole, LINES)), "more": max(0, len(whole) - LINES), "same": text == other,
        "cut": max(len(text), len(other)) > CHARS,
    }  # fmt: skip


def with_diffs(found: Clustered, clusters: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The clusters with `diff`: of the survivor and the first member listed; None where a text is gone."""
    pairs = [(c["survivor"], c["members"][0]) for c in clusters if c["members"]]
    keys = {(one["snapshot"], one["doc_id"]) for pair in pairs for one in pair}
    documents = found.documents(sorted({snapshot for snapshot, _ in keys}), "text")
    rows = documents.where(F.col("doc_id").isin(sorted({doc for _, doc in keys}))).collect()
    texts = {(r["snapshot"], r["doc_id"]): r["text"] or "" for r in rows}
    return [{**cluster, "diff": _of(cluster, texts)} for cluster in clusters]


def _of(cluster: dict[str, Any], texts: dict[tuple[str, str], str]) -> dict[str, Any] | None:
    two = list(_texts(cluster, texts))
    if len(two) < 2:
        return None
    member, survivor = cluster["members"][0], cluster["survivor"]
    names = f"survivor {survivor['doc_id']}", f"duplicate {member['doc_id']}"
    return {"snapshot": member["snapshot"], "doc_id": member["doc_id"], **diff(*two, names=names)}


def _texts(cluster: dict[str, Any], texts: dict[tuple[str, str], str]) -> Iterator[str]:
    for one in (cluster["survivor"], *cluster["members"][:1]):
        key = one["snapshot"], one["doc_id"]
        if key in texts:
            yield texts[key]

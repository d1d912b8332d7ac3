"""Recall and precision of a result against true Jaccard similarity, in plain Python and numpy: no code of the engine.

A shingle is five words as a regular expression finds them. Recall is over pairs of one planted cluster at or above 0.8,
of at most 100 members of each cluster, found when both are in one cluster of the result. Precision is over removed
documents: the similarity with the most similar other document of its cluster, with the kept one, and, where the result
names one, with the document it was linked to.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

THRESHOLD = 0.8
MEMBERS = 100  # of a cluster, for recall
CLUSTERS = 4_000  # for recall, the largest among them
REMOVED = 4_000  # documents, for precision
OTHERS = 2_000  # of a cluster, that a removed document is compared with
CLASSES = {"2": (2, 2), "3-9": (3, 9), "10-99": (10, 99), "100+": (100, 10**9)}  # sizes of planted clusters
_WORD = re.compile(r"[a-z]+")

Matrix = npt.NDArray[np.float64]


def shingles(text: str) -> set[str]:
    """Runs of five words."""
    words = _WORD.findall(text.lower())
    return {" ".join(words[start : start + 5]) for start in range(len(words) - 4)}


def jaccard(left: set[str], right: set[str]) -> float:
    """Shared over all."""
    return len(left & right) / max(len(left | right), 1)


@dataclass(frozen=True, eq=False)
class Result:
    """What a subject said: the cluster of each document, whether it is kept, and whom it was linked to (or nothing)."""

    cluster: Mapping[str, Any]
    kept: Mapping[str, bool]
    linked: Mapping[str, str]

    @classmethod
    def of(cls, table: pa.Table) -> "Result":
        """From columns doc_id, cluster, kept and perhaps linked_to."""
        ids = table["doc_id"].to_pylist()
        linked = table["linked_to"].to_pylist() if "linked_to" in table.column_names else [None] * len(ids)
        return cls(
            dict(zip(ids, table["cluster"].to_pylist(), strict=True)),
            dict(zip(ids, table["kept"].to_pylist(), strict=True)),
            {one: other for one, other in zip(ids, linked, strict=True) if other is not None},
        )


def judge(corpus: Path, result: Result) -> dict[str, Any]:
    """All figures of a result."""
    return {"recall": _recall(corpus, result), "precision": _precision(corpus, result)}


def _recall(corpus: Path, result: Result) -> dict[str, Any]:
    """Share of true pairs that are in one cluster, over all and by size of the planted cluster, and their number."""
    planted = _planted(corpus)
    largest = sorted(planted, key=lambda cluster: (-len(planted[cluster]), cluster))
    chosen = [*largest[:20], *sorted(largest[20:], key=_scattered)[: CLUSTERS - 20]]
    sampled = {cluster: sorted(planted[cluster])[:MEMBERS] for cluster in chosen}
    texts = dict(_texts(corpus, {one for ids in sampled.values() for one in ids}))
    true, found = defaultdict(int), defaultdict(int)
    for cluster, ids in sampled.items():
        similar = _similarities([shingles(texts[one]) for one in ids]) >= THRESHOLD
        labels = np.array([hash(result.cluster.get(one, one)) for one in ids])
        pairs = np.triu(similar, 1)
        size = next(bounds for bounds in CLASSES.values() if bounds[0] <= len(planted[cluster]) <= bounds[1])
        true[size] += int(pairs.sum())
        found[size] += int((pairs & (labels[:, None] == labels)).sum())
    figures = {name: found[bounds] / max(true[bounds], 1) for name, bounds in CLASSES.items()}
    return {"all": sum(found.values()) / max(sum(true.values()), 1), "pairs": sum(true.values()), **figures}


def _scattered(number: int) -> int:
    """An order that has nothing to do with size."""
    return number * 2654435761 % (1 << 32)


def _planted(corpus: Path) -> dict[int, list[str]]:
    table = ds.dataset(corpus).to_table(columns=["doc_id", "cluster"], filter=pc.field("cluster") >= 0)
    clusters: dict[int, list[str]] = defaultdict(list)
    for one, cluster in zip(table["doc_id"].to_pylist(), table["cluster"].to_pylist(), strict=True):
        clusters[cluster].append(one)
    return clusters


def _texts(corpus: Path, ids: set[str]) -> Iterator[tuple[str, str]]:
    wanted = pa.array(sorted(ids))
    for batch in ds.dataset(corpus).to_batches(columns=["doc_id", "text"]):
        there = batch.filter(pc.is_in(batch["doc_id"], wanted))
        yield from zip(there["doc_id"].to_pylist(), there["text"].to_pylist(), strict=True)


def _similarities(sets: Sequence[set[str]]) -> Matrix:
    """All with all: the product of the 0-1 matrix of documents and shingles with itself counts what is shared."""
    number = {shingle: place for place, shingle in enumerate(sorted(set().union(*sets)))}
    there = np.zeros((len(sets), len(number)), dtype=np.float32)
    for row, own in enumerate(sets):
        there[row, [number[shingle] for shingle in own]] = 1
    shared = (there @ there.T).astype(np.float64)
    sizes = np.array([len(own) for own in sets], dtype=np.float64)
    return np.asarray(shared / np.maximum(sizes[:, None] + sizes - shared, 1), dtype=np.float64)


def _precision(corpus: Path, result: Result) -> dict[str, Any]:
    """Share of removed documents whose similarity with another of their cluster is true, in three readings."""
    removed = sorted(one for one, kept in result.kept.items() if not kept)
    sampled = removed[:: max(1, len(removed) // REMOVED)]
    together: dict[Any, list[str]] = defaultdict(list)
    for one, cluster in result.cluster.items():
        together[cluster].append(one)
    by_cluster: dict[Any, list[str]] = defaultdict(list)
    for one in sampled:
        by_cluster[result.cluster[one]].append(one)
    asked = {cluster: _candidates(result, together[cluster], ones) for cluster, ones in by_cluster.items()}
    texts = dict(_texts(corpus, {one for ids in asked.values() for one in ids}))
    nearest, survivor, linked = [], [], []
    for cluster, ones in by_cluster.items():
        near = _Near({other: shingles(texts[other]) for other in sorted(asked[cluster])})
        kept = [other for other in near.ids if result.kept[other]]
        for one in ones:
            nearest.append(near.best(one))
            survivor.append(max((jaccard(near.sets[one], near.sets[other]) for other in kept), default=0.0))
            if one in result.linked:
                linked.append(jaccard(near.sets[one], near.sets[result.linked[one]]))
    said = {"nearest": nearest, "survivor": survivor, "linked": linked}
    figures = {name: float(np.mean(np.array(values) >= THRESHOLD)) if values else None for name, values in said.items()}
    return {"removed": len(removed), "sampled": len(sampled), **figures}


def _candidates(result: Result, members: Sequence[str], ones: Sequence[str]) -> set[str]:
    """Members of a cluster that are looked at: of a very large one a part, with the kept and the linked ones."""
    part = members[:: max(1, len(members) // OTHERS)]
    kept = [other for other in members if result.kept[other]]
    return {*part, *kept, *ones, *(result.linked[one] for one in ones if one in result.linked)}


class _Near:
    """The most similar other document of a cluster, by what each shingle is shared with."""

    def __init__(self, sets: Mapping[str, set[str]]) -> None:
        self.sets, self.ids = sets, list(sets)
        self.where: dict[str, list[int]] = defaultdict(list)
        for place, one in enumerate(self.ids):
            for shingle in sets[one]:
                self.where[shingle].append(place)
        self.sizes = np.array([len(sets[one]) for one in self.ids])

    def best(self, one: str) -> float:
        """Jaccard similarity with the nearest other."""
        own = self.sets[one]
        if len(self.ids) < 2 or not own:
            return 0.0
        places = np.concatenate([np.array(self.where[shingle]) for shingle in own])
        shared = np.bincount(places, minlength=len(self.ids))
        similarity = shared / (self.sizes + len(own) - shared)
        similarity[self.ids.index(one)] = 0
        return float(similarity.max())

"""Corpora with planted truth: documents of about 2 kB, 30 % of them in clusters of near-duplicates, made by tasks.

Everything of a document follows from its place by hash, so any task can make any document. Members of a cluster are
edited copies of its first one, 1 to 15 % of the words replaced, singly or in runs; copies lie scattered. A twentieth
of the other documents share half of their text with 19 more (a template) and are no duplicates.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

COLUMNS = "doc_id STRING, captured_at TIMESTAMP, quality__score DOUBLE, cluster BIGINT, text STRING"
VERSION = 2  # moves when the same arguments give other documents
CLUSTERED, TEMPLATED = 0.30, 0.05
LARGEST, GIANT, GIANT_FROM = 2_000, 100_000, 1_000_000
TEMPLATE_PAGES = 20
EDITS = (0.01, 0.15)
RUN = 8  # words replaced together
VOCABULARY = 30_000
_STEP = np.uint64(0x9E3779B97F4A7C15)
_SHIFTS = tuple(map(np.uint64, (30, 27, 31)))
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_START = 1_627_776_000  # the first capture, a second for each place after it


def mixed(values: Any) -> U64:
    """SplitMix64 of an array."""
    value = np.array(values, dtype=np.uint64, ndmin=1) * _STEP + _STEP
    value = (value ^ (value >> _SHIFTS[0])) * _MIX[0]
    value = (value ^ (value >> _SHIFTS[1])) * _MIX[1]
    return value ^ (value >> _SHIFTS[2])


def mixed_one(value: int) -> int:
    """SplitMix64 of a number."""
    return int(mixed(value)[0])


def draws(key: int, what: int, count: int) -> U64:
    """Numbers of a purpose of a key."""
    start = mixed_one(key ^ _PURPOSES[what])
    return mixed(np.arange(count, dtype=np.uint64) + np.uint64(start))


_PURPOSES = [mixed_one(what) for what in range(9)]


def shares(values: U64) -> npt.NDArray[np.float64]:
    """Numbers as shares in [0, 1)."""
    return (values >> np.uint64(11)) * (1.0 / (1 << 53))


@dataclass(frozen=True, eq=False)
class Plan:
    """Which slot is which: clusters first (`bounds[c]` to `bounds[c + 1]`), then templates, then single documents."""

    documents: int
    seed: int
    bounds: I64

    @property
    def clustered(self) -> int:
        """Slots in clusters."""
        return int(self.bounds[-1])

    def slots(self, places: I64) -> I64:
        """Where documents lie: neighbours in a cluster are far apart."""
        step = round(self.documents * 0.6180339887) | 1
        while np.gcd(step, self.documents) != 1:
            step += 2
        return (places * step + self.seed) % self.documents


@lru_cache(maxsize=4)
def plan(documents: int, seed: int) -> Plan:
    """Sizes of clusters fall with their square, from 2 to 2,000 (a twentieth of a small corpus)."""
    wanted = round(documents * CLUSTERED)
    sizes = [GIANT] if documents >= GIANT_FROM else []
    most = min(LARGEST, documents // 20)
    drawn = shares(draws(seed, 1, wanted))
    left = wanted - sum(sizes)
    for share in drawn.tolist():
        size = int(1 / (0.5 - share * (0.5 - 1 / (most + 1))))
        if left < 2:
            break
        sizes.append(size if size <= left - 2 else left)
        left -= sizes[-1]
    return Plan(documents, seed, np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64))


@lru_cache(maxsize=1)
def words() -> npt.NDArray[np.object_]:
    """The vocabulary, and behind it the same words at the end of a sentence and of a paragraph."""
    syllables = [c + v for c in "bdfghklmnprstvwz" for v in "aeiou"]
    made: dict[str, None] = {}
    number = 0
    while len(made) < VOCABULARY:
        picks = mixed(np.arange(8 * number, 8 * number + 5, dtype=np.uint64))
        made["".join(syllables[int(pick) % len(syllables)] for pick in picks[1 : 2 + int(picks[0]) % 4])] = None
        number += 1
    plain = list(made)
    return np.array(plain + [word + "." for word in plain] + [word + ".\n" for word in plain], dtype=object)


def _drawn_words(key: int, what: int, count: int) -> I64:
    """Frequent words are drawn often, as in language."""
    return (shares(draws(key, what, count)) ** 2.5 * VOCABULARY).astype(np.int64)


def text_of(made: Plan, slot: int) -> tuple[int, str]:
    """The cluster of a slot (negative: none) and its text."""
    key, cluster, member = _origin(made, slot)
    count = 200 + int(draws(key, 2, 1)[0] % np.uint64(260))
    chosen = _drawn_words(key, 3, count)
    if member:
        own = mixed_one(slot ^ mixed_one(made.seed + 99))
        replaced = _edited(own, count) if cluster >= 0 else np.arange(count) >= count // 2
        chosen = np.where(replaced, _drawn_words(own, 4, count), chosen)
    stops = draws(key, 5, count) % np.uint64(64)
    kind = np.where(stops == 0, 2, np.where(stops < 5, 1, 0))
    return cluster, " ".join(words()[chosen + VOCABULARY * kind].tolist())


def _origin(made: Plan, slot: int) -> tuple[int, int, int]:
    """The key of the words of a slot, its cluster, and its number among those with these words."""
    if slot < made.clustered:
        cluster = int(np.searchsorted(made.bounds, slot, side="right")) - 1
        return _key(made, cluster), cluster, slot - int(made.bounds[cluster])
    rest = slot - made.clustered
    if rest < round((made.documents - made.clustered) * TEMPLATED):
        return _key(made, made.documents + rest // TEMPLATE_PAGES), -1 - slot, 1 + rest % TEMPLATE_PAGES
    return _key(made, 2 * made.documents + rest), -1 - slot, 0


def _key(made: Plan, number: int) -> int:
    return mixed_one(number ^ mixed_one(made.seed))


def _edited(own: int, count: int) -> npt.NDArray[np.bool_]:
    """Which words of a copy are replaced: a share between the bounds, singly or in runs."""
    rate, runs = shares(draws(own, 6, 2)).tolist()
    rate = EDITS[0] + rate * (EDITS[1] - EDITS[0])
    places = shares(draws(own, 7, count))
    if runs < 0.5:
        return places < rate
    starts = np.zeros(count + RUN, dtype=np.int64)
    begun = np.flatnonzero(places < rate / RUN)
    np.add.at(starts, begun, 1)
    np.add.at(starts, begun + RUN, -1)
    return np.cumsum(starts)[:count] > 0


def rows(made: Plan, places: I64) -> pa.RecordBatch:
    """Documents of these places in the columns of `COLUMNS`."""
    found = [text_of(made, slot) for slot in made.slots(places).tolist()]
    names = [draws(made.seed, 8, 1)[0] ^ places.astype(np.uint64), places.astype(np.uint64)]
    ids = [
        f"{high:016x}{low:016x}" for high, low in zip(mixed(names[0]).tolist(), mixed(names[1]).tolist(), strict=True)
    ]
    captured = (_START + places) * 1_000_000
    return pa.RecordBatch.from_arrays(
        [
            pa.array(ids), pa.array(captured, pa.int64()).cast(pa.timestamp("us", "UTC")),
            pa.array(np.floor(shares(mixed(names[0] + np.uint64(1))) * 100) / 100),
            pa.array([cluster for cluster, _ in found], pa.int64()), pa.array([text for _, text in found]),
        ],
        names=[column.split()[0] for column in COLUMNS.split(", ")],
    )  # fmt: skip


def write(spark: Any, place: str, documents: int, seed: int, *, first: int = 0, count: int | None = None) -> None:
    """Make a corpus, or `count` documents of it from place `first` on, as Parquet, by tasks of 10,000 documents."""
    made = plan(documents, seed)

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield rows(made, batch["id"].to_numpy())

    end = documents if count is None else first + count
    tasks = max(2, (end - first) // 10_000)
    spark.range(first, end, 1, tasks).mapInArrow(run, COLUMNS).write.mode("overwrite").parquet(place)

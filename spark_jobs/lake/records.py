"""The publication record: what a commit says about the data it publishes, as JSON in its `userMetadata`.

The record is at most 1 MB; longer parts (operators, facts) go to a file named by its digest.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from spark_jobs.lake import storage

FORMAT = 1
MAX_BYTES = 1_000_000
LONG_PARTS = ("operators", "facts", "audit", "inputs")


def canonical_json(value: Any) -> str:
    """One text for one value: keys sorted, no blanks, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def sha256_of(value: Any) -> str:
    """Hex SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


@dataclass(frozen=True)
class Publication:
    """One committed publication of one partition of one table."""

    table: str
    partition: str
    version: int
    published_at: datetime
    record: Mapping[str, Any]

    @property
    def id(self) -> str:
        """The publication's id, which side rows and inputs of other records name."""
        return str(self.record["publication"])

    @property
    def side_id(self) -> str:
        """The id that its rows in side tables carry: a takedown leaves those of its predecessor where they are."""
        return str(self.record.get("side_publication", self.id))

    @property
    def fingerprint(self) -> str:
        """What determined the data, cumulative over its upstream."""
        return str(self.record["fingerprint"])

    @property
    def sequence(self) -> int:
        """Number of this publication in its scope: 1 for the first."""
        return int(self.record["sequence"])

    @property
    def digest(self) -> str:
        """Content digest, as text."""
        return str(self.record["digest"])

    @property
    def inputs(self) -> Sequence[Mapping[str, Any]]:
        """The publications it was made from."""
        return tuple(self.record.get("inputs", ()))


_IDENTITY = ("table", "partition", "sequence", "stage", "fingerprint", "inputs", "digest", "suppressions_version")


def seal(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record with its id: the hash of all that it publishes, without run, time and audit."""
    identity = {key: record.get(key) for key in _IDENTITY}
    return {**record, "format": FORMAT, "publication": sha256_of(identity)[:32]}


def dump(record: Mapping[str, Any], home: str) -> str:
    """The record as text for `userMetadata`; parts that make it too long are stored by digest."""
    text = canonical_json(record)
    if len(text.encode()) <= MAX_BYTES:
        return text
    short = dict(record)
    for part in LONG_PARTS:
        if part not in short:
            continue
        body = canonical_json(short[part])
        digest = hashlib.sha256(body.encode()).hexdigest()
        storage.write_text(storage.join(home, "records", f"{digest}.json"), body)
        short[part] = {"stored": digest}
    return canonical_json(short)


def load(text: str, home: str) -> dict[str, Any]:
    """The inverse of `dump`."""
    record: dict[str, Any] = json.loads(text)
    for part in LONG_PARTS:
        value = record.get(part)
        if isinstance(value, dict) and set(value) == {"stored"}:
            record[part] = json.loads(storage.read_text(storage.join(home, "records", f"{value['stored']}.json")))
    return record

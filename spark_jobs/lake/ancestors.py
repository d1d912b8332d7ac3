"""What publications were made from, directly or not, by the pins in their records."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from spark_jobs.lake.lake import Lake
from spark_jobs.lake.ledger import MAIN_TABLES
from spark_jobs.lake.records import Publication


@dataclass(frozen=True)
class Pin:
    """One input as a record names it, the publication that names it, and the one that it is; None: not in the lake."""

    of: Publication
    named: Mapping[str, Any]
    found: Publication | None


def pins(lake: Lake, heads: Iterable[Publication]) -> list[Pin]:
    """Every pin behind some publications, each publication's once."""
    by_id = {(p.table, p.id): p for table in MAIN_TABLES for p in lake.history(table)}
    waiting, seen, listed = list(heads), set[tuple[str, str]](), list[Pin]()
    while waiting:
        publication = waiting.pop()
        if (publication.table, publication.id) in seen:
            continue
        seen.add((publication.table, publication.id))
        for named in publication.inputs:
            found = by_id.get((str(named["table"]), str(named["publication"])))
            listed.append(Pin(publication, named, found))
            if found is not None:
                waiting.append(found)
    return listed


def with_ancestors(lake: Lake, heads: Iterable[Publication]) -> list[Publication]:
    """The publications and all that they were made from, in the order of tables, partitions and versions."""
    listed = tuple(heads)
    everything = [*listed, *(pin.found for pin in pins(lake, listed) if pin.found is not None)]
    unique = {(p.table, p.id): p for p in everything}
    place = {table: number for number, table in enumerate(MAIN_TABLES)}
    return sorted(unique.values(), key=lambda p: (place[p.table], p.partition, p.version))

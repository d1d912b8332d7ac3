"""Whether a publication still is what the recipe, the code and its inputs say it should be. The ledger owns this."""

from collections.abc import Mapping, Sequence

from spark_jobs.lake.lake import Lake

Part = tuple[str, str]  # table and snapshot


def stale_reason(lake: Lake, table: str, partition: str, fingerprint: str) -> str | None:
    """Why a partition must be built (again); None when it is fresh."""
    current = lake.current(table, partition)
    if current is None:
        return "not built yet"
    if current.fingerprint != fingerprint:
        return "its part of the recipe, a model or a package changed"
    for pinned in current.inputs:
        head = lake.current(str(pinned["table"]), str(pinned["partition"]))
        if head is None or head.id != pinned["publication"]:
            return f"{pinned['table']}/{pinned['partition']} was published again"
    return None


def stale_parts(
    lake: Lake, upstream: Mapping[str, Sequence[str]], fingerprints: Mapping[str, str], order: Sequence[str]
) -> dict[Part, str]:
    """Every part that must be built (again), in the order in which a run does it: why it is stale, or behind what.

    `upstream` names for each table, in the order of the flow, those it is made from; `order` are the snapshots by
    their numbers. What is made from a stale part is stale with it, a later snapshot of a serial table as well.
    """
    found: dict[Part, str] = {}
    for snapshot in order:
        for table, above in upstream.items():
            reason = stale_reason(lake, table, snapshot, fingerprints[table])
            behind = next((part for part in _made_from(lake, table, snapshot, above) if part in found), None)
            if reason is not None:
                found[table, snapshot] = reason
            elif behind is not None:
                found[table, snapshot] = f"{'/'.join(behind)} is stale"
    return found


def _made_from(lake: Lake, table: str, snapshot: str, above: Sequence[str]) -> list[Part]:
    current = lake.current(table, snapshot)
    pinned = current.inputs if current is not None else ()
    return [*((name, snapshot) for name in above), *((str(pin["table"]), str(pin["partition"])) for pin in pinned)]


def overtaken(lake: Lake, table: str) -> dict[str, tuple[str, ...]]:
    """Partitions of a serial table that were made from publications of it which were replaced since: by which ones.

    Both in the order of publication, the oldest first.
    """
    current = lake.publications(table)
    found: dict[str, tuple[str, ...]] = {}
    for partition, publication in sorted(current.items(), key=lambda entry: entry[1].version):
        earlier = [str(pin["partition"]) for pin in publication.inputs if pin["table"] == table
                   and (head := current.get(str(pin["partition"]))) and head.id != pin["publication"]]  # fmt: skip
        if earlier:
            found[partition] = tuple(sorted(earlier, key=lambda name: current[name].version))
    return found

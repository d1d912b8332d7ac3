"""Whether a publication still is what the recipe, the code and its inputs say it should be. The ledger owns this."""

from spark_jobs.lake.lake import Lake


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

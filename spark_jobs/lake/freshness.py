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

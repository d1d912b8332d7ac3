"""Publishing again what was published once: in the same lake (rollback) or in another one (rebuild).

The rows go through a candidate and `publish()` like any others, so what is suppressed by now stays out.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pyspark.sql import functions as F

from spark_jobs.errors import VerificationError
from spark_jobs.lake import storage
from spark_jobs.lake.candidate import Candidate, write_candidate
from spark_jobs.lake.check_content import check_publication
from spark_jobs.lake.digest import ContentDigest
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.publish import publish
from spark_jobs.lake.records import Publication, sha256_of

# What `publish` says anew of every publication.
_OF_A_COMMIT = (
    "table", "partition", "transaction", "sequence", "columns", "digest", "suppressed", "suppressions_version", "side",
    "side_publication", "takedown", "format", "publication",
)  # fmt: skip


def republish(
    source: Lake, publication: Publication, target: Lake, *, run_id: str, changes: Mapping[str, Any], sequence: int
) -> Publication:
    """Publish the rows of a publication of `source` again in `target`, with its record but for `changes`.

    Raises VerificationError where its files or rows are no longer what was published, NotFoundError where a vacuum
    took them, LostRaceError where somebody published meanwhile.
    """
    table, partition = publication.table, publication.partition
    source.refuse_gone([publication])
    if wrong := check_publication(source, publication).mismatches:
        raise VerificationError(
            f"{table}/{partition} version {publication.version} is not what was published, nothing was done: {wrong[0]}"
            + (f" (and {len(wrong) - 1} more)" if wrong[1:] else "")
        )
    side = {name: source.side(name, [publication]).drop("publication") for name in publication.record.get("side", ())}
    main = source.read([publication]).select(*(F.col(f"`{name}`") for name in publication.record["columns"]))
    attempt = sha256_of([run_id, publication.id, sequence])[:16]
    candidate = write_candidate(target, table=table, partition=partition, attempt=attempt, main=main, side=side)
    record = {key: value for key, value in publication.record.items() if key not in _OF_A_COMMIT}
    if candidate.digest != ContentDigest.parse(publication.digest):
        record["counts"] = recounted(target, candidate, record.get("counts", {}))
    before = int(publication.record.get("suppressed", 0))
    published = publish(
        target, replace(candidate, suppressed=candidate.suppressed + before), {**record, **changes, "run_id": run_id},
        sequence=sequence,
    )  # fmt: skip
    storage.remove(storage.join(target.home, "candidates", table, partition, attempt))
    return published


def recounted(lake: Lake, candidate: Candidate, counts: Mapping[str, Any]) -> dict[str, Any]:
    """The counts of what is left after a suppression; figures that were counted from all rows are dropped."""
    frame = candidate.frame(lake)
    fresh: dict[str, Any] = {
        "rows": candidate.digest.rows, "suppressed": candidate.suppressed + int(counts.get("suppressed", 0))
    }  # fmt: skip
    if "kept" in counts:
        fresh["kept"] = frame.where("kept").count()
        fresh["dropped"] = candidate.digest.rows - fresh["kept"]
    if "drop_reasons" in frame.columns and "by_reason" in counts:
        reason = F.explode(F.transform("drop_reasons", lambda r: F.concat_ws(".", r["annotator"], r["reason"])))
        rows = frame.select(reason.alias("reason")).groupBy("reason").count().collect()
        fresh["by_reason"] = {row["reason"]: row["count"] for row in sorted(rows)}
    return fresh

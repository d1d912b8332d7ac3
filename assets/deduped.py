"""`deduped`: every scored document, kept or the duplicate of a named survivor, over all snapshots so far."""

from assets.stage_asset import TableAsset
from expectations.deduped import LAWS
from spark_jobs.stages.dedup import Dedup

TABLE = TableAsset(
    stage=Dedup(),
    laws=LAWS,
    description="Kept, or duplicate of a named survivor with the evidence; in the snapshot and all earlier ones.",
)

"""`cleaned`: main text, language, edits, signals and verdict of every raw row; dropped rows keep their text."""

from assets.stage_asset import TableAsset
from expectations.cleaned import LAWS
from spark_jobs.stages.clean import Clean

TABLE = TableAsset(
    stage=Clean(),
    laws=LAWS,
    description="Main text, language, edits, signals and verdict of every document; filter on `kept`.",
)

"""What the logs tell is what Spark reads: the registry and the publications of a real lake."""

from pathlib import Path

from pyspark.sql import SparkSession

from spark_jobs.lake.lake import Lake
from spark_jobs.lake.log_lake import LogLake
from spark_jobs.lake.models import store, stored
from spark_jobs.lake.registry import register, registered

FILE = {
    "uri": "/c/a b.warc.gz", "format": "warc", "bytes": 3, "modified": "2026-01-01", "name": "a b.warc.gz",
    "sha256": "0" * 64, "documents": 2, "ignored": 0, "ignored_kinds": "", "unreadable": 0, "error_bytes": 0,
}  # fmt: skip


def test_registry_models_and_publications_without_spark(spark: SparkSession, tmp_path: Path) -> None:
    home = str(tmp_path / "home")
    assert not LogLake(home).is_there()
    lake = Lake(spark, home).make("default")
    quiet = LogLake(home)
    assert quiet.is_there()
    assert (registered(quiet), stored(quiet)) == ({}, ())
    # Beyond the tenth commit Delta writes checkpoints; the log alone still says everything.
    for number in range(6):
        register(lake, f"s {number}", [FILE], source="web", licence=None)
    for number in range(6):
        register(lake, f"s {number}", [FILE, {**FILE, "uri": "/c/b.warc.gz"}], source="web", licence="CC0")
    model = tmp_path / "model.bin"
    model.write_bytes(b"weights")
    store(lake, model, name="quality", version=1, kind="fasttext", fit_fingerprint="f", fitted_on=["s 0"], params={},
          metrics={"auc": 0.5})  # fmt: skip
    quiet.refresh()
    lake.refresh()
    assert registered(quiet) == registered(lake)
    assert list(registered(quiet)) == [f"s {number}" for number in range(6)]
    assert stored(quiet) == stored(lake)
    assert len(stored(quiet)) == 1
    assert quiet.history("snapshots") == lake.history("snapshots")

"""Corpus, engine and judge of `benchmarks/dedup` on a small corpus: what is planted is found, nothing else."""

from importlib import import_module
from pathlib import Path

import pyarrow.dataset as ds
from pyspark.sql import SparkSession

corpus, engine, lake, truth = (
    import_module(f"benchmarks.dedup.{name}") for name in ("corpus", "engine", "lake", "truth")
)

DOCUMENTS = 600


def test_planted_duplicates_are_found_and_nothing_else(spark: SparkSession, tmp_path: Path) -> None:
    place = tmp_path / "documents"
    corpus.write(spark, str(place), DOCUMENTS, 3)
    folder = lake.FolderLake(spark, tmp_path / "lake", {"s": place})
    facts = folder.dedup("s", {"steps": ["exact_text", "minhash"], "minhash": {"bands": 18, "rows": 6}})
    result = tmp_path / "result.parquet"
    engine.result_of(folder, "s", result)
    table = ds.dataset(result).to_table()
    quality = truth.judge(place, truth.Result.of(table))
    assert table.num_rows == DOCUMENTS
    assert facts["similar_pairs"] > 0
    assert quality["recall"]["all"] >= 0.995
    assert quality["precision"]["removed"] > 20
    assert quality["precision"]["linked"] == 1.0

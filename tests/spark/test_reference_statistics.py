"""Counting reference documents on Spark gives the counts of one process, however the rows lie."""

from typing import Any

from spark_jobs.stages.reference_statistics import statistics_of, statistics_of_frame
from spark_jobs.text.batch import TextBatch

ROWS = [
    ("The cat sat on the mat.\nThe cat sat on the mat.", "en", 0.91),
    ("Le chat est sur le tapis.", "fr", 0.87),
    ("这是一个中文句子。", "zh", 0.99),
    ("", "en", 0.0),
    ("no language", None, None),
]


def test_partitions_do_not_matter(spark: Any) -> None:
    texts, languages, scores = zip(*ROWS, strict=True)
    local = statistics_of([TextBatch.from_texts(texts, language=languages, language_score=scores)])
    frame = spark.createDataFrame(ROWS, "text STRING, language STRING, language_score DOUBLE")
    for parts in (1, 4):
        found = statistics_of_frame(frame.repartition(parts))
        assert found.digest() == local.digest()
    assert local.documents == {"en": 2, "fr": 1, "zh": 1}
    assert local.words["en"]["the"] == 2
    assert local.words["zh"]["中文"] == 1

"""Analysis over stored signals: exact under any partitioning, equal to counting row by row, no text is read."""

import math
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.analysis import overlap
from spark_jobs.analysis.changes import Change, apply
from spark_jobs.analysis.curve import curve, governed
from spark_jobs.analysis.distribution import Bin, distributions
from spark_jobs.analysis.facets import edits, examples
from spark_jobs.analysis.grid import cell_of
from spark_jobs.analysis.stored import Stored
from spark_jobs.analysis.verdicts import by_key, groups, verdicts
from spark_jobs.analysis.whatif import whatif
from spark_jobs.lake.tables import TABLES
from spark_jobs.operators import registry
from spark_jobs.stages.clean import operator_record
from spark_jobs.stages.decide import reasons_column

FILTERS = [
    registry.build("filters", "language_filter", {"languages": ["en"]}),
    registry.build("filters", "gopher_quality"),
    registry.build("filters", "token_count"),
]
SIGNALS = [f"{f.name}__{s.name}" for f in FILTERS for s in f.signals]
# words, "#" ratio, language listed, score, tokens; at the bounds, beside them, and without a text.
ROWS: list[tuple[float | None, ...]] = [
    (50, 0.1, 1, 0.9, 70), (49, 0.1, 1, 0.9, 60), (51, 0.1, 1, 0.65, 71), (80, 0.2, 1, 0.9, 100), (79, 0, 0, 0.9, 99),
    (1000, math.nextafter(0.1, 1), 1, 0.7, 1500), (3, 0.3, 0, 0.1, 5), (120, 0, 1, 0.8, 130), (81, 0.05, 1, 0.66, 90),
    (None, None, None, None, None), (80, 0, 1, 1.0, 110), (200, 0.09, 1, 0.99, 0),
]  # fmt: skip
WORDS = {"gopher_quality__words": 0, "gopher_quality__hash_ratio": 1, "language_filter__listed": 2,
         "language_filter__score": 3, "token_count__tokens": 4}  # fmt: skip
FIXED = {"gopher_quality__mean_word_length_chars": 5.0, "gopher_quality__alphabetic_word_ratio": 0.9,
         "gopher_quality__stop_words": 4.0}  # fmt: skip


def frame(spark: SparkSession, partitions: int = 1) -> DataFrame:
    columns = TABLES["cleaned"].columns + "".join(f", {name} DOUBLE" for name in SIGNALS)
    schema = spark.createDataFrame([], columns).schema
    rows = []
    for number, row in enumerate(ROWS):
        values: dict[str, Any] = {name: row[at] if row[at] is None else float(row[at]) for name, at in WORDS.items()}
        values |= {name: None if row[0] is None else value for name, value in FIXED.items()}
        values |= {
            "snapshot": "s", "doc_id": f"{number:032x}", "url": f"https://h{number % 3}.example/<script>{number}",
            "host": f"h{number % 3}.example", "source": "crawl", "language": "en" if row[2] else "de",
            "text": "" if row[0] is None else f"<b>text & {number}</b>",
            "edits": [("c4_lines", 1, number, 10 * number), ("mask_pii.email", 1, 2, 3), ("mask_pii.phone", 1, 1, -9)],
            "drop_reasons": [("extract", 1, "no_text", None, None)] if row[0] is None else [],
        }  # fmt: skip
        rows.append(tuple(values.get(field.name) for field in schema))
    made = spark.createDataFrame(rows, schema).repartition(partitions)
    own = F.filter("drop_reasons", lambda reason: reason["annotator"] == "extract")
    decided = made.withColumn("drop_reasons", F.concat(own, reasons_column(FILTERS)))
    return decided.withColumn("kept", F.size("drop_reasons") == 0)


def stored(rows: DataFrame) -> Stored:
    operators = [vars(operator_record("filters", f)) for f in FILTERS]
    return Stored("s", "p", 1, {"operators": operators, "facts": {"signals": SIGNALS}}, rows)


def kept(min_words: float = 50, max_hash: float = 0.1) -> list[int]:
    """The rows that pass, one by one, in Python."""
    return [
        i for i, (words, ratio, listed, score, _) in enumerate(ROWS)
        if words is not None and words >= min_words and ratio <= max_hash and listed == 1 and score > 0.65
    ]  # fmt: skip


@pytest.fixture(scope="module")
def one(spark: SparkSession) -> Stored:
    return stored(frame(spark))


def test_a_changed_threshold_counts_as_it_would_drop(one: Stored) -> None:
    for value in (50, 80, 79, 3, 100_000):
        found = whatif([one], [Change("gopher_quality", "min_words", value)], top=5)
        for side, rows in (("before", kept()), ("after", kept(value))):
            tokens = sum(int(ROWS[i][4] or 0) for i in rows)
            assert found[side] == {"documents": len(rows), "tokens": tokens}, (side, value)
        assert found["newly_dropped"]["documents"] == len(set(kept()) - set(kept(value)))
        assert found["newly_kept"]["documents"] == len(set(kept(value)) - set(kept()))
        reasons = {row["reason"]: row for row in found["reasons"]}
        assert reasons["extract.no_text"]["after"]["alone"] == 1, "no text, no second chance"
        first = sum(row["after"]["first"] for row in found["reasons"])
        assert first == len(ROWS) - found["after"]["documents"]


def test_a_filter_taken_out_gives_back_what_it_alone_dropped(one: Stored) -> None:
    found = whatif([one], [], ["gopher_quality"], top=5)
    counted = [(g.before, overlap.Tally(g.documents, g.tokens)) for g in groups(verdicts(one, one.filters))]
    alone = overlap.by_filter(counted, ["gopher_quality"])
    assert found["newly_kept"]["documents"] == alone["gopher_quality"].documents > 0
    assert not any(row["reason"].startswith("gopher") and row["after"]["documents"] for row in found["reasons"])
    filters = found["overlap"]["before"]["filters"]
    cells = found["overlap"]["before"]["documents"]
    assert filters == ["extract", "language_filter", "gopher_quality"]
    assert all(cells[i][j] == cells[j][i] for i in range(3) for j in range(3))


@pytest.mark.parametrize("partitions", [2, 5])
def test_partitioning_changes_no_answer(spark: SparkSession, one: Stored, partitions: int) -> None:
    other, change = stored(frame(spark, partitions)), [Change("gopher_quality", "min_words", 80)]
    assert whatif([other], change, by="host", top=9) == whatif([one], change, by="host", top=9)
    arguments: dict[str, Any] = {"kept": F.col("kept"), "tokens": F.col("token_count__tokens")}
    bounds = dict.fromkeys(SIGNALS, (50.0, 0.1))
    assert distributions(other.rows, bounds, **arguments) == distributions(one.rows, bounds, **arguments)


def test_a_distribution_is_the_rows_by_cell_and_side(one: Stored) -> None:
    column = "gopher_quality__hash_ratio"
    (found,) = distributions(
        one.rows, {column: (0.1,)}, kept=F.col("kept"), tokens=F.col("token_count__tokens")
    ).values()
    assert sum(b.documents for b in found) == len(ROWS)
    assert [b for b in found if b.cell is None] == [Bin(None, 0, False, 1, 0)]
    on = [b for b in found if b.place == 1 and b.cell is not None]
    assert {b.cell for b in on} == {cell_of(0.1)}
    assert sum(b.documents for b in on) == sum(row[1] == 0.1 for row in ROWS)
    assert sum(b.documents for b in found if b.place == 2) == sum((row[1] or 0) > 0.1 for row in ROWS)


@pytest.mark.parametrize("parameter", ["min_words", "max_hash_ratio"])
def test_every_point_of_a_curve_is_the_answer_at_its_threshold(one: Stored, parameter: str) -> None:
    shown = governed(one.filters, "gopher_quality", parameter)
    points, every = curve([one], {"p": one.filters}, shown, 12)
    assert every.documents == len(ROWS)
    assert [p.threshold for p in points if p.published] == [shown.bound]
    assert len(points) > 4
    for point in points:
        limits = {"min_words": point.threshold} if parameter == "min_words" else {"max_hash": point.threshold}
        rows = kept(**limits)
        assert (point.documents, point.tokens) == (len(rows), sum(int(ROWS[i][4] or 0) for i in rows)), point


def test_by_a_column_counts_its_most_frequent_values(one: Stored) -> None:
    rows = by_key(verdicts(one, apply(one.filters, [Change("gopher_quality", "min_words", 80)]), "host"), 2)
    assert [row["key"] for row in rows] == ["h0.example", "h1.example"]
    for row, start in zip(rows, (0, 1), strict=True):
        mine = set(range(start, len(ROWS), 3))
        assert row["documents"] == len(mine)
        assert (row["kept_before"], row["kept_after"]) == (len(mine & set(kept())), len(mine & set(kept(80))))


def test_no_text_is_read(spark: SparkSession, tmp_path: Any, one: Stored, capsys: pytest.CaptureFixture[str]) -> None:
    one.rows.write.parquet(str(tmp_path / "cleaned"))
    written = stored(spark.read.parquet(str(tmp_path / "cleaned")))
    moved = apply(written.filters, [Change("gopher_quality", "min_words", 80)])
    spark.conf.set("spark.sql.maxMetadataStringLength", "100000")
    try:
        verdicts(written, moved, "host").groupBy("before", "after", "key").count().explain("formatted")
        written.rows.select(F.explode("edits")).explain("formatted")
        read = [line for line in capsys.readouterr().out.splitlines() if line.startswith("ReadSchema")]
    finally:
        spark.conf.unset("spark.sql.maxMetadataStringLength")
    assert len(read) == 2
    for line in read:
        assert "text:" not in line.replace("extract", ""), line
        assert "payload" not in line
        assert "url:" not in line
    assert "gopher_quality__words:double" in read[0]
    assert "language_filter__score" not in read[0], "only the signals of what moved"


def test_edits_are_summed_by_editor(one: Stored) -> None:
    total = sum(range(len(ROWS)))
    assert edits(one) == {
        "c4_lines": {"documents": len(ROWS), "edits": total, "chars_removed": 10 * total},
        "mask_pii": {"documents": len(ROWS), "edits": 3 * len(ROWS), "chars_removed": -6 * len(ROWS)},
    }


def test_examples_are_drawn_by_hash_and_not_by_order(spark: SparkSession, one: Stored) -> None:
    drawn = examples(one, kept=True, number=3, seed=7, chars=9)
    assert drawn == examples(stored(frame(spark, 4)), kept=True, number=3, seed=7, chars=9)
    assert all(len(row["text"]) == 9 and not row["reasons"] for row in drawn)
    orders = {tuple(r["doc_id"] for r in examples(one, kept=True, number=9, seed=s, chars=9)) for s in range(4)}
    assert len(orders) > 1
    assert all(row["reasons"] for row in examples(one, kept=False, number=3, seed=7, chars=9))

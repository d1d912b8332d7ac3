"""The clean stage on Spark: one row out for each in, all reasons, the same under any partitioning; re-deciding."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from spark_jobs.lake.tables import TABLES
from spark_jobs.operators.base import Params, Rule
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.recipe.sections.cleaned import CleanedSection
from spark_jobs.stages.clean import Clean, operators_of, signal_columns
from spark_jobs.stages.decide import reasons_column, redecide, rule_to_column
from spark_jobs.stages.stage import StageContext, StageOutput
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.decide import DROP_REASON, Limits, broken, list_column

SECTION = CleanedSection(
    steps=[
        "url_rules",
        {"language_filter": {"languages": ["en"], "min_score": 0.3}},
        "gopher_repetition",
        {"gopher_quality": {"min_words": 10}},
        {"c4_quality": {"min_sentences": 2}},
        "c4_lines",
        "fineweb_quality",
        "mask_pii",
    ]
)
PROSE = (
    "The river that runs past the old town is wide and slow, and barges with timber pass it every day. "
    "People walk along its banks in the evening. They have been doing so for as long as anyone can remember. "
    "Questions about the walks go to guide@tours.test.org, which is read by the office on weekdays. "
)
MENU = "<nav><a href=/>Home</a></nav>"


def page(body: str) -> bytes:
    return f"<html><body>{MENU}<main><p>{body}</p></main></body></html>".encode()


PAGES: dict[str, tuple[str, str | None, bytes | None]] = {
    "good": ("https://good.test/walks", "text/html; charset=utf-8", page(PROSE)),
    "cookies": ("https://good.test/c", "text/html", page(PROSE + "</p><p>We use cookies on this site.</p><p>")),
    "short": ("https://good.test/short", "text/html", page("Too short to be of use.")),
    "two_faults": ("https://good.test/xxx/", "text/html", page("Zu kurz ist dieser Text hier leider {.")),
    "image": ("https://good.test/a.png", "image/png", b"\x89PNG\r\n\x1a\n\x00\x00"),
    "nested": ("https://good.test/deep", "text/html", b"<div>" * 3000 + b"deep"),
    "nothing": ("https://good.test/none", "text/html", None),
    "plain": ("https://good.test/plain.txt", "text/plain", PROSE.encode("utf-16")),
}


class Reader:
    """The pinned inputs of the stage: one frame of raw."""

    def __init__(self, raw: DataFrame) -> None:
        self.raw = raw

    def partition(self, table: str, partition: str) -> DataFrame:
        assert (table, partition) == ("raw", "s1")
        return self.raw


def cleaned(spark: SparkSession, partitions: int = 1, section: CleanedSection = SECTION) -> StageOutput:
    captured = datetime(2021, 8, 1, tzinfo=UTC)
    rows = [
        Row(
            snapshot="s1",
            doc_id=name,
            url=url,
            canonical_url=url,
            captured_at=captured,
            content_type=kind,
            http_headers=[("X-Robots-Tag", "noai")] if name == "cookies" else None,
            payload=body,
        )
        for name, (url, kind, body) in PAGES.items()
    ]
    columns = "snapshot STRING, doc_id STRING, url STRING, canonical_url STRING, captured_at TIMESTAMP, "
    columns += "content_type STRING, http_headers ARRAY<STRUCT<name: STRING, value: STRING>>, payload BINARY"
    frame = spark.createDataFrame(rows, columns)
    raw = frame.selectExpr("*", "'sample' AS source", "'CC0' AS licence").repartition(partitions)
    recipe = Recipe.model_construct(name="test", cleaned=section)
    context = StageContext(spark=spark, recipe=recipe, partition="s1", inputs=Reader(raw), scratch="")  # type: ignore[arg-type]
    return Clean().run(context)


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> Mapping[str, Row]:
    return {row["doc_id"]: row for row in cleaned(spark).main.collect()}


def reasons(row: Row) -> set[str]:
    return {f"{reason['annotator']}.{reason['reason']}" for reason in row["drop_reasons"]}


def test_every_raw_row_comes_out_once_under_the_tables_columns(spark: SparkSession, rows: Mapping[str, Row]) -> None:
    assert set(rows) == set(PAGES)
    frame = cleaned(spark).main
    declared = spark.createDataFrame([], TABLES["cleaned"].columns).schema
    assert frame.schema.simpleString().startswith(declared.simpleString().removesuffix(">"))
    assert tuple(frame.columns[len(declared) :]) == signal_columns(SECTION)


def test_filters_of_the_page_see_its_tags_and_headers(spark: SparkSession) -> None:
    section = CleanedSection(extract="main_text", steps=["page_title", {"robots_meta": {"respect_noai": True}}])
    found = {row["doc_id"]: row for row in cleaned(spark, section=section).main.collect()}
    assert reasons(found["cookies"]) == {"robots_meta.noai"}
    assert (found["good"]["robots_meta__noai"], found["good"]["page_title__title_chars"]) == (0.0, 0.0)
    assert found["image"]["robots_meta__noai"] is None


def test_a_good_page_is_kept_with_its_edits(rows: Mapping[str, Row]) -> None:
    good = rows["good"]
    assert good["kept"]
    assert good["drop_reasons"] == []
    assert (good["language"], good["host"], good["licence"], good["script"]) == ("en", "good.test", "CC0", "Latn")
    assert "Home" not in good["text"]
    assert "@example." in good["text"]
    assert [(edit["editor"], edit["count"]) for edit in good["edits"]] == [("mask_pii.email", 1)]
    assert good["captured_at"] == datetime(2021, 8, 1)  # noqa: DTZ001 - Spark gives naive UTC
    # Which reserved address stands for one that was masked follows from the document's id.
    texts = [re.sub(r"\S+@example\.\w+", "@", row["text"]).strip() for row in (good, rows["plain"])]
    assert texts[0] == texts[1]
    assert rows["plain"]["extractor"] == "plain_text"


def test_edits_are_recorded_with_what_they_removed(rows: Mapping[str, Row]) -> None:
    edits = {edit["editor"]: edit for edit in rows["cookies"]["edits"]}
    assert edits["c4_lines"]["count"] == 1
    assert edits["c4_lines"]["chars_removed"] >= len("We use cookies on this site.")
    assert "cookies" not in rows["cookies"]["text"]
    assert rows["cookies"]["kept"]


def test_a_dropped_page_keeps_its_text_and_has_all_its_reasons(rows: Mapping[str, Row]) -> None:
    assert not rows["short"]["kept"]
    assert rows["short"]["text"] == "Too short to be of use."
    assert {
        "url_rules.hard_word",
        "language_filter.other_language",
        "gopher_quality.too_short",
        "c4_quality.curly_bracket",
        "c4_quality.few_sentences",
    } <= reasons(rows["two_faults"])
    short = next(reason for reason in rows["short"]["drop_reasons"] if reason["reason"] == "too_short")
    assert (short["annotator"], short["version"], short["value"], short["bound"]) == ("gopher_quality", 2, 6.0, 10.0)


def test_a_page_without_text_is_dropped_for_that_reason_alone_and_has_no_signals(rows: Mapping[str, Row]) -> None:
    found = {name: reasons(rows[name]) for name in ("image", "nested", "nothing")}
    assert found == {"image": {"extract.not_text"}, "nested": {"extract.too_deep"}, "nothing": {"extract.no_text"}}
    for name in found:
        assert rows[name]["text"] == ""
        assert not rows[name]["kept"]
        assert all(rows[name][column] is None for column in signal_columns(SECTION))


@pytest.mark.parametrize("partitions", [2, 7])
def test_partitioning_changes_nothing(spark: SparkSession, rows: Mapping[str, Row], partitions: int) -> None:
    assert {row["doc_id"]: row for row in cleaned(spark, partitions).main.collect()} == rows


def test_deciding_again_from_signals_gives_the_stored_verdicts_and_moves_with_a_threshold(spark: SparkSession) -> None:
    frame = cleaned(spark).main
    filters = [step.build() for step in SECTION.steps if step.kind == "filters"]
    stored = {row["doc_id"]: row for row in frame.collect()}
    again = {row["doc_id"]: row for row in redecide(frame, filters).collect()}
    assert again == stored
    loose = CleanedSection(steps=[{"gopher_quality": {"min_words": 1, "min_alphabetic_words": None}}])
    kept = {row["doc_id"] for row in redecide(frame, [step.build() for step in loose.steps]).where("kept").collect()}
    assert {"good", "cookies", "plain"} <= kept
    assert not {"image", "nested", "nothing"} & kept, "no text, no second chance"


class Probe:
    """A filter over one stored signal, with every shape of rule."""

    name = "probe"
    version = 3
    params = Params()

    def rules(self) -> tuple[Rule, ...]:
        return (
            Rule(reason="low", signal="x", minimum=0.1),
            Rule(reason="high", signal="x", maximum=0.1),
            Rule(reason="at_or_below", signal="x", minimum=0.1, exclusive=True),
            Rule(reason="at_or_above", signal="x", maximum=0.1, exclusive=True),
            Rule(reason="outside", signal="x", minimum=-1.0, maximum=0.5),
            Rule(reason="off", signal="x"),
            *(
                Rule(reason=f"limits_{k}", signal="x", minimum=low, maximum=0.5, exclusive=bool(k % 2), limits=limits)
                for k, (low, limits) in enumerate([(0.1, LIMITS), (None, LIMITS), (0.2, FEWER), (0.3, LONG)])
            ),
        )


LIMITS = Limits(
    by=("language", "script"),
    bounds={"sr": (0.1, None), "sr_Latn": (None, 0.1), "fr": (None, None), "de": (-1.0, 7.0), "sr_": (5.0, None)},
)
FEWER = Limits(by=("language",), bounds={"sr": (None, 1e308), "it's \"": (0.1, 0.1)})
LONG = Limits(by=("script", "language"), bounds={f"{s}_l{i}": (i / 7, None) for i in range(500) for s in ("Latn", "é")})
LABELS = [("sr", "Latn"), ("sr", "Cyrl"), ("sr", None), ("fr", "Latn"), ("de", "Latn"), (None, "Latn"), (None, None),
          ("xx", "Latn"), ("sr", ""), ("it's \"", "Latn"), ("l3", "Latn"), ("l499", "é"), ("l500", "é")]  # fmt: skip


def test_a_rule_as_a_column_is_the_rule_in_python_on_every_double(spark: SparkSession) -> None:
    import numpy as np

    below, above = math.nextafter(0.1, 0), math.nextafter(0.1, 1)
    values = [
        0.1,
        below,
        above,
        0.1 + 0.2 - 0.2,
        0.0,
        -0.0,
        -1.0,
        -1.5,
        0.5,
        7.0,
        5e-324,
        1e308,
        math.inf,
        -math.inf,
        None,
    ]
    rows = [(value, *labels) for value in values for labels in LABELS]
    frame = spark.createDataFrame(
        [(i, *row) for i, row in enumerate(rows)], "i INT, probe__x DOUBLE, language STRING, script STRING"
    )
    columns = [
        row["reasons"] for row in frame.select("i", reasons_column([Probe()]).alias("reasons")).sort("i").collect()
    ]
    numbers = np.array([math.nan if value is None else value for value, _, _ in rows])
    languages, scripts = (pa.array([row[k] for row in rows], pa.string()) for k in (1, 2))
    batch = TextBatch.of(pa.array([""] * len(rows), pa.large_string()), language=languages, script=scripts)
    entries = [broken("probe", 3, r.reason, numbers, r.bounds(batch)) for r in Probe().rules()]
    python = list_column(DROP_REASON, len(rows), entries).to_pylist()
    assert [[reason.asDict() for reason in row] for row in columns] == python
    single = frame.select("i", *(rule_to_column(r, Probe()).alias(r.reason) for r in Probe().rules())).sort("i")
    assert [[name for name in row.asDict() if name != "i" and row[name]] for row in single.collect()] == [
        [reason["reason"] for reason in row] for row in python
    ]


def test_deciding_again_by_other_limits_of_a_language_equals_running_again(spark: SparkSession) -> None:
    def section(**params: Any) -> CleanedSection:
        return CleanedSection(steps=[{"fineweb2_quality": params}])

    def verdicts(frame: DataFrame) -> dict[str, Any]:
        return {row["doc_id"]: (row["kept"], row["drop_reasons"]) for row in frame.collect()}

    first = cleaned(spark, section=section()).main
    moved = section(
        limits={"en": {"max_avg_word_length": 2.5}, "de_Latn": {"new_line_ratio": None}}, min_words=1, without_row="off"
    )
    (step,) = moved.steps
    again = verdicts(redecide(first, [step.build()]))
    assert again == verdicts(cleaned(spark, section=moved).main)
    assert again != verdicts(first)
    (words,) = [reason for reason in again["good"][1] if reason["reason"] == "long_words"]
    assert words["bound"] == 2.5, "the bound that applied is recorded"


def test_the_stage_says_what_ran_and_what_moves_its_output() -> None:
    records = operators_of(SECTION)
    assert [record.name for record in records] == ["main_text", *(step.name for step in SECTION.steps)]
    quality: Any = next(record for record in records if record.name == "gopher_quality")
    assert quality.params["min_words"] == 10
    assert {rule["reason"]: rule["minimum"] for rule in quality.rules}["too_short"] == 10

    def parts(section: CleanedSection) -> Any:
        return Clean().fingerprint_parts(Recipe.model_construct(name="test", cleaned=section))

    assert parts(SECTION) == parts(CleanedSection.model_validate(SECTION.model_dump()))
    moved = CleanedSection(steps=[*SECTION.steps[:-1], {"mask_pii": {"ip": False}}])
    assert parts(moved) != parts(SECTION)
    other = SECTION.model_copy(update={"language": SECTION.language.model_copy(update={"max_chars": 10})})
    assert parts(other) != parts(SECTION)

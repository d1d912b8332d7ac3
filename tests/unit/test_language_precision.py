"""Word lists of small languages, their contamination, and the filter that asks for evidence."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from orchestration.cli import main
from spark_jobs.errors import RecipeError
from spark_jobs.operators import registry
from spark_jobs.operators.filters.language_precision import names_language
from spark_jobs.stages.fit_precision import Evidence, PrecisionParams, fit_precision, word_lists
from spark_jobs.stages.reference_statistics import statistics_of
from spark_jobs.text.batch import TextBatch

SWISS, GERMAN = "das isch nöd guet", "das ist nicht gut"
ROW: dict[str, Any] = {
    "words": ["isch", "nöd"], "contamination": 0.4, "codes": ["gsw"], "names": ["zürich"], "domains": ["ch"],
}  # fmt: skip


def batch_of(rows: list[tuple[str, str]]) -> TextBatch:
    texts, languages = [text for text, _ in rows], [language for _, language in rows]
    return TextBatch.from_texts(texts, language=languages, language_score=[0.9] * len(rows), url=[None] * len(rows))


REFERENCE = batch_of([(SWISS, "gsw")] * 3 + [(GERMAN, "deu")] * 3 + [("das isch", "deu")])


def test_a_list_holds_words_frequent_here_and_rare_elsewhere() -> None:
    statistics = statistics_of([REFERENCE])
    params = PrecisionParams(top_share=1.0, min_share=0.75, min_documents=3)
    # isch: 3 of 4 occurrences are Swiss; das: 3 of 7.
    assert word_lists(statistics, params)["gsw"] == ["guet", "isch", "nöd"]
    assert word_lists(statistics, params.model_copy(update={"min_share": 0.85}))["gsw"] == ["guet", "nöd"]
    assert word_lists(statistics, params.model_copy(update={"top_share": 0.5}))["gsw"] == ["guet"]
    assert "gsw" not in word_lists(statistics, params.model_copy(update={"min_documents": 4}))


def test_contamination_is_the_share_without_any_list_word() -> None:
    crawled = batch_of([(SWISS, "gsw"), ("Hello there", "gsw"), ("", "gsw"), ("nöd!", "gsw"), ("x", "fr")])
    params = PrecisionParams(top_share=1.0, min_documents=3)
    evidence = {"gsw": Evidence(domains=("ch",), names=("zürich",))}
    table = fit_precision(statistics_of([REFERENCE]), [crawled], params, evidence)
    row = table["languages"]["gsw"]
    assert (row["documents"], row["contamination"]) == (4, 0.5)
    assert (row["codes"], row["names"], row["domains"]) == (["gsw"], ["zürich"], ["ch"])
    assert table["languages"]["deu"]["contamination"] is None
    split = fit_precision(statistics_of([REFERENCE]), [crawled.with_texts(crawled.texts)], params, evidence)
    assert split == table


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("https://ex.test/gsw/seite", True),
        ("https://gsw.wiki.test/", True),
        ("https://ex.test/GSWseite", True),
        ("https://ex.test/XGSWX", False),
        ("https://ex.test/gswseite", False),
        ("https://ex.test/z%C3%BCrich", False),
        ("https://zuerich.ch", True),
        ("https://ex.ch:8080/a", True),
        ("https://ex.test/ch/a.ch", False),
        ("https://ch.test/", False),
        ("", False),
        (None, False),
    ],
)
def test_what_a_url_says(url: str | None, *, named: bool) -> None:
    assert names_language(url, ROW) == named


def test_only_contaminated_languages_need_evidence() -> None:
    rows = {"gsw": ROW, "bar": ROW | {"contamination": 0.1}, "nds": ROW | {"contamination": None}}
    filter_ = registry.build("filters", "language_precision", {"table": {"languages": rows}})
    texts = ["Das isch nöd so.", "Hello", "Hello", "Hello", "Hello", "Hello"]
    urls = [None, "https://ex.ch/", "https://ex.test/", "https://ex.test/", None, "https://ex.test/"]
    languages = ["gsw", "gsw", "gsw", "bar", "nds", "en"]
    measured = filter_.annotate(TextBatch.from_texts(texts, url=urls, language=languages))
    assert measured["evidence"][:3].tolist() == [1, 1, 0]
    assert np.isnan(measured["evidence"][3:]).all()
    assert measured["list_words"][:5].tolist() == [2, 0, 0, 0, 0]
    assert filter_.rules()[0].minimum == 1


def test_a_table_is_pinned_and_checked(tmp_path: Path) -> None:
    file = tmp_path / "table.json"
    file.write_text(json.dumps({"languages": {"gsw": ROW}}), encoding="utf-8")
    pinned = registry.build("filters", "language_precision", {"table": {"path": str(file)}}).params.table.model_dump()
    assert len(pinned["sha256"]) == 64
    file.write_text(json.dumps({"languages": {"gsw": ROW | {"words": []}}}), encoding="utf-8")
    with pytest.raises(RecipeError, match="pin anew"):
        registry.build("filters", "language_precision", {"table": pinned})
    for content, message in (
        ("[]", "no fitted table"),
        ("{", "no fitted table"),
        ('{"languages": {"x": {}}}', "no words"),
    ):
        file.write_text(content, encoding="utf-8")
        with pytest.raises(RecipeError, match=message):
            registry.build("filters", "language_precision", {"table": {"path": str(file)}})
    with pytest.raises(RecipeError, match="cannot read"):
        registry.build("filters", "language_precision", {"table": {"path": str(tmp_path / "none")}})


def test_the_command_makes_the_table_that_the_filter_reads(tmp_path: Path) -> None:
    file, evidence, out = tmp_path / "rows.jsonl", tmp_path / "evidence.json", tmp_path / "table.json"
    rows = [{"text": SWISS, "lang": "gsw"}] * 3 + [{"text": GERMAN, "lang": "deu"}] * 3
    file.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    evidence.write_text(json.dumps({"gsw": {"domains": ["ch"]}}), encoding="utf-8")
    words = ["thresholds", "precision", "--reference", str(file), "--language-field", "lang", "--out", str(out)]
    assert main([*words, "--min-documents", "3", "--evidence", str(evidence)]) == 0
    assert json.loads(out.read_text(encoding="utf-8"))["languages"]["gsw"]["domains"] == ["ch"]
    registry.build("filters", "language_precision", {"table": {"path": str(out)}})
    evidence.write_text("[1]", encoding="utf-8")
    assert main([*words, "--evidence", str(evidence)]) == 2

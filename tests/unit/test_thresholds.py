"""Thresholds by language: counting, the five methods, clamps, stop words, and the command."""

import gzip
import json
from collections import Counter
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.cli import main
from spark_jobs.errors import InputError
from spark_jobs.stages.fit_thresholds import ThresholdParams, fit_thresholds, language_score, stop_words
from spark_jobs.stages.reference_statistics import MEASURED, SCALE, ReferenceStatistics, statistics_of
from spark_jobs.stages.threshold_methods import Histogram, mapped
from spark_jobs.text.batch import TextBatch

COUNTS = st.dictionaries(st.integers(-50, 50), st.integers(1, 9), min_size=1)


def histogram(*values: int) -> Histogram:
    return Histogram.of(Counter(values))


def reference(**values: dict[str, list[float]]) -> ReferenceStatistics:
    """Statistics with the values given by language and statistic; as many documents as the longest list."""
    found = ReferenceStatistics()
    for language, by_statistic in values.items():
        found.documents[language] = max(len(v) for v in by_statistic.values())
        for statistic, numbers in by_statistic.items():
            found.values[language, statistic].update(round(x * SCALE) for x in numbers)
    return found


def batch_of(rows: list[tuple[str, str]]) -> TextBatch:
    texts, languages = [text for text, _ in rows], [language for _, language in rows]
    return TextBatch.from_texts(texts, language=languages, language_score=[0.9] * len(rows))


@given(COUNTS)
def test_a_histogram_is_what_numpy_says_of_its_values(counts: dict[int, int]) -> None:
    values = np.repeat(list(counts), list(counts.values()))
    found = Histogram.of(counts)
    assert float(found.mean) == pytest.approx(values.mean())
    assert found.deviation == pytest.approx(values.std())
    for tenth in range(1, 11):
        assert found.quantile(Fraction(tenth, 10)) == np.quantile(values, tenth / 10, method="inverted_cdf")
    assert found.share_at_most(3) == Fraction(int((values <= 3).sum()), len(values))


def test_each_method_by_hand() -> None:
    english, other = histogram(*range(11)), histogram(*range(0, 101, 10))

    def limit(method: str, value: float, *, is_minimum: bool = False) -> float | None:
        return mapped(method, value, is_minimum=is_minimum, english=english, other=other)  # type: ignore[arg-type]

    assert limit("english", 8) == 8
    assert limit("mean_std", 8) == pytest.approx(80)
    assert limit("quantile", 8) == 80
    assert limit("ten_tail", 8) == 90
    assert limit("median_ratio", 8) == 80
    # Minima are mirrored: what is cut lies below.
    assert limit("mean_std", 2, is_minimum=True) == pytest.approx(20)
    assert limit("quantile", 2, is_minimum=True) == 20
    assert limit("ten_tail", 2, is_minimum=True) == 10
    assert limit("median_ratio", 2, is_minimum=True) == 20


@given(COUNTS, st.integers(-60, 60), st.booleans(), st.sampled_from(["english", "mean_std", "median_ratio"]))
def test_a_language_distributed_as_english_keeps_the_english_limit(
    counts: dict[int, int],
    limit: int,
    is_minimum: bool,  # noqa: FBT001 - Hypothesis draws it
    method: str,
) -> None:
    same = Histogram.of(counts)
    found = mapped(method, limit, is_minimum=is_minimum, english=same, other=same)  # type: ignore[arg-type]
    assert found is None or found == pytest.approx(limit)


@given(COUNTS, COUNTS, st.integers(-60, 60), st.booleans())
def test_the_quantile_method_keeps_as_many_documents(
    ours: dict[int, int],
    theirs: dict[int, int],
    limit: int,
    is_minimum: bool,  # noqa: FBT001 - Hypothesis draws it
) -> None:
    english, other = Histogram.of(ours), Histogram.of(theirs)
    found = mapped("quantile", limit, is_minimum=is_minimum, english=english, other=other)
    assert found is not None
    sign = -1 if is_minimum else 1
    a, b = (english.mirrored(), other.mirrored()) if is_minimum else (english, other)
    kept = a.share_at_most(sign * limit)
    assert b.share_at_most(sign * found) >= kept
    assert b.share_at_most(sign * found - 1) < kept or kept == 0


def test_without_spread_there_is_no_answer_and_the_english_limit_stands() -> None:
    flat = {key: [0.5] * 3 for key in MEASURED}
    spread = {key: [0.1, 0.5, 0.9] for key in MEASURED}
    table = fit_thresholds(reference(en=flat, de=spread), ThresholdParams(min_documents=1))
    assert table["languages"]["de"]["dup_line_frac"] == 0.3
    assert set(table["provenance"]["not_mapped"]["de"]) >= {"dup_line_frac", "line_punct_thr", "top_2_gram"}


def test_a_limit_out_of_range_is_off_and_recorded() -> None:
    english = {key: [0.2, 0.3, 0.4] for key in MEASURED} | {"avg_word_length": [4.0, 5.0, 6.0]}
    wide = {key: [0.0, 0.5, 1.0] for key in MEASURED} | {"avg_word_length": [2.0, 12.0, 22.0]}
    table = fit_thresholds(reference(en=english, xx=wide), ThresholdParams(min_documents=1))
    row, off = table["languages"]["xx"], table["provenance"]["out_of_range"]["xx"]
    assert row["line_punct_thr"] is None
    assert off["line_punct_thr"] < 0
    assert row["min_avg_word_length"] is None
    assert row["max_avg_word_length"] == pytest.approx(62.0)
    assert table["languages"]["en"]["max_avg_word_length"] == 10
    assert "en" not in table["provenance"]["out_of_range"]


def test_keys_are_those_of_fineweb2() -> None:
    table = fit_thresholds(reference(eng_Latn={key: [0.1, 0.2] for key in MEASURED}), ThresholdParams(min_documents=1))
    row = table["languages"]["eng_Latn"]
    assert set(row) == {
        "dup_line_frac", "top_n_grams", "dup_n_grams", "language_score", "line_punct_thr", "new_line_ratio",
        "min_avg_word_length", "max_avg_word_length", "max_non_alpha_words_ratio", "stopwords",
    }  # fmt: skip
    assert row["top_n_grams"] == [[2, 0.2], [3, 0.18], [4, 0.16]]
    assert row["dup_n_grams"] == [[5, 0.15], [6, 0.14], [7, 0.13], [8, 0.12], [9, 0.11], [10, 0.1]]


def test_too_few_documents_are_off_or_borrow() -> None:
    values = {key: [0.1, 0.2, 0.3] for key in MEASURED}
    few = {key: [0.1] for key in MEASURED}
    params = ThresholdParams(min_documents=2, borrow={"nds": "de"})
    table = fit_thresholds(reference(en=values, de=values, nds=few, fy=few), params)
    assert table["languages"]["nds"] == table["languages"]["de"]
    assert set(table["languages"]["fy"].values()) == {None}
    assert table["provenance"]["too_few_documents"] == {
        "fy": {"documents": 1, "borrowed": None}, "nds": {"documents": 1, "borrowed": "de"},
    }  # fmt: skip
    with pytest.raises(InputError, match="borrow from fy"):
        fit_thresholds(reference(en=values, nds=few, fy=few), ThresholdParams(min_documents=2, borrow={"nds": "fy"}))
    with pytest.raises(InputError, match="English reference documents"):
        fit_thresholds(reference(de=values), params)


def test_the_score_threshold_is_clipped() -> None:
    params = ThresholdParams()
    assert language_score(histogram(9900, 9950, 9999), params) == 0.9
    assert language_score(histogram(1000, 2000, 3000), params) == 0.3
    assert language_score(histogram(6000, 7000, 8000), params) == pytest.approx(0.7 - 0.0816, abs=0.001)


def test_stop_words_are_frequent_lower_case_and_made_of_letters() -> None:
    counted = Counter({"the": 500, "The": 400, "of": 300, "3rd": 300, "it's": 200, "के": 90, "rare": 1})
    counted.update({f"word{i}x": 1 for i in range(9)})
    params = ThresholdParams(stop_word_frequency=0.04, min_stop_words=1, max_stop_words=9)
    assert stop_words(counted, params) == ["the", "of", "के"]
    assert stop_words(counted, params.model_copy(update={"min_stop_words": 4})) == ["the", "of", "के", "rare"]
    assert stop_words(counted, params.model_copy(update={"max_stop_words": 2})) == ["the", "of"]
    assert stop_words(Counter(), params) == []


@settings(deadline=None)  # the first call compiles
@given(
    st.lists(st.tuples(st.text("abc. \n中国ไทย", max_size=20), st.sampled_from(["en", "zh"])), max_size=6),
    st.integers(0, 6),
)
def test_counts_do_not_depend_on_batches_or_order(rows: list[tuple[str, str]], cut: int) -> None:
    whole = statistics_of([batch_of(rows)])
    parts = statistics_of([batch_of(part[::-1]) for part in (rows[cut:], rows[:cut]) if part])
    assert parts.digest() == whole.digest()
    again = ReferenceStatistics()
    for entry in whole.entries():
        again.add(*entry)
    assert again.digest() == whole.digest()


def test_the_command_fits_a_table_from_files(shared_data: Path, tmp_path: Path) -> None:
    udhr = shared_data / "lid" / "udhr.jsonl.gz"
    if not udhr.is_file():
        pytest.skip("no declaration of human rights there")
    with gzip.open(udhr, "rt") as lines:
        rows = [json.loads(line) for line in lines]
    names = ["eng", "fra", "deu", "cmn", "jpn", "tha", "rus", "arb"]
    documents = [
        json.dumps({"text": "\n".join(row["paragraphs"][i : i + 12]), "lang": f"{row['iso639_3']}_{row['script']}"})
        for row in rows if row["iso639_3"] in names for i in range(0, len(row["paragraphs"]), 12)
    ]  # fmt: skip
    file, out = tmp_path / "udhr.jsonl", tmp_path / "table.json"
    file.write_text("\n".join(documents), encoding="utf-8")
    words = ["thresholds", "fit", "--reference", str(file), "--language-field", "lang", "--min-documents", "4"]
    assert main([*words, "--out", str(out)]) == 0
    first = out.read_bytes()
    table = json.loads(first)
    lengths = {name: row["max_avg_word_length"] for name, row in table["languages"].items()}
    assert lengths["eng_Latn"] == 10
    assert lengths["cmn_Hans"] < lengths["tha_Thai"]
    assert {"the", "and", "of"} <= set(table["languages"]["eng_Latn"]["stopwords"])
    assert {"und", "die"} <= set(table["languages"]["deu_Latn"]["stopwords"])
    assert "的" in table["languages"]["cmn_Hans"]["stopwords"]
    file.write_text("\n".join(reversed(documents)), encoding="utf-8")
    assert main([*words, "--out", str(out)]) == 0
    assert out.read_bytes() == first


def test_the_command_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, out = tmp_path / "rows.jsonl", str(tmp_path / "table.json")
    base = ["thresholds", "fit", "--out", out, "--reference"]
    assert main([*base, str(tmp_path / "none.jsonl")]) == 2
    file.write_text('{"text": "ok"}\n{"txt": 1}\n', encoding="utf-8")
    assert main([*base, str(file)]) == 2
    assert "line 2" in capsys.readouterr().err
    file.write_text('{"text": "Ein Satz auf Deutsch, nichts weiter."}\n', encoding="utf-8")
    assert main([*base, str(file)]) == 2
    assert "English reference documents" in capsys.readouterr().err
    assert main([*base, str(file), "--borrow", "de"]) == 2
    assert not Path(out).exists()

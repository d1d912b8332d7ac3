"""Limits by language: names of languages, tables in FineWeb2's format, and the filter that judges by them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.errors import RecipeError
from spark_jobs.operators import registry
from spark_jobs.operators.language_limits import LanguageTable, checked_row, with_aliases
from spark_jobs.stages.fit_thresholds import fit_thresholds
from spark_jobs.stages.reference_statistics import SCALE, ReferenceStatistics
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.decide import broken
from spark_jobs.text.language_codes import forms_of, labels_of, scripts_of_label

# Rows in the format of huggingface/fineweb-2, with values of our own.
FRENCH = {
    "dup_line_frac": 0.25,
    "dup_n_grams": [[5, 0.16], [6, 0.15], [7, 0.14], [8, 0.13], [9, 0.12], [10, 0.11]],
    "top_n_grams": [[2, 0.19], [3, 0.17], [4, 0.15]],
    "language_score": 0.8,
    "line_punct_thr": 0.1,
    "max_avg_word_length": 11,
    "max_non_alpha_words_ratio": 0.75,
    "min_avg_word_length": 2,
    "new_line_ratio": 0.2,
    "stopwords": ["de", "la", "le", "et"],
}
SERBIAN = FRENCH | {"line_punct_thr": -1, "stopwords": ["и", "је"], "dup_line_frac": 1.32, "max_avg_word_length": 3141}
SERBIAN_LATIN = FRENCH | {"stopwords": ["i", "je"], "min_avg_word_length": 4}


def folder(tmp_path: Path) -> Path:
    for name, row in (("fra_Latn", FRENCH), ("srp_Cyrl", SERBIAN), ("srp_Latn", SERBIAN_LATIN)):
        (tmp_path / f"{name}.yml").write_text(yaml.safe_dump(row, allow_unicode=True), encoding="utf-8")
    return tmp_path


def quality(**params: Any) -> Any:
    return registry.build("filters", "fineweb2_quality", params)


def batch(text: str, language: str | None, script: str | None = "Latn", score: float = 0.9) -> TextBatch:
    return TextBatch.from_texts(
        ["other text", text], language=["en", language], script=["Latn", script], language_score=[0.5, score]
    )


def reasons(operator: Any, documents: TextBatch) -> dict[str, float]:
    """Reason -> bound of the last document."""
    signals, last = operator.annotate(documents), len(documents) - 1
    found = {}
    for rule in operator.rules():
        entries = broken("f", 1, rule.reason, signals[rule.signal], rule.bounds(documents))
        for row, bound in zip(entries.rows, entries.columns["bound"], strict=True):
            if row == last:
                found[rule.reason] = float(bound)
    return found


@pytest.mark.parametrize(
    ("label", "forms"),
    [
        ("fr", ("fra_Latn",)),
        ("zh", ("cmn_Hani",)),
        ("sr", ("srp_Cyrl", "srp_Latn")),
        ("fra_Latn", ("fra_Latn",)),
        ("und", ()),
        ("", ()),
        ("x_", ()),
    ],
)
def test_labels_of_both_kinds_have_forms(label: str, forms: tuple[str, ...]) -> None:
    assert forms_of(label) == forms
    assert scripts_of_label(label) == tuple(form[-4:] for form in forms)


def test_a_form_leads_back_to_its_labels() -> None:
    assert labels_of("srp_Latn") == ("sr",)
    assert labels_of("eng_Cyrl") == ()


def test_every_label_of_the_shipped_model_has_a_form() -> None:
    import fasttext_pybind

    from spark_jobs.text.language import model_file

    model = fasttext_pybind.fasttext()
    model.loadModel(str(model_file(None)))
    labels = [label.removeprefix("__label__") for label in model.getLabels("strict")[0]]
    assert len(labels) > 170
    assert not [label for label in labels if not forms_of(label)]


def test_a_row_is_found_under_the_labels_of_either_model() -> None:
    known = with_aliases({"srp_Cyrl": 1, "srp_Latn": 2, "fr": 3})
    wanted = {"srp_Cyrl": 1, "sr_Cyrl": 1, "sr": 1, "srp_Latn": 2, "sr_Latn": 2, "fr": 3, "fra_Latn": 3, "fr_Latn": 3}
    assert known == wanted
    assert with_aliases({"srp_Latn": 2}) == {"srp_Latn": 2, "sr_Latn": 2, "sr": 2}
    assert with_aliases({"fr": 1, "fra_Latn": 2})["fr"] == 1, "a stated label wins"


def test_limits_out_of_their_range_are_off() -> None:
    row = checked_row("srp_Cyrl", SERBIAN | {"top_n_grams": {"2": 6.8, "3": 0, "4": 0.1}, "new_line_ratio": "off"})
    assert row["line_punct_thr"] is row["dup_line_frac"] is row["max_avg_word_length"] is row["new_line_ratio"] is None
    assert (row["top_2_gram"], row["top_3_gram"], row["top_4_gram"]) == (None, None, 0.1)
    assert (row["dup_5_gram"], row["min_avg_word_length"]) == (0.16, 2.0)
    assert checked_row("x", {"dup_n_grams": None})["dup_7_gram"] is None
    assert checked_row("x", {"line_punct_thr": 0}) == {"line_punct_thr": 0.0}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"line_punct": 1}, "limits of fr: no such key: line_punct; there are dup_line_frac, dup_n_grams"),
        ({"line_punct_thr": "much"}, "line_punct_thr is 'much'; give a number, or off"),
        ({"line_punct_thr": True}, "line_punct_thr is True; give a number"),
        ({"top_n_grams": 3}, "top_n_grams is 3; give pairs of size and share"),
        ({"top_n_grams": [[5, 0.1]]}, r"top_n_grams has sizes \[5\]; there are 2, 3, 4"),
        ({"dup_n_grams": [[5, "x"]]}, "dup_5_gram is 'x'"),
        ({"line_punct_thr": float("nan")}, None),
    ],
)
def test_a_row_that_cannot_be_names_its_language_and_key(row: dict[str, Any], message: str | None) -> None:
    if message is None:
        assert checked_row("fr", row) == {"line_punct_thr": None}
        return
    with pytest.raises(RecipeError, match=message):
        checked_row("fr", row)


def test_a_folder_and_a_file_hold_the_same_table(tmp_path: Path) -> None:
    rows = LanguageTable(path=str(folder(tmp_path))).rows()
    assert list(rows) == ["fra_Latn", "srp_Cyrl", "srp_Latn"]
    table = {
        "provenance": {"corpus": "x", "method": "quantile"},
        "languages": {"fra_Latn": FRENCH, "srp_Cyrl": SERBIAN},
    }
    languages = table["languages"]
    for name, text in (("t.json", json.dumps(table)), ("t.yaml", yaml.safe_dump(table)),
                       ("bare.yml", yaml.safe_dump(languages))):  # fmt: skip
        file = tmp_path / "files" / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        read = LanguageTable(path=str(file))
        assert read.rows() == {name: rows[name] for name in ("fra_Latn", "srp_Cyrl")}
        assert read.stop_words()["fra_Latn"] == ("de", "la", "le", "et")


def test_a_fitted_table_is_read_as_it_is_written(tmp_path: Path) -> None:
    found = ReferenceStatistics()
    for language, factor in (("en", 1), ("fr", 2)):
        found.documents[language] = 100
        for statistic in ("dup_line_frac", "line_punct", "top_2_gram", "avg_word_length"):
            found.values[language, statistic].update(round(factor * x / 100 * SCALE) for x in range(100))
        found.words[language].update({"le": 50, "la": 50})
    fitted = fit_thresholds(found)
    (tmp_path / "fitted.json").write_text(json.dumps(fitted), encoding="utf-8")
    table = LanguageTable(path=str(tmp_path / "fitted.json"))
    assert table.rows().keys() == {"en", "fr"}
    stated = fitted["languages"]["fr"]
    assert table.rows()["fr"]["dup_line_frac"] == stated["dup_line_frac"] == pytest.approx(0.6, abs=0.01)
    assert table.rows()["fr"]["top_2_gram"] == dict(stated["top_n_grams"])[2]
    assert table.stop_words()["fr"] == ("la", "le")
    assert quality(table={"path": str(tmp_path / "fitted.json")}).rules()


def test_a_table_is_pinned_by_its_content_and_not_by_its_place(tmp_path: Path) -> None:
    one, two = tmp_path / "a", tmp_path / "b"
    for place in (one, two):
        place.mkdir()
        folder(place)
    pinned = LanguageTable(path=str(one)).pinned()
    files = sorted(one.iterdir())
    lines = "".join(f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    assert pinned.sha256 == hashlib.sha256(lines.encode()).hexdigest()
    prints = {registry.fingerprint(quality(table={"path": str(path)})) for path in (one, two)}
    assert len(prints) == 1
    (two / "fra_Latn.yml").write_text("line_punct_thr: 0.2\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="the recipe pins"):
        LanguageTable(path=str(two), sha256=pinned.sha256).pinned()
    assert registry.fingerprint(quality(table={"path": str(two)})) not in prints


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("t.json", "{", r"cannot read the table .*t.json \(JSONDecodeError\)"),
        ("t.yaml", "a: [", r"cannot read the table .*t.yaml"),
        ("t.yaml", "- 1\n", "no mapping; give keys and limits"),
        ("t.yaml", "fr: 3\n", "fr is no mapping of keys to limits"),
        ("t.yaml", "no: {line_punct_thr: 1}\n", "False is no label; put it in quotes"),
        ("t.yaml", "fr: {stopwords: [on, le]}\n", "stopwords must be a list of words in quotes"),
        ("t.yaml", "fr: {stopword: [le]}\n", "no such key: stopword"),
    ],
)
def test_a_broken_table_is_a_recipe_error(tmp_path: Path, name: str, content: str, message: str) -> None:
    file = tmp_path / name
    file.write_text(content, encoding="utf-8")
    with pytest.raises(RecipeError, match=message):
        quality(table={"path": str(file)})


def test_a_missing_table_and_an_empty_folder_are_recipe_errors(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"cannot read the table .*none"):
        quality(table={"path": str(tmp_path / "none")})
    with pytest.raises(RecipeError, match="a folder without YAML files"):
        quality(table={"path": str(tmp_path)})


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"limits": {"fr": {"line_punkt": 1}}}, "fineweb2_quality.limits: .*no such key: line_punkt"),
        ({"limits": {"fr": {"stopwords": ["le"]}}}, "stop words move what is measured; state them in the table"),
        ({"fallback": {"top_n_grams": 1}}, "fineweb2_quality.fallback: .*give pairs"),
        ({"without_row": "keep"}, "fineweb2_quality.without_row"),
    ],
)
def test_wrong_limits_of_a_recipe_are_refused_in_one_line(params: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        quality(**params)
    assert "\n" not in str(caught.value)


LINES = "Le chat est sur la table et il dort.\n" + "une ligne sans point\n" * 6 + "et la fin"


def test_each_language_is_judged_by_its_own_row(tmp_path: Path) -> None:
    operator = quality(table={"path": str(folder(tmp_path))}, min_words=None)
    assert reasons(operator, batch(LINES, "fr"))["duplicate_lines"] == 0.25
    assert reasons(operator, batch(LINES, "fra_Latn"))["duplicate_lines"] == 0.25
    assert "duplicate_lines" not in reasons(operator, batch(LINES, "sr", "Cyrl")), "1.32 is no share: off"
    assert reasons(operator, batch(LINES, "sr", "Latn"))["duplicate_lines"] == 0.25
    assert reasons(operator, batch("on i je tu", "sr", "Latn"))["short_words"] == 4.0
    assert reasons(operator, batch(LINES, "it"))["duplicate_lines"] == 0.3, "no row: the fallback"
    assert reasons(operator, batch("ab", None, None))["short_words"] == 3.0


def test_stop_words_are_those_of_the_language(tmp_path: Path) -> None:
    operator = quality(table={"path": str(folder(tmp_path))})
    for text, language, script, count in (
        ("la vie de la mer et le ciel De", "fr", "Latn", 4.0),
        ("to je on i to", "sr", "Latn", 2.0),
        ("то је он и то", "sr", "Cyrl", 2.0),
        ("the vie of de that", "it", "Latn", 3.0),
    ):
        signals = operator.annotate(batch(text, language, script))
        assert signals["stop_words"][1] == count, language
        assert signals["table_row"][1] == (language != "it")


def test_inline_limits_go_before_the_table_under_every_label(tmp_path: Path) -> None:
    operator = quality(table={"path": str(folder(tmp_path))}, limits={"fr": {"dup_line_frac": 0.5}})
    for language in ("fr", "fra_Latn"):
        assert reasons(operator, batch(LINES, language))["duplicate_lines"] == 0.5
    assert reasons(operator, batch("un deux\ntrois quatre\n", "fr"))["list"] == 0.2, "the rest of the row stays"


def test_a_language_without_a_row_falls_back_is_let_off_or_dropped(tmp_path: Path) -> None:
    table = {"path": str(folder(tmp_path))}
    by_mode = {
        mode: reasons(quality(table=table, without_row=mode), batch(LINES, "it"))
        for mode in ("fallback", "off", "drop")
    }
    assert "duplicate_lines" in by_mode["fallback"]
    assert "no_limits" not in by_mode["fallback"]
    assert by_mode["off"].keys() == {"duplicate_chars", "too_short", "few_stop_words"}, "what holds for all languages"
    assert by_mode["drop"]["no_limits"] == 1.0
    assert "no_limits" not in reasons(quality(table=table, without_row="drop"), batch(LINES, "fr"))
    stated = quality(table=table, without_row="drop", limits={"it": {"dup_line_frac": 0.9}})
    assert "no_limits" not in reasons(stated, batch(LINES, "it"))


def test_moving_a_limit_moves_no_signal(tmp_path: Path) -> None:
    documents = batch(LINES, "fr")
    before, after = (
        quality().annotate(documents),
        quality(limits={"fr": {"new_line_ratio": 0.01}}, min_words=1).annotate(documents),
    )
    assert all(np.array_equal(before[name], after[name], equal_nan=True) for name in before)


COMMON = "the of and that a ab cd 7 3.14 日本 # ... … • - . ! ? é JavaScript 😀"
PIECES = st.sampled_from(COMMON.split())
TEXTS = st.lists(st.tuples(PIECES, st.sampled_from([" ", " ", "\n", "\n\n", "\r\n", "\t", ""])), max_size=60)


@given(TEXTS.map(lambda parts: "".join(a + b for a, b in parts)))
@settings(max_examples=100, deadline=None)
def test_english_without_a_table_is_measured_as_the_filters_of_fineweb_do(text: str) -> None:
    documents = batch(text, "en")
    own = quality().annotate(documents)
    for name in ("gopher_repetition", "gopher_quality", "fineweb_quality"):
        theirs = registry.build("filters", name).annotate(documents)
        for signal in own.keys() & theirs.keys():
            assert np.array_equal(own[signal], theirs[signal], equal_nan=True), (name, signal)
    assert len(own.keys() & {s.name for n in ("gopher_quality", "gopher_repetition", "fineweb_quality")
                             for s in registry.find("filters")[n].signals}) == 21  # fmt: skip

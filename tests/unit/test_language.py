"""Languages and scripts of texts."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest

from spark_jobs.errors import RecipeError
from spark_jobs.text.language import identify, model_digest, model_file

TEXTS = {
    "en": ("All human beings are born free and equal in dignity and rights.", "Latn"),
    "ru": ("Все люди рождаются свободными и равными в своём достоинстве.", "Cyrl"),
    "ja": ("すべての人間は、生まれながらにして自由であり平等である。", "Jpan"),
    "zh": ("人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心。", "Hani"),
    "ko": ("모든 인간은 태어날 때부터 자유로우며 (大韓民國) 동등하다.", "Kore"),
    "ar": ("يولد جميع الناس أحراراً متساوين في الكرامة والحقوق.", "Arab"),
    "el": ("Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι.", "Grek"),
    "hi": ("सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता प्राप्त है।", "Deva"),
    "th": ("มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์", "Thai"),
    "he": ("כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם.", "Hebr"),
}


def test_languages_and_scripts() -> None:
    found = identify(pa.array([text for text, _ in TEXTS.values()]), None)
    assert found.language == list(TEXTS)
    assert found.script == [script for _, script in TEXTS.values()]
    assert all(0.5 < score <= 1.0 for score in found.score)


def test_a_text_without_letters_has_no_language() -> None:
    found = identify(
        pa.array(["", None, " \n\t", "12, 345. !? 2024-01-01", "\u0301\u200b"], pa.large_string()), "lid.176"
    )
    assert found.language == ["und"] * 5
    assert found.score.tolist() == [0.0] * 5
    assert found.script == ["Zyyy"] * 5
    assert found.alternatives == [[]] * 5


def test_line_breaks_and_zeros_are_spaces() -> None:
    # fastText stops at the first line break and a zero byte: the language would be that of the first line.
    lines = ["OK", *["Все люди рождаются свободными и равными."] * 5]
    whole = identify(pa.array([" ".join(lines)]), None)
    for between in ("\n", "\r\n", "\0", "\u2028", "\v"):
        found = identify(pa.array([between.join(lines)]), None)
        assert found.language == ["ru"]
        assert abs(found.score[0] - whole.score[0]) < 0.05


def test_runners_up_are_those_above_the_least_score_best_first() -> None:
    mixed = "Alle mennesker er født frie og med samme menneskeverd og menneskerettigheter."
    found = identify(pa.array([mixed]), None, alternatives=0.02)
    others = found.alternatives[0]
    assert others
    assert all(score >= 0.02 for _, score in others)
    assert [score for _, score in others] == sorted((score for _, score in others), reverse=True)
    assert found.language[0] not in [language for language, _ in others]
    assert identify(pa.array([mixed]), None, alternatives=1.0).alternatives == [[]]


def test_only_so_many_characters_are_read() -> None:
    text = TEXTS["en"][0] + " " + TEXTS["ru"][0] * 20
    assert identify(pa.array([text]), None, max_chars=60).language == ["en"]
    assert identify(pa.array([text]), None).language == ["ru"]


def test_rows_do_not_depend_on_their_batch() -> None:
    texts = pa.array([text for text, _ in TEXTS.values()], pa.large_string())
    whole = identify(texts, None)
    part = identify(texts.slice(3, 4), None)
    assert part.language == whole.language[3:7]
    assert part.score.tolist() == whole.score.tolist()[3:7]
    assert part.script == whole.script[3:7]
    assert identify(texts.slice(0, 0), None).language == []


def test_loading_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    from spark_jobs.text import language

    language._load.cache_clear()
    identify(pa.array(["words"]), None)
    assert capfd.readouterr() == ("", "")


def test_a_model_that_is_not_there_or_none_is_an_error_of_the_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such file"):
        model_digest(str(tmp_path / "none.bin"))
    junk = tmp_path / "junk.bin"
    junk.write_bytes(b"not a model at all")
    with pytest.raises(RecipeError, match="not a fastText model"):
        identify(pa.array(["words"]), str(junk))


def test_the_digest_is_of_the_file() -> None:
    import hashlib

    assert model_digest(None) == model_digest("lid.176") == hashlib.sha256(model_file(None).read_bytes()).hexdigest()


def test_scripts_of_the_declaration_of_human_rights(shared_data: Path) -> None:
    with gzip.open(shared_data / "lid" / "udhr.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    same = {"Hans": "Hani", "Hant": "Hani", "Hang": "Kore"}
    found = identify(pa.array(["\n".join(row["paragraphs"]) for row in rows], pa.large_string()), None).script
    wrong = [
        row["name"] for row, script in zip(rows, found, strict=True) if script != same.get(row["script"], row["script"])
    ]
    assert wrong == []

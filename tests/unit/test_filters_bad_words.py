"""Bad words by language: what counts as a hit, which lists apply, and which hits are kept."""

import hashlib
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.errors import RecipeError
from spark_jobs.operators import registry
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.decide import Bounds, broken

WORDS = {"en": ["darn", "heck no", "s&m"], "ru": ["гад"], "th": ["กะปิ"], "zh": ["坏", "性"], "tr": ["ışık"]}


def found(texts: list[str], languages: list[str | None], ids: list[str] | None = None, **params: Any) -> Any:
    operator = registry.build("filters", "bad_words", {"words": WORDS} | params)
    keys = ids or [str(row) for row in range(len(texts))]
    return operator, operator.annotate(TextBatch.from_texts(texts, language=languages, doc_id=keys))


def hits(text: str, language: str | None, **params: Any) -> float:
    return float(found(["other", text, "darn"], ["en", language, "en"], **params)[1]["hits"][1])


@pytest.mark.parametrize(
    ("text", "language", "wanted"),
    [
        ("Darn! that", "en", 1),
        ("darn darn,DARN", "en", 3),
        ("darned, adarn, darn3, 3darn", "en", 0),
        ("un_darn_ed", "en", 0),
        ("(darn)", "en", 1),
        ("da\u0301rn", "en", 0),
        ("darn\u0301", "en", 0),
        ("oh Heck No.", "en", 1),
        ("heck\nno", "en", 0),
        ("S&M; s&me", "en", 1),
        ("ДА ГАД он", "ru", 1),
        ("гадкий", "ru", 0),
        ("น้ำกะปิอร่อย", "th", 1),
        ("这坏人", "zh", 1),
        ("性性", "zh", 0),
        ("坏坏", "zh", 2),
        ("", "en", 0),
        ("darn", "zh", 0),
        ("darn", "de", None),
        ("darn", None, None),
        ("darn", "und", None),
    ],
)
def test_hits(text: str, language: str | None, wanted: float | None) -> None:
    value = hits(text, language)
    assert np.isnan(value) if wanted is None else value == wanted


def test_a_language_may_use_the_list_of_another() -> None:
    words = {"no": ["faen"], "nb": ["faen"], "fil": ["gago"]}
    assert hits("faen", "nn", words=words) == 1
    assert hits("gago", "tl", words=words) == 1
    assert np.isnan(hits("gago", "tl", words=words, lists_of={}))


def test_allowed_words_and_substring_languages_are_parameters() -> None:
    assert hits("性", "zh", allowed={}) == 1
    assert hits("darned", "en", substring_languages=["en"]) == 1
    assert hits("这坏人", "zh", substring_languages=[]) == 0


LETTERS = "abAéй_ -.1\u0301\n"


@given(
    words=st.lists(st.text("abé ", min_size=1, max_size=3).map(str.strip).filter(bool), min_size=1, max_size=5),
    text=st.text(LETTERS, max_size=40),
)
@settings(max_examples=300, deadline=None)
def test_hits_equal_a_regular_expression(words: list[str], text: str) -> None:
    wanted = 0
    # A mark is part of the word before it: for the pattern it is made a letter that is in no word.
    plain = text.lower().replace("\u0301", "q")
    for word in set(words):
        wanted += len(re.findall(rf"(?<!\w)(?={re.escape(word)}(?!\w))", plain))
    assert hits(text, "en", words={"en": words}) == wanted


def reasons(operator: Any, signals: Any, count: int) -> list[bool]:
    (rule,) = operator.rules()
    bounds = Bounds(minimum=rule.minimum, maximum=rule.maximum, exclusive=rule.exclusive)
    rows = broken("bad_words", 1, rule.reason, signals[rule.signal], bounds).rows
    return [row in rows for row in range(count)]


def test_a_share_of_hits_is_kept_by_a_hash_of_the_document() -> None:
    texts, languages = ["darn"] * 2000 + ["fine"], ["en"] * 2001
    operator, signals = found(texts, languages)
    assert reasons(operator, signals, 2001) == [True] * 2000 + [False]
    assert np.isnan(signals["lot"][2000])
    kept = {}
    for share in (0.25, 0.5, 1.0):
        operator, again = found(texts, languages, keep_share=share)
        assert np.array_equal(again["lot"], signals["lot"], equal_nan=True), "the share moves no signal"
        kept[share] = {row for row, gone in enumerate(reasons(operator, again, 2001)) if not gone}
        assert abs(len(kept[share]) / 2001 - share) < 0.03
    assert kept[0.25] < kept[0.5] < kept[1.0]
    other = found(texts, languages, seed=1)[1]["lot"]
    assert np.abs(np.corrcoef(other[:2000], signals["lot"][:2000])[0, 1]) < 0.1
    assert found(["darn"], ["en"], ids=["7"])[1]["lot"][0] == signals["lot"][7], "the place in the batch counts nothing"


def test_lists_in_a_folder_are_pinned_together(tmp_path: Path) -> None:
    (tmp_path / "en").write_text("darn\n", encoding="utf-8")
    (tmp_path / "de.txt").write_text("mist\n", encoding="utf-8")
    for name in ("LICENSE", "README.md", "USERS.md"):
        (tmp_path / name).write_text("darn fine\n", encoding="utf-8")
    folder = {"path": str(tmp_path)}
    assert hits("Mist", "de", words={}, folder=folder) == 1
    assert hits("fine", "en", words={}, folder=folder) == 0
    assert hits("heck", "en", words={"en": ["heck"]}, folder=folder) == 1
    operator = registry.build("filters", "bad_words", {"folder": folder})
    line = subprocess.run(
        "sha256sum de.txt en | sha256sum", shell=True, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert operator.params.folder.sha256 == line.stdout.split()[0]
    moved = shutil.copytree(tmp_path, tmp_path / "moved")
    again = registry.build("filters", "bad_words", {"folder": {"path": str(moved)}})
    assert registry.fingerprint(again) == registry.fingerprint(operator)
    (tmp_path / "en").write_text("drat\n", encoding="utf-8")
    assert hits("darn drat", "en", words={}, folder=folder) == 1
    assert registry.fingerprint(registry.build("filters", "bad_words", {"folder": folder})) != registry.fingerprint(
        again
    )
    with pytest.raises(RecipeError, match=r"has SHA-256 [0-9a-f]{64}, the recipe pins [0-9a-f]{64}; put"):
        registry.build("filters", "bad_words", operator.params.model_dump(mode="json"))


def test_a_list_of_one_language_may_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "words"
    file.write_bytes("müll\n".encode())
    words = {"de": {"path": str(file)}}
    assert hits("Müll!", "de", words=words) == 1
    operator = registry.build("filters", "bad_words", {"words": words})
    assert operator.params.words["de"].files[0].sha256 == hashlib.sha256(file.read_bytes()).hexdigest()


def test_unusable_lists_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"no list in .*; name a folder whose files have names of languages"):
        registry.build("filters", "bad_words", {"folder": {"path": str(tmp_path)}})
    with pytest.raises(RecipeError, match=r"cannot read the lists in .*none \(FileNotFoundError\); mend the path"):
        registry.build("filters", "bad_words", {"folder": {"path": str(tmp_path / "none")}})
    (tmp_path / "de").write_bytes("müll\n".encode("latin-1"))
    with pytest.raises(RecipeError, match="the list of de is no UTF-8 at 'm\ufffdll'; convert it"):
        hits("x", "de", words={}, folder={"path": str(tmp_path)})


def test_without_a_list_nothing_applies() -> None:
    operator, signals = found(["darn"], ["en"], words={})
    assert np.isnan(signals["hits"]).all()
    assert reasons(operator, signals, 1) == [False]


def test_the_public_lists(shared_data: Path) -> None:
    folder = shared_data / "lists" / "LDNOOBW"
    if not folder.is_dir():
        pytest.skip(f"no lists at {folder}")
    operator = registry.build("filters", "bad_words", {"folder": {"path": str(folder)}})
    languages = sorted(file.name for file in folder.iterdir() if file.name != "LICENSE")
    assert len(languages) == 28
    for language in languages:
        lines = (folder / language).read_text(encoding="utf-8").splitlines()
        words = [line.strip() for line in lines if line.strip() not in operator.params.allowed.get(language, ())]
        batch = TextBatch.from_texts(
            [f"({word.upper() if word.upper().lower() == word else word})" for word in words] + ["", "."],
            language=[language] * (len(words) + 2),
            doc_id=["x"] * (len(words) + 2),
        )
        found_hits = operator.annotate(batch)["hits"]
        assert (found_hits[:-2] >= 1).all(), [w for w, n in zip(words, found_hits[:-2], strict=True) if n < 1]
        assert found_hits[-2:].tolist() == [0, 0]
    japanese = TextBatch.from_texts(["女の子のグロい話"], language=["ja"], doc_id=["x"])
    assert operator.annotate(japanese)["hits"].tolist() == [0]

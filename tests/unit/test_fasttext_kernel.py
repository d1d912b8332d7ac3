"""The kernel's labels and scores are the library's own; models it cannot take go to the library."""

import random
from functools import lru_cache
from pathlib import Path
from typing import Any

import fasttext_pybind
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spark_jobs.errors import RecipeError
from spark_jobs.text import fasttext_training
from spark_jobs.text.fasttext_model import read_model
from spark_jobs.text.language import Labels, identify, label, model_file, split_label, utf8

NEAR = 2e-5
TEXTS = st.lists(
    st.text(st.sampled_from("aeiounrt <>_/s.'\u00e9\u0434\u65e5\U0001f600") | st.characters(exclude_categories=["Cs"])),
    min_size=1, max_size=4,
)  # fmt: skip


def labels_of(texts: list[str], path: str | None, least: float = 0.01) -> list[dict[str, float]]:
    buffer, offsets = utf8(pa.array(texts, pa.large_string()))
    found: Labels = label(buffer, offsets[:-1], offsets[1:], path, least=least)
    spans = [slice(a, b) for a, b in zip(found.offsets[:-1], found.offsets[1:], strict=True)]
    return [{found.names[n]: float(s) for n, s in zip(found.numbers[x], found.scores[x], strict=True)} for x in spans]


@lru_cache
def library(path: str) -> Any:
    model = fasttext_pybind.fasttext()
    model.loadModel(path)
    return model


def librarys(texts: list[str], path: str, least: float = 0.01) -> list[dict[str, float]]:
    model, rows = library(path), []
    for text in texts:
        line = "".join(" " if c in "\n\r\v\f\0\x85\u2028\u2029" else c for c in text).replace("</s>", " ") + "\n"
        found = model.predict(line, 200, least, "strict") or model.predict(line, 1, 0.0, "strict")
        rows.append({name.removeprefix("__label__"): min(score, 1.0) for score, name in found})
    return rows


def assert_same(texts: list[str], path: str) -> None:
    for text, mine, theirs in zip(texts, labels_of(texts, path), librarys(texts, path), strict=True):
        if not text:
            assert mine == {}
            continue
        assert list(mine)[:1] == list(theirs)[:1] or abs(max(mine.values()) - max(theirs.values())) < NEAR
        for name in mine.keys() | theirs.keys():
            # A score at the very limit may fall on either side of it.
            assert abs(mine.get(name, 0.01) - theirs.get(name, 0.01)) < NEAR


@settings(deadline=None, max_examples=200)
@given(TEXTS)
@example(["", " ", "</s> a", "__label__en x", "a\x00b\u2028c", "x" * 5000, "\U0001f600" * 3000])
def test_lid_176_gives_the_librarys_scores(texts: list[str]) -> None:
    marks = [text.replace("</s>", "").replace("__label__", "") for text in texts]
    assert_same(marks, str(model_file(None)))


def test_words_that_were_met_before_count_as_they_did_then() -> None:
    """Short words are remembered in places they share: more words than places, each met again, around the limit."""
    chance = random.Random(7)
    words = ["".join(chance.choices("abcdeéд日", k=chance.randint(1, 18))) for _ in range(6000)]
    words += [letter * size for letter in ("a", "é", "日") for size in (5, 6, 8, 9, 15, 16, 17)]
    again = chance.sample(words, len(words))
    assert_same([" ".join(words + again), "\n".join(again), " ".join(words[:50] * 3)], str(model_file(None)))


@pytest.mark.parametrize("size", [59, 60, 61, 62, 63, 64, 65, 126, 127, 128, 20_000])
def test_long_words_are_taken_in_stretches(size: int) -> None:
    chance = random.Random(size)
    texts = ["".join(chance.choices(letters, k=size)) for letters in ("abcde", "aéд", "日本語a", "a\U0001f600")]
    assert_same([*texts, " the ".join(texts)], str(model_file(None)))


@pytest.fixture(scope="module", params=["softmax", "ova", "hs", "words", "bigrams"])
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    chance = random.Random(5)
    sounds = {"eng_Latn": "the of and to in", "rus_Cyrl": "и в не на что", "und_Zzzz": "zz qq 00 vv ww"}
    rows = [
        f"__label__{name} {' '.join(chance.choices(words.split(), k=12))}"
        for name, words in sounds.items()
        for _ in range(60)
    ]
    path = str(tmp_path_factory.mktemp("model") / f"{request.param}.bin")
    options: dict[str, Any] = {
        "dim": 7,
        "epoch": 20,
        "minn": 1,
        "maxn": 3,
        "bucket": 1000,
        "lr": 0.3,
        "loss": "softmax",
    }
    if request.param == "words":
        options |= {"minn": 0, "maxn": 0, "dim": 1500}  # a block of memory large enough to be fresh
    elif request.param == "bigrams":
        options |= {"wordNgrams": 2}
    else:
        options |= {"loss": request.param}
    fasttext_training.train(rows, path, options)
    return path


def test_other_models_give_the_librarys_scores(trained: str) -> None:
    assert (read_model(trained) is None) == trained.endswith(("bigrams.bin", "ova.bin"))
    assert_same(["the of what", "и что это", "the и zz", "qq", "-", "été 日本", ""], trained)


def test_labels_with_scripts_are_taken_apart(trained: str) -> None:
    found = identify(pa.array(["the of and to the of", "и в не на что и в"]), trained)
    assert found.language == ["eng", "rus"]
    assert found.label_script == ["Latn", "Cyrl"]
    assert all("_" in name for names in found.alternatives for name, _ in names)
    assert split_label("en") == ("en", "")
    assert split_label("zh-Hant_TW") == ("zh-Hant_TW", "")


def test_a_label_or_end_mark_in_a_text_is_no_command() -> None:
    russian = "Все люди рождаются свободными и равными в своём достоинстве."
    assert identify(pa.array([f"OK </s> {russian} __label__en"]), None).language == ["ru"]


def test_a_cut_file_is_an_error_of_the_recipe(trained: str, tmp_path: Path) -> None:
    data = Path(trained).read_bytes()
    for size in (10, 200, len(data) - 50):
        path = tmp_path / f"{size}.bin"
        path.write_bytes(data[:size])
        with pytest.raises(RecipeError, match="not a fastText model"):
            identify(pa.array(["words"]), str(path))


def test_scores_do_not_depend_on_neighbours() -> None:
    texts = ["The cat sat on the mat.", "Le chat est là.", "", "Котик", "一个中文句子"]
    together = labels_of(texts, None)
    assert together == [labels_of([text], None)[0] for text in texts]
    assert np.all([max(row.values()) <= 1.0 for row in together if row])

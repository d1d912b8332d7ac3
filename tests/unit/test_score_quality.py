"""The fastText scorer: same rows same bytes, scores of a text alone, and nothing in a text that steers the model."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.errors import RecipeError
from spark_jobs.operators import registry
from spark_jobs.operators.scorers.fasttext_quality import FasttextQuality

SMALL = {"dim": 8, "bucket": 4096, "lr": 0.5, "epoch": 10}
HIGH = [
    f"The {noun} is explained in full sentences, and every step follows from the one before." for noun in "abcdefghij"
]
LOW = [f"buy {noun} now!! cheap {noun} click here best {noun} offer" for noun in "abcdefghij"]


def scorer(**params: object) -> FasttextQuality:
    built = registry.build("scorers", "fasttext_quality", {**SMALL, **params})
    assert isinstance(built, FasttextQuality)
    return built


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("model") / "quality.model"
    scorer().train(HIGH, LOW, str(path))
    return str(path)


def reference(texts: list[str | None], model: str, **params: object) -> list[float]:
    found: list[float] = scorer(**params).score(pa.array(texts, pa.large_string()), model)["reference"].tolist()
    return found


def test_the_same_rows_give_the_same_bytes_whatever_was_fitted_before(tmp_path: Path) -> None:
    # fastText leaves most of its matrix as it finds the memory: fits of other sizes in between would change it.
    sizes: tuple[dict[str, int], ...] = (
        {},
        {"dim": 64, "bucket": 1 << 15},
        {"dim": 16},
        {"dim": 64, "bucket": 1 << 15},
        {},
    )
    digests = []
    for number, params in enumerate(sizes):
        path = tmp_path / str(number)
        scorer(**params).train(HIGH, LOW, str(path))
        digests.append(digest(path))
    assert digests[0] == digests[4]
    assert digests[1] == digests[3]
    assert len(set(digests)) == 3


def test_the_order_of_the_rows_does_not_matter(tmp_path: Path, model: str) -> None:
    scorer().train(HIGH[::-1], LOW[5:] + LOW[:5], str(tmp_path / "m"))
    assert digest(tmp_path / "m") == digest(Path(model))


def test_reference_like_text_scores_higher(model: str) -> None:
    scores = reference([*HIGH, *LOW], model)
    assert min(scores[:10]) > max(scores[10:])


def test_the_score_is_1_minus_p_where_the_pool_is_the_top_label(model: str) -> None:
    import fasttext

    low = fasttext.load_model(model).predict(LOW[0])
    assert low[0] == ("__label__cc",)
    assert reference([LOW[0]], model) == pytest.approx([1 - low[1][0]])


def test_a_score_depends_on_its_text_alone(model: str) -> None:
    texts = [*HIGH, None, "", *LOW]
    together = reference(texts, model)
    assert together == [reference([text], model)[0] for text in texts]
    assert all(0.0 <= score <= 1.0 for score in together)
    assert not np.isnan(together).any()


@pytest.mark.parametrize("steering", ["__label__hq", "</s>", "\x00", "\n__label__hq"])
def test_a_document_cannot_label_or_cut_itself(steering: str, model: str, tmp_path: Path) -> None:
    plain, steered = f"{LOW[0]} {HIGH[0]}", f"{LOW[0]} {steering} {HIGH[0]}"
    assert reference([steered], model) == pytest.approx(reference([plain], model), abs=1e-3)
    scorer().train(HIGH, [f"{text} {steering} {text}" for text in LOW], str(tmp_path / "m"))
    import fasttext

    assert sorted(fasttext.load_model(str(tmp_path / "m")).labels) == ["__label__cc", "__label__hq"]


@given(st.lists(st.text(), max_size=5))
def test_a_normalised_text_is_one_line_and_normal(texts: list[str]) -> None:
    clean = [text.encode("utf-8", "ignore").decode() for text in texts]
    for normaliser in ("dclm", "prose"):
        seen = scorer(normaliser=normaliser).normalised(pa.array(clean, pa.large_string()))
        assert all(len(text.splitlines()) <= 1 for text in seen.to_pylist())
        assert scorer(normaliser=normaliser).normalised(seen).to_pylist() == seen.to_pylist()


def test_lines_are_joined_as_dclm_joins_them() -> None:
    text = "  one\ntwo\r\nthree\u2028\nfour \n"
    assert scorer().normalised(pa.array([text])).to_pylist() == [" ".join(text.strip().splitlines())]


def test_prose_has_neither_case_nor_markup() -> None:
    text = "# The *Heading*\n| a cell | 100% |"
    assert scorer(normaliser="prose").normalised(pa.array([text])).to_pylist() == ["the heading a cell 100"]


def test_a_training_that_diverges_names_the_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"lower lr.*scored\.scorers"):
        scorer(lr=1e9, epoch=50).train(HIGH, LOW, str(tmp_path / "m"))

"""The figures of the gate: exact on small cases, and a proxy that tells good choices from bad ones."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.recipe.sections.scored import ProxySection
from spark_jobs.stages.fit_figures import Score, proxy, separation, shortcuts
from spark_jobs.stages.fit_rows import Rows
from spark_jobs.text.ngram_lm import NgramLM, Vocabulary, words
from spark_jobs.text.reference_texts import SourceText
from spark_jobs.text.separation import auc, bootstrap_ratio, largest_gap, rank_correlation
from spark_jobs.text.snippets import Snippet, hash64

VALUES = st.lists(st.integers(0, 5).map(float), min_size=1, max_size=12)


@given(VALUES, VALUES)
def test_auc_is_the_share_of_won_pairs(high: list[float], low: list[float]) -> None:
    won = sum((a > b) + 0.5 * (a == b) for a in high for b in low) / (len(high) * len(low))
    assert auc(np.array(high), np.array(low)) == pytest.approx(won)


def test_figures_without_both_classes_or_without_variation_are_absent() -> None:
    some, none = np.array([1.0, 2.0]), np.array([])
    assert auc(some, none) is None
    assert largest_gap(some, none) is None
    assert rank_correlation(some, np.array([3.0, 3.0])) is None


def test_rank_correlation_sees_order_not_distance() -> None:
    rising = np.array([1.0, 2.0, 3.0, 4.0])
    assert rank_correlation(rising, rising**5) == pytest.approx(1)
    assert rank_correlation(rising, -rising) == pytest.approx(-1)
    # Ranks 1.5 1.5 3 4 against 1 2 3 4: a tie, by hand.
    assert rank_correlation(np.array([0.0, 0.0, 1.0, 2.0]), rising) == pytest.approx(4.5 / math.sqrt(4.5 * 5))


def test_the_largest_gap_is_that_of_the_distribution_functions() -> None:
    assert largest_gap(np.array([1.0, 2.0]), np.array([1.0, 2.0])) == 0
    assert largest_gap(np.array([1.0, 2.0]), np.array([3.0])) == 1
    assert largest_gap(np.array([1.0, 3.0]), np.array([2.0, 4.0])) == 0.5


def test_the_interval_is_reproducible_and_narrows_with_more_documents() -> None:
    gains = np.array([hash64(str(i), 0) / 2**64 for i in range(400)])
    ones = np.ones(400)
    few, many = (bootstrap_ratio(gains[:n], ones[:n], seed=1, replicates=300) for n in (25, 400))
    assert few == bootstrap_ratio(gains[:25], ones[:25], seed=1, replicates=300)
    assert few != bootstrap_ratio(gains[:25], ones[:25], seed=2, replicates=300)
    assert many.low < many.value < many.high
    assert many.high - many.low < (few.high - few.low) / 2
    # The standard error of the mean of 400 uniform numbers is .0144.
    assert many.high - many.low == pytest.approx(4 * 0.0144, rel=0.25)


Counts = dict[int, Counter[tuple[int, ...]]]


def _reference_counts(documents: Sequence[Sequence[int]], order: int) -> Counts:
    """Counts by order, as the definition says: occurrences at the top, kinds of word before it below."""
    grams: Counts = {n: Counter() for n in range(1, order + 2)}
    for document in documents:
        padded = [0] * order + list(document)
        for end in range(order, len(padded)):
            for n in range(1, order + 1):
                grams[n][tuple(padded[end - n + 1 : end + 1])] += 1
    counts = {order: grams[order]}
    for n in range(1, order):
        counts[n] = Counter(gram[1:] for gram in grams[n + 1])
    return counts


def _probability(counts: Counts, order: int, context: tuple[int, ...], word: int) -> float:
    lower = 1.0 / 6
    for n in range(1, order + 1):
        by_size = Counter(counts[n].values())
        discount = by_size[1] / (by_size[1] + 2 * by_size[2]) if by_size[1] and by_size[2] else 0.5
        before = context[len(context) - n + 1 :] if n > 1 else ()
        same = {gram: count for gram, count in counts[n].items() if gram[:-1] == before}
        total = sum(same.values())
        if total:
            lower = max(same.get((*before, word), 0) - discount, 0) / total + discount * len(same) / total * lower
    return lower


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_language_model_is_kneser_neys(order: int) -> None:
    documents = [[1, 2, 3, 1, 2, 4], [1, 2, 3], [4, 4, 1, 2], [5]]
    model = NgramLM([np.array(d) for d in documents], order=order, vocabulary=6)
    counts = _reference_counts(documents, order)
    text = [1, 2, 4, 6, 1, 2, 3]
    padded = [0] * order + text
    expected = [
        math.log2(_probability(counts, order, tuple(padded[i + 1 : i + order]), word)) for i, word in enumerate(text)
    ]
    assert model.log2_probabilities(np.array(text)).tolist() == pytest.approx(expected)


@given(st.lists(st.lists(st.integers(1, 6), max_size=8), max_size=4), st.lists(st.integers(1, 8), max_size=4))
def test_probabilities_of_the_next_word_add_up_to_1(documents: list[list[int]], context: list[int]) -> None:
    model = NgramLM([np.array(d, dtype=np.int64) for d in documents], order=3, vocabulary=8)
    following = [model.log2_probabilities(np.array([*context, word]))[-1] for word in range(1, 9)]
    assert sum(2**bits for bits in following) == pytest.approx(1)


def test_words_of_the_proxy_keep_punctuation_apart() -> None:
    assert words("It's 5%, Ünï!") == ["it", "'", "s", "5", "%", ",", "ünï", "!"]
    assert Vocabulary.of([["a", "b"], ["b", "c"]]).encode(["c", "a"]).tolist() == [3, 1]


def _text(topic: str, number: int, length: int = 120) -> str:
    return " ".join(f"{topic}{hash64(f'{topic}{number}.{i}', 0) % 40}" for i in range(length))


def _rows() -> Rows:
    """A pool of which a third is on the topic of the references."""
    pool = [SourceText(f"p{i}", f"host{i % 4}", _text("good" if i % 3 == 0 else "other", i)) for i in range(180)]
    held = [SourceText(f"r{i}", "held", _text("good", 1000 + i)) for i in range(15)]
    snippets = (
        [Snippet(t.key, t.source, 0, t.text) for t in held],
        [Snippet(t.key, t.source, 0, t.text) for t in pool],
    )
    return Rows(
        fitted=([], []), held_out=(snippets[0], snippets[1]), held_out_references=held, held_out_pool=pool,
        unfitted_pool=pool, held_out_by=("source", "source"), length_auc_inputs=([900] * 5, [10] * 5),
        passages=frozenset(),
    )  # fmt: skip


def _share(topic: str) -> Score:
    return lambda texts: np.array([text.count(topic) / max(len(text.split()), 1) for text in texts])


def test_the_proxy_speaks_for_a_scorer_that_finds_the_topic_and_against_one_that_avoids_it() -> None:
    section = ProxySection(replicates=200)
    found = {topic: proxy(_share(topic), _rows(), section, seed=0) for topic in ("good", "other")}
    assert found["good"]["verdict"] == "better than random"
    assert found["good"]["bits_per_word"]["low"] > 0.1
    assert found["other"]["verdict"] != "better than random"
    assert found["other"]["bits_per_word"]["value"] < 0
    assert found["good"] == proxy(_share("good"), _rows(), section, seed=0)


def test_the_proxy_says_when_there_is_too_little_text() -> None:
    rows = _rows()
    few = Rows(**{**rows.__dict__, "held_out_references": rows.held_out_references[:3]})
    assert proxy(_share("good"), few, ProxySection(), seed=0)["verdict"] == "too little text"


def test_separation_is_told_by_source_and_length_is_caught() -> None:
    found = separation(_share("good"), _rows())
    assert found["by_reference_source"] == {"held": found["auc"]}
    # A third of the pool is on the topic and ties with the references.
    assert found["auc"] == pytest.approx(2 / 3 + 1 / 6)
    assert set(found["by_pool_source"]) == {"host0", "host1", "host2", "host3"}
    assert found["range"] == {"min": 0, "max": 1, "nan": 0, "spread": 1}
    by_length = shortcuts(lambda texts: np.array([float(len(text)) for text in texts]), _rows())
    assert by_length["length_auc_documents"] == 1
    assert by_length["rank_correlation"]["length"] > 0.7

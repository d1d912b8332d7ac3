"""Ten heuristics as row-at-a-time Python UDFs on Spark, the way they are mostly written: one function, one column."""

import re
from collections import Counter
from collections.abc import Callable
from itertools import pairwise

STOP_WORDS = frozenset({"the", "be", "to", "of", "and", "that", "have", "with"})
_WORD = re.compile(r"\w+(?:['’-]\w+)*|[^\w\s]")


def word_count(text: str) -> float:
    """Words between white space."""
    return float(len(text.split()))


def mean_word_length(text: str) -> float:
    """Mean length of these words."""
    words = text.split()
    return sum(map(len, words)) / len(words) if words else 0.0


def symbol_ratio(text: str) -> float:
    """Hash signs and ellipses over words."""
    words = text.split()
    return (text.count("#") + text.count("...") + text.count("…")) / len(words) if words else 0.0


def bullet_lines(text: str) -> float:
    """Share of lines that start with a bullet."""
    lines = text.splitlines()
    return sum(line.lstrip().startswith(("•", "-")) for line in lines) / len(lines) if lines else 0.0


def ellipsis_lines(text: str) -> float:
    """Share of lines that end in an ellipsis."""
    lines = text.splitlines()
    return sum(line.rstrip().endswith(("...", "…")) for line in lines) / len(lines) if lines else 0.0


def alphabetic_words(text: str) -> float:
    """Share of words that hold a letter."""
    words = text.split()
    return sum(any(c.isalpha() for c in word) for word in words) / len(words) if words else 0.0


def stop_words(text: str) -> float:
    """Distinct stop words."""
    return float(len(STOP_WORDS & set(text.split())))


def duplicate_lines(text: str) -> float:
    """Share of lines that are copies."""
    lines = [line for line in text.split("\n") if line.strip()]
    return 1 - len(set(lines)) / len(lines) if lines else 0.0


def top_2_gram(text: str) -> float:
    """Characters of the most frequent pair of words over all."""
    words = _WORD.findall(text)
    pairs = Counter(pairwise(words))
    (gram, count), *_ = pairs.most_common(1) or [(("", ""), 0)]
    return count * len(" ".join(gram)) / len(text) if text else 0.0


def duplicate_5_grams(text: str) -> float:
    """Share of runs of five words that are copies."""
    words = _WORD.findall(text)
    grams = [" ".join(words[i : i + 5]) for i in range(len(words) - 4)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


TEN: tuple[Callable[[str], float], ...] = (
    word_count,
    mean_word_length,
    symbol_ratio,
    bullet_lines,
    ellipsis_lines,
    alphabetic_words,
    stop_words,
    duplicate_lines,
    top_2_gram,
    duplicate_5_grams,
)

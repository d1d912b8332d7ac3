"""Thresholds and stop words by language, fitted on reference documents the FineWeb2 way (arXiv 2506.20920).

The result is a table in FineWeb2's keys with its provenance, a function of the counts and the parameters alone; `null`
switches a rule off. Counting is `reference_statistics.py`, mapping a limit `threshold_methods.py`.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from spark_jobs.errors import InputError
from spark_jobs.stages.reference_statistics import LANGUAGE_SCORE, SCALE, ReferenceStatistics
from spark_jobs.stages.threshold_methods import Histogram, Method, mapped
from spark_jobs.text.segmentation import segmenter

_ENGLISH_LABELS: Final = ("eng_Latn", "eng", "en")


@dataclass(frozen=True)
class _Key:
    """A key of the table: its statistic, FineWeb's English limit, its side, its group, and what is legal."""

    statistic: str
    english: float
    group: str
    is_minimum: bool = False
    most: float = 1.0


_KEYS: Final[Mapping[str, _Key]] = {
    "dup_line_frac": _Key("dup_line_frac", 0.3, "repetition"),
    **{f"top_{n}_gram": _Key(f"top_{n}_gram", limit, "repetition") for n, limit in ((2, 0.2), (3, 0.18), (4, 0.16))},
    **{f"dup_{n}_gram": _Key(f"dup_{n}_gram", round(0.2 - n / 100, 2), "repetition") for n in range(5, 11)},
    "line_punct_thr": _Key("line_punct", 0.12, "lines", is_minimum=True),
    "new_line_ratio": _Key("new_line_ratio", 0.3, "lines"),
    "min_avg_word_length": _Key("avg_word_length", 3, "words", is_minimum=True, most=100.0),
    "max_avg_word_length": _Key("avg_word_length", 10, "words", most=100.0),
    # FineWeb2's name for the least share of words with a letter.
    "max_non_alpha_words_ratio": _Key("alpha_words_ratio", 0.8, "words", is_minimum=True),
}


class ThresholdParams(BaseModel):
    """How limits are mapped, and when there is too little to go by."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    repetition: Method = Field("mean_std", description="method for repeated lines and n-grams")
    lines: Method = Field("mean_std", description="method for line ends and newlines")
    words: Method = Field("mean_std", description="method for the length of words and the share of alphabetic ones")
    english: str | None = Field(None, description="label of English in the reference; null looks for the usual ones")
    min_documents: int = Field(100, ge=1, description="reference documents of a language; below, it is not fitted")
    borrow: dict[str, str] = Field({}, description="language with too few documents -> language whose row it takes")
    min_language_score: float = Field(0.3, ge=0, le=1, description="least threshold of the language score")
    max_language_score: float = Field(0.9, ge=0, le=1, description="greatest threshold of the language score")
    stop_word_frequency: float = Field(0.008, gt=0, lt=1, description="share of the words that a stop word reaches")
    min_stop_words: int = Field(8, ge=0, description="stop words; the next frequent ones fill up")
    max_stop_words: int = Field(63, ge=1, description="stop words; the least frequent ones go")


@dataclass
class _Notes:
    """What the table does not say: why a rule is off, a limit not mapped, a row borrowed."""

    off: dict[str, dict[str, float]] = field(default_factory=dict)
    unmapped: dict[str, list[str]] = field(default_factory=dict)
    too_few: dict[str, dict[str, Any]] = field(default_factory=dict)


def fit_thresholds(statistics: ReferenceStatistics, params: ThresholdParams | None = None) -> dict[str, Any]:
    """The table `{languages: {label: {key: limit}}, provenance}`; limits to three digits, null is off.

    Raises InputError when the reference has too little English to map from, or a borrowed row is not there.
    """
    p = params or ThresholdParams()
    english = _english(statistics, p)
    notes, rows = _Notes(), {}
    for language, documents in sorted(statistics.documents.items()):
        if documents >= p.min_documents:
            rows[language] = _row(statistics, language, english, p, notes)
    for language, documents in sorted(statistics.documents.items()):
        if language not in rows:
            lender = p.borrow.get(language)
            notes.too_few[language] = {"documents": documents, "borrowed": lender}
            rows[language] = _lent(rows, lender, language, notes)
    return {
        "languages": dict(sorted(rows.items())),
        "provenance": {
            "source": "arXiv 2506.20920",
            "params": p.model_dump(mode="json"),
            "english": english,
            "reference": {
                "sha256": statistics.digest(),
                "documents": dict(sorted(statistics.documents.items())),
            },
            "words": {**segmenter(), "unicode": unicodedata.unidata_version},
            "out_of_range": notes.off,
            "not_mapped": notes.unmapped,
            "too_few_documents": notes.too_few,
        },
    }


def stop_words(counted: Counter[str], params: ThresholdParams) -> list[str]:
    """The most frequent words that consist of letters and are not capitalised, most frequent first, ties by word."""
    total = sum(counted.values())
    ranked = sorted(((w, c) for w, c in counted.items() if _is_plain(w)), key=lambda entry: (-entry[1], entry[0]))
    frequent = sum(count >= params.stop_word_frequency * total for _, count in ranked)
    return [word for word, _ in ranked[: min(max(frequent, params.min_stop_words), params.max_stop_words)]]


def language_score(scores: Histogram, params: ThresholdParams) -> float:
    """Median less one standard deviation, within the bounds of the parameters."""
    value = (scores.quantile(Fraction(1, 2)) - scores.deviation) / SCALE
    return round(min(max(value, params.min_language_score), params.max_language_score), 3)


def _english(statistics: ReferenceStatistics, p: ThresholdParams) -> str:
    named = (p.english,) if p.english else _ENGLISH_LABELS
    for name in named:
        if statistics.documents[name] >= p.min_documents:
            return name
    raise InputError(
        f"thresholds: {max(statistics.documents[name] for name in named)} English reference documents (labels looked "
        f"for: {', '.join(named)}), {p.min_documents} are needed to map limits from; add some, or lower min_documents"
    )


def _row(
    statistics: ReferenceStatistics, language: str, english: str, p: ThresholdParams, notes: _Notes
) -> dict[str, Any]:
    limits = {key: _limit(statistics, language, english, key, p, notes) for key in _KEYS}
    row: dict[str, Any] = {"dup_line_frac": limits["dup_line_frac"]}
    row["top_n_grams"] = [[n, limits[f"top_{n}_gram"]] for n in (2, 3, 4)]
    row["dup_n_grams"] = [[n, limits[f"dup_{n}_gram"]] for n in range(5, 11)]
    row |= {key: limit for key, limit in limits.items() if not key.endswith("_gram")}
    scores = statistics.values.get((language, LANGUAGE_SCORE))
    row["language_score"] = language_score(Histogram.of(scores), p) if scores else None
    row["stopwords"] = stop_words(statistics.words.get(language, Counter()), p)
    return row


def _limit(  # noqa: PLR0917 - one limit from all there is
    statistics: ReferenceStatistics, language: str, english: str, name: str, p: ThresholdParams, notes: _Notes
) -> float | None:
    key = _KEYS[name]
    if language == english:
        return key.english
    ours, theirs = statistics.values.get((english, key.statistic)), statistics.values.get((language, key.statistic))
    found = None
    if ours and theirs:
        found = mapped(
            getattr(p, key.group), key.english * SCALE, is_minimum=key.is_minimum,
            english=Histogram.of(ours), other=Histogram.of(theirs),
        )  # fmt: skip
    if found is None:
        notes.unmapped.setdefault(language, []).append(name)
        return key.english
    limit = round(found / SCALE, 3) + 0.0  # no minus zero
    legal = 0 <= limit <= key.most and (limit > 0 or key.group != "repetition")
    if not legal:
        notes.off.setdefault(language, {})[name] = limit
        return None
    return limit


def _lent(rows: Mapping[str, dict[str, Any]], lender: str | None, language: str, notes: _Notes) -> dict[str, Any]:
    if lender is None:
        single = (key for key in _KEYS if not key.endswith("_gram"))
        return dict.fromkeys(("top_n_grams", "dup_n_grams", "language_score", *single))
    if lender not in rows or lender in notes.too_few:
        raise InputError(f"thresholds: {language} is to borrow from {lender}, which has no row itself; name another")
    return dict(rows[lender])


def _is_plain(word: str) -> bool:
    return word == word.lower() and all(unicodedata.category(sign)[0] in "LM" for sign in word)

"""Word lists that tell a small language from what is taken for it, and how contaminated its documents are.

FineWeb2's precision filter (arXiv 2506.20920): words that are frequent in a language and rare in all others; a document
that holds none of them is not in the language, as far as one can see. The table is read by `language_precision`.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from math import ceil
from typing import Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from spark_jobs.stages.reference_statistics import ReferenceStatistics
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.segmentation import segmenter
from spark_jobs.text.word_lists import hashed, list_words

_CODE: Final = re.compile(r"[a-z]{2,3}")


class PrecisionParams(BaseModel):
    """Which words make a list."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    top_share: float = Field(0.05, gt=0, le=1, description="share of a language's words, the most frequent ones")
    min_share: float = Field(0.85, ge=0, le=1, description="share of a word's occurrences that are in the language")
    min_documents: int = Field(20, ge=1, description="documents of a language; below, it has no list")


class Evidence(BaseModel):
    """What a URL may say of a language, beside its words."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    codes: tuple[str, ...] = Field((), description="codes of the language, lower case")
    names: tuple[str, ...] = Field((), description="names of the language and its region, lower case, one word each")
    domains: tuple[str, ...] = Field((), description="top-level domains of its countries, without the dot")


def word_lists(statistics: ReferenceStatistics, params: PrecisionParams) -> dict[str, list[str]]:
    """Words by language: among its most frequent ones, and nearly nowhere else; ties of frequency by word."""
    everywhere: Counter[str] = Counter()
    for words in statistics.words.values():
        everywhere.update(words)
    lists = {}
    for language, words in sorted(statistics.words.items()):
        if statistics.documents[language] >= params.min_documents:
            ranked = sorted(words, key=lambda word: (-words[word], word))[: ceil(params.top_share * len(words))]
            lists[language] = [word for word in ranked if words[word] >= params.min_share * everywhere[word]]
    return lists


def contamination(documents: Iterable[TextBatch], lists: Mapping[str, list[str]]) -> dict[str, tuple[int, int]]:
    """By language: documents, and those of them that hold no word of its list. Columns: `language`."""
    known = {language: hashed(words) for language, words in lists.items()}
    seen: Counter[str] = Counter()
    without: Counter[str] = Counter()
    for batch in documents:
        languages = batch.column("language").to_pylist()
        hits = list_words(batch, languages, known)
        for language, count in zip(languages, hits.tolist(), strict=True):
            if not np.isnan(count):
                seen[language] += 1
                without[language] += count == 0
    return {language: (seen[language], without[language]) for language in lists}


def fit_precision(
    statistics: ReferenceStatistics,
    crawled: Iterable[TextBatch],
    params: PrecisionParams | None = None,
    evidence: Mapping[str, Evidence] | None = None,
) -> dict[str, Any]:
    """The table `{languages: {label: {words, documents, contamination, codes, names, domains}}, provenance}`.

    `statistics` are of reference documents, the contamination is of `crawled` documents, labelled by the model that is
    judged. A label's own code is always evidence.
    """
    p = params or PrecisionParams()
    lists = word_lists(statistics, p)
    rows: dict[str, Any] = {}
    for language, (documents, without) in contamination(crawled, lists).items():
        stated = (evidence or {}).get(language, Evidence(codes=(), names=(), domains=()))
        code = language.partition("_")[0]
        own = [code] if _CODE.fullmatch(code) else []
        rows[language] = {
            "words": lists[language],
            "documents": documents,
            "contamination": round(without / documents, 4) if documents else None,
            "codes": sorted({*own, *stated.codes}),
            "names": sorted(stated.names),
            "domains": sorted(stated.domains),
        }
    return {
        "languages": rows,
        "provenance": {
            "source": "arXiv 2506.20920",
            "params": p.model_dump(mode="json"),
            "reference": {
                "sha256": statistics.digest(),
                "documents": dict(sorted(statistics.documents.items())),
            },
            "words": {**segmenter(), "unicode": unicodedata.unidata_version},
            "without_list": sorted(set(statistics.documents) - set(lists)),
        },
    }

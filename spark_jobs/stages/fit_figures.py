"""What the acceptance gate of a scorer looks at: range, separation, n-gram proxy, shortcuts.

Every figure is of rows that the model was not fitted on. Figures are stored with the model; they are judged against the
recipe's limits by the expectations on `models`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark_jobs.recipe.sections.scored import ProxySection
from spark_jobs.stages.fit_rows import Rows
from spark_jobs.text.ngram_lm import Ids, NgramLM, Vocabulary, words
from spark_jobs.text.separation import auc, bootstrap_ratio, rank_correlation
from spark_jobs.text.snippets import STEP_CHARS, Snippet, hash64

Floats = npt.NDArray[np.float64]
Score = Callable[[Sequence[str]], Floats]

_BASE_PARTS, _CANDIDATE_PARTS = 7, 3  # 70/30 by words, as in the annealing runs the proxy replaces
_MIN_TARGETS = 10


def separation(score: Score, rows: Rows) -> dict[str, Any]:
    """AUC on held-out sources: of all, and of each source against the whole other class."""
    sides = [(part, score([snippet.text for snippet in part])) for part in rows.held_out]
    (references, high), (pool, low) = sides
    return {
        "auc": auc(high, low),
        "by_reference_source": {s: auc(high[_of(references, s)], low) for s in _sources(references)},
        "by_pool_source": {s: auc(high, low[_of(pool, s)]) for s in _sources(pool)},
        "snippets": {"references": len(references), "pool": len(pool)},
        "range": _range(np.concatenate([high, low]), low),
    }


def _range(scores: Floats, pool: Floats) -> dict[str, Any]:
    low, high = np.nanpercentile(pool, [5, 95])
    return {
        "min": float(np.nanmin(scores)),
        "max": float(np.nanmax(scores)),
        "nan": int(np.isnan(scores).sum()),
        "spread": float(high - low),
    }


def _sources(snippets: Sequence[Snippet]) -> list[str]:
    return sorted({snippet.source for snippet in snippets})


def _of(snippets: Sequence[Snippet], source: str) -> npt.NDArray[np.bool_]:
    return np.array([snippet.source == source for snippet in snippets], dtype=np.bool_)


def shortcuts(score: Score, rows: Rows) -> dict[str, Any]:
    """What length and surface alone would do, and how the scores of held-out pool documents go with them.

    `surface_auc` is over held-out snippets as the model sees them; an AUC below .5 is turned round.
    """
    references, pool = ([snippet.text for snippet in part] for part in rows.held_out)
    documents = [text.text for text in rows.held_out_pool]
    scores = score(documents)
    before = auc(*(np.array(lengths, dtype=np.float64) for lengths in rows.length_auc_inputs))
    return {
        "length_auc_documents": _turned(before),
        "surface_auc": {
            name: _turned(auc(_measured(measure, references), _measured(measure, pool)))
            for name, measure in _SURFACE.items()
        },
        "rank_correlation": {
            name: rank_correlation(scores, _measured(measure, documents)) for name, measure in _SURFACE.items()
        },
        "documents": len(documents),
    }


def _turned(value: float | None) -> float | None:
    return None if value is None else max(value, 1.0 - value)


def _measured(measure: Callable[[str], float], texts: Sequence[str]) -> Floats:
    return np.array([measure(text) for text in texts], dtype=np.float64)


def _share(test: Callable[[str], bool]) -> Callable[[str], float]:
    return lambda text: sum(map(test, text)) / max(len(text), 1)


_SURFACE: Mapping[str, Callable[[str], float]] = {
    # In the steps to which snippets are matched: within a step length differs by how words fall, and tells nothing.
    "length": lambda text: len(text) // STEP_CHARS,
    "capitals": _share(str.isupper),
    "digits": _share(str.isdigit),
    "line_ends": _share(lambda c: c == "\n"),
    "symbols": _share(lambda c: not c.isalnum() and not c.isspace()),
    "word_length": lambda text: len(text) / max(len(text.split()), 1),
}


def proxy(score: Score, rows: Rows, section: ProxySection, *, seed: int) -> dict[str, Any]:
    """n-gram LMs on base + chosen text and on base + random text; what a word of the held-out references costs less.

    `bits_per_word` above 0 speaks for the chosen text; the interval is over target documents (see selection by proxy
    in arXiv 2406.11794 for the annealing run this stands in for). Pool documents the model was fitted on take no part.
    """
    order = sorted(rows.unfitted_pool, key=lambda text: (hash64(text.key, seed + 1), text.key))
    pool = [words(text.text) for text in order]
    targets = [words(text.text) for text in rows.held_out_references]
    targets = [target for target in targets if target]
    # Base, and a rest from whose best share the candidates come: both corpora then are as large as the pool allows.
    total = sum(map(len, pool))
    parts = _BASE_PARTS + _CANDIDATE_PARTS / section.fraction
    size = min(section.max_words, int((_BASE_PARTS + _CANDIDATE_PARTS) * total / parts))
    n_base, n_more = size * _BASE_PARTS // 10, size * _CANDIDATE_PARTS // 10
    base, used = _first_words(pool, n_base)
    rest = list(range(used, len(pool)))
    scores = score([order[i].text for i in rest])
    best = sorted(range(len(rest)), key=lambda i: (-scores[i], order[rest[i]].key))
    chosen, _ = _first_words([pool[rest[i]] for i in best], n_more)
    random, _ = _first_words([pool[i] for i in rest], n_more)
    sizes = {"base_words": n_base, "candidate_words": n_more, "target_documents": len(targets)}
    if len(targets) < _MIN_TARGETS or _words(chosen) < n_more or _words(random) < n_more or n_more == 0:
        return {"verdict": "too little text", **sizes}
    gains, counts = _gains(base, chosen, random, targets, section.order)
    interval = bootstrap_ratio(gains, counts, seed=seed, replicates=section.replicates)
    verdict = "better than random" if interval.above_zero else "not shown to be better than random"
    return {"verdict": verdict, "bits_per_word": asdict(interval), "order": section.order, **sizes}


def _gains(
    base: list[list[str]], chosen: list[list[str]], random: list[list[str]], targets: list[list[str]], order: int
) -> tuple[Floats, Floats]:
    """Bits that each target document costs less after the chosen text than after the random text; and its words."""
    vocabulary = Vocabulary.of([*base, *chosen, *random, *targets])
    encoded = [vocabulary.encode(target) for target in targets]
    bits = []
    for more in (chosen, random):
        corpus: list[Ids] = [vocabulary.encode(document) for document in (*base, *more)]
        model = NgramLM(corpus, order=order, vocabulary=len(vocabulary.ids))
        bits.append(np.array([model.log2_probabilities(target).sum() for target in encoded]))
    return bits[0] - bits[1], np.array([float(len(target)) for target in targets])


def _words(documents: Sequence[Sequence[str]]) -> int:
    return sum(map(len, documents))


def _first_words(documents: Sequence[list[str]], wanted: int) -> tuple[list[list[str]], int]:
    """Exactly `wanted` words from the front (fewer if there are not so many), and how many documents they touch."""
    taken: list[list[str]] = []
    for number, document in enumerate(documents):
        if wanted <= 0:
            return taken, number
        taken.append(document[:wanted])
        wanted -= len(taken[-1])
    return taken, len(documents)


def scoring(score: Callable[[pa.Array], Floats]) -> Score:
    """A scorer that takes Python strings."""
    return lambda texts: score(pa.array(list(texts), pa.large_string())) if len(texts) else np.zeros(0)

"""The snippets a scorer is fitted and judged on: split by source, without shared passages, of like length.

What is held out is held out by whole sources, since telling rows of one source apart proves nothing about another.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from spark_jobs.errors import InputError
from spark_jobs.recipe.sections.scored import FitSection
from spark_jobs.stages.fit_plan import Fit
from spark_jobs.text.reference_texts import SourceText
from spark_jobs.text.snippets import (
    Snippet,
    by_hash,
    cut_document,
    hash64,
    held_out_sources,
    match_lengths,
    passages_of,
    without_passages,
)

_MORE = {"cleaned": "Read more of the crawl", "rewritten": "Raise rewritten.budget"}
_MIN_ROWS = 20  # matched snippets of each class, for fitting and for judging: below that no figure means anything


@dataclass(frozen=True)
class Rows:
    """What a model is fitted on and judged on. Snippets are normalised and of like length; documents are whole."""

    fitted: tuple[list[Snippet], list[Snippet]]
    held_out: tuple[list[Snippet], list[Snippet]]
    held_out_references: list[SourceText]
    held_out_pool: list[SourceText]
    unfitted_pool: list[SourceText]
    held_out_by: tuple[str, str]
    length_auc_inputs: tuple[list[int], list[int]]
    passages: frozenset[int]


def arrange(wanted: Fit, references: Sequence[SourceText], pool: Sequence[SourceText]) -> Rows:
    """Normalise, split by source, cut to snippets, take shared passages out of the pool's, match lengths.

    Raises InputError when there is too little text to fit or to judge a model.
    """
    fit = wanted.section
    sides = [_split(texts, fit) for texts in (references, pool)]
    references_cut = [_snippets(wanted, fit, part, (fit.snippet_chars,)) for part in sides[0][:2]]
    every = [snippet for part in references_cut for snippet in part]
    lengths = sorted(len(snippet.text) for snippet in every) or [fit.snippet_chars]
    known = passages_of(every)
    pool_cut = [without_passages(_snippets(wanted, fit, part, lengths), known) for part in sides[1][:2]]
    fitted = match_lengths(references_cut[0], pool_cut[0], seed=fit.seed)
    held = match_lengths(references_cut[1], pool_cut[1], seed=fit.seed)
    if min(len(fitted[0]), len(held[0])) < _MIN_ROWS:
        raise InputError(
            f"too little text to fit {wanted.name}: {len(fitted[0])} snippets to fit on and {len(held[0])} to hold "
            f"out, of {len(references)} references and {len(pool)} {wanted.documents} in "
            f"{', '.join(fit.languages) or 'all languages'}; {_MIN_ROWS} are needed. {_MORE[wanted.pool]}, or name "
            f"more references in {wanted.key}.positives"
        )
    used = {snippet.document for snippet in fitted[1]}
    return Rows(
        fitted=fitted,
        held_out=held,
        held_out_references=list(sides[0][1]),
        held_out_pool=list(sides[1][1]),
        unfitted_pool=[text for text in pool if text.key not in used],
        held_out_by=(sides[0][2], sides[1][2]),
        length_auc_inputs=([len(t.text) for t in references], [len(t.text) for t in pool]),
        passages=known,
    )


def resampled(wanted: Fit, rows: Rows, pool: Sequence[SourceText], *, seed: int) -> tuple[list[Snippet], list[Snippet]]:
    """Another sample to fit on: the same references, other snippets of the pool's fitted side."""
    held = {text.key for text in rows.held_out_pool}
    texts = [text for text in pool if text.key not in held]
    changed = wanted.section.model_copy(update={"seed": seed})
    lengths = sorted(len(snippet.text) for snippet in rows.fitted[0])
    snippets = by_hash(without_passages(_snippets(wanted, changed, texts, lengths), rows.passages), seed)
    return match_lengths(rows.fitted[0], snippets[: max(1, (len(snippets) * 2) // 3)], seed=seed)


def _split(texts: Sequence[SourceText], fit: FitSection) -> tuple[list[SourceText], list[SourceText], str]:
    sources = held_out_sources([(t.key, t.source) for t in texts], share=fit.held_out, seed=fit.seed)
    # One large source and crumbs: crumbs are too little to judge by, so documents are held out, and the figures say so.
    if sum(t.source in sources for t in texts) >= fit.held_out * len(texts) / 2:
        return [t for t in texts if t.source not in sources], [t for t in texts if t.source in sources], "source"
    line = int(fit.held_out * 2**64)
    held = {t.key for t in texts if hash64(t.key, fit.seed) < line}
    return [t for t in texts if t.key not in held], [t for t in texts if t.key in held], "document"


def _snippets(wanted: Fit, fit: FitSection, texts: Sequence[SourceText], lengths: Sequence[int]) -> list[Snippet]:
    taken = pa.array([t.text[: fit.document_chars] for t in texts], pa.large_string())
    seen = wanted.scorer.normalised(taken).to_pylist()
    return [
        snippet
        for text, plain in zip(texts, seen, strict=True)
        for snippet in cut_document(
            text.key, text.source, plain, lengths=lengths, minimum=fit.min_snippet_chars,
            most=fit.snippets_per_document, seed=fit.seed,
        )
    ]  # fmt: skip

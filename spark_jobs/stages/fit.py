"""Fitting the model of a scorer: on named snapshots, on rows the recipe bounds, and again only on request.

The file of a model is a function of its rows and parameters: the same lake and recipe give the same bytes. Storing it
and judging its figures are the caller's.
"""

import contextlib
import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spark_jobs.errors import InputError
from spark_jobs.operators.base import Scorer
from spark_jobs.stages.fit_figures import Score, proxy, scoring, separation, shortcuts
from spark_jobs.stages.fit_plan import Fit, fit_fingerprint
from spark_jobs.stages.fit_rows import Rows, arrange, resampled
from spark_jobs.stages.fit_texts import pool_rows, read_pool, read_references, stand_ins, with_parents
from spark_jobs.stages.stage import PinnedReader
from spark_jobs.text.reference_texts import SourceText
from spark_jobs.text.separation import largest_gap, rank_correlation


@dataclass(frozen=True, kw_only=True)
class FittedModel:
    """A fitted model: its file, what it is, and the figures that the gate judges."""

    path: str
    digest: str
    bytes: int
    name: str
    version: int
    kind: str
    fit_fingerprint: str
    fitted_on: tuple[str, ...]
    params: Mapping[str, Any]
    metrics: Mapping[str, Any]


def fit_scorer(
    wanted: Fit,
    *,
    inputs: PinnedReader,
    snapshots: Sequence[str],
    folder: str,
    previous: str | None = None,
    say: Callable[[str], None] = lambda _message: None,
) -> FittedModel:
    """Fit a model on the pool of these `snapshots`; the file is written below the local `folder`.

    `previous` is the file of the model before, for the figures of drift. Raises InputError when there is too little
    text. Nothing is judged here.
    """
    scorer, fit, name = wanted.scorer, wanted.section, wanted.name
    references, pool = _texts(wanted, inputs, tuple(snapshots))
    say(f"{name}: {len(references)} references, {len(pool)} {wanted.documents}")
    rows, pool = _arranged(wanted, references, pool)
    path = _file(folder, wanted)
    path.parent.mkdir(parents=True, exist_ok=True)
    scorer.train([s.text for s in rows.fitted[0]], [s.text for s in rows.fitted[1]], str(path))
    say(f"{name}: fitted on {len(rows.fitted[0])} + {len(rows.fitted[1])} snippets")
    score = _first_score(scorer, str(path))
    size = path.stat().st_size
    metrics = {
        "sizes": _sizes(rows, references, pool),
        "references": _described(references),
        "separation": separation(score, rows),
        "shortcuts": shortcuts(score, rows),
        "proxy": proxy(score, rows, fit.proxy, seed=fit.seed),
        "agreement": _agreement(wanted, rows, pool, folder),
        "drift": None if previous is None else _drift(score, _first_score(scorer, previous), rows.held_out_pool),
        "bytes": size,
    }
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return FittedModel(
        path=str(path), digest=digest, bytes=size, name=name, version=scorer.version,
        kind=scorer.kind, fit_fingerprint=fit_fingerprint(wanted), fitted_on=tuple(snapshots),
        params=scorer.params.model_dump(mode="json"), metrics=_rounded(metrics),
    )  # fmt: skip


def _texts(wanted: Fit, inputs: PinnedReader, snapshots: tuple[str, ...]) -> tuple[list[SourceText], list[SourceText]]:
    """References and the sample of the pool; references that are pages are pages of `cleaned`, whatever the pool."""
    fit, cleaned = wanted.section, inputs.partitions("cleaned", snapshots)
    pages = pool_rows(cleaned, fit)
    if wanted.pool == "cleaned":
        return read_references(fit, pages), read_pool(fit, pages)
    rewrites = with_parents(pool_rows(inputs.partitions("rewritten", snapshots), fit), cleaned)
    return read_references(fit, pages), read_pool(fit, rewrites)


def _arranged(wanted: Fit, references: Sequence[SourceText], pool: list[SourceText]) -> tuple[Rows, list[SourceText]]:
    """The rows, and the pool they come from: with stand-ins where the pool alone is too small to fit or to judge."""
    fit = wanted.section
    if wanted.pool == "rewritten":
        # What tells a rewrite from a reference is how a model writes: no page of people can stand in for that.
        if len(pool) < fit.min_pool_documents:
            raise InputError(
                f"too few rewrites to fit {wanted.name}: {len(pool)} accepted, one a page, in "
                f"{', '.join(fit.languages) or 'all languages'}, and {wanted.key}.min_pool_documents asks for "
                f"{fit.min_pool_documents}; raise rewritten.budget, lower that key, or take mixed.rewrites out"
            )
        return arrange(wanted, references, pool), pool
    if len(pool) >= fit.min_pool_documents:
        # Many documents may still hold too little text; with the stand-ins it is tried once more, and then it is said.
        with contextlib.suppress(InputError):
            return arrange(wanted, references, pool), pool
    pool = [*pool, *stand_ins(fit)]
    return arrange(wanted, references, pool), pool


def _first_score(scorer: Scorer, path: str) -> Score:
    """The score that the gate judges: a scorer's first."""
    first = scorer.scores[0].name
    return scoring(lambda texts: scorer.score(texts, path)[first])


def _sizes(rows: Rows, references: Sequence[SourceText], pool: Sequence[SourceText]) -> dict[str, Any]:
    return {
        "reference_documents": len(references),
        "pool_documents": len(pool),
        "stand_ins": sum(text.key.startswith("page/") for text in pool),
        "fitted_snippets": [len(part) for part in rows.fitted],
        "held_out_snippets": [len(part) for part in rows.held_out],
        "held_out_by": {"references": rows.held_out_by[0], "pool": rows.held_out_by[1]},
        "held_out_sources": {
            "references": sorted({text.source for text in rows.held_out_references}),
            "pool": sorted({text.source for text in rows.held_out_pool}),
        },
    }


def _described(references: Sequence[SourceText]) -> dict[str, Any]:
    """Documents by source, and a digest of all reference texts: installed ones change with their packages."""
    digest = hashlib.sha256()
    for text in references:
        digest.update(hashlib.sha256(text.key.encode()).digest() + hashlib.sha256(text.text.encode()).digest())
    return {"documents": dict(sorted(Counter(t.source for t in references).items())), "sha256": digest.hexdigest()}


def _agreement(wanted: Fit, rows: Rows, pool: Sequence[SourceText], folder: str) -> dict[str, Any]:
    """Rank correlations, over held-out pool documents, with models fitted on other samples of the same sources."""
    texts = [text.text for text in rows.held_out_pool]
    scorer, fit = wanted.scorer, wanted.section
    mine, found = _first_score(scorer, str(_file(folder, wanted)))(texts), []
    for repeat in range(1, fit.repeats + 1):
        positives, negatives = resampled(wanted, rows, pool, seed=fit.seed + repeat)
        path = Path(folder) / f"{wanted.name}.repeat{repeat}"
        scorer.train([s.text for s in positives], [s.text for s in negatives], str(path))
        found.append(rank_correlation(mine, _first_score(scorer, str(path))(texts)))
        path.unlink()
    return {"rank_correlations": found, "documents": len(texts)}


def _file(folder: str, wanted: Fit) -> Path:
    return Path(folder) / f"{wanted.name}.model"


def _drift(score: Score, before: Score, documents: Sequence[SourceText]) -> dict[str, Any]:
    texts = [text.text for text in documents]
    new, old = score(texts), before(texts)
    return {
        "rank_correlation": rank_correlation(new, old),
        "largest_gap": largest_gap(new, old),
        "documents": len(texts),
    }


def _rounded(value: Any) -> Any:
    """Six digits: enough to judge by, and the same on machines whose last bits differ."""
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value

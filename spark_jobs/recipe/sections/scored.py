"""The `scored` section of a recipe: which scorers, and on what their models are fitted.

Thresholds do not belong here: scores are stored, and cuts are quantiles derived where a release is mixed.
"""

from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator

from spark_jobs.recipe.steps import ScorerStep, Step

Share = Annotated[float, Field(gt=0, lt=1)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class InstalledTexts(_Frozen):
    """Reference prose that lies on every machine: nothing is downloaded."""

    topics: bool = Field(default=True, description="chapters of Python's language reference, as pydoc ships them")
    packages: tuple[str, ...] = Field(
        default=("click", "numpy", "pandas", "pydantic", "pyspark"),
        description="installed packages whose docstrings are reference texts; one source each, absent ones are skipped",
    )


class FileTexts(_Frozen):
    """Reference texts in files: JSON lines (`.jsonl`, also `.gz`, `.zst`), or one plain text a file."""

    paths: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="paths, globs or URIs; relative ones are relative to the recipe's folder"
    )
    text_field: str = Field(default="text", description="key of the text in a JSON line")
    source_field: str | None = Field(
        default=None, description="key of what a row's source is, for holding out by source; none: the file"
    )
    _folder: Path | None = PrivateAttr(default=None)

    def model_post_init(self, context: Any) -> None:
        """Remember the recipe's folder; it is no part of the value, so a recipe is the same on every machine."""
        self._folder = context.get("folder") if isinstance(context, dict) else None

    def resolved(self) -> tuple[str, ...]:
        """The paths with relative ones resolved against the recipe's folder."""
        if self._folder is None:
            return self.paths
        # An absolute path stays what it is when it is joined.
        return tuple(path if "://" in path else str(self._folder / path) for path in self.paths)


class PoolTexts(_Frozen):
    """Pages of the pool itself that are reference texts by where they come from."""

    hosts: tuple[str, ...] = Field(default=(), description="hosts; a host stands for its subdomains too")
    sources: tuple[str, ...] = Field(default=(), description="values of the column `source`")

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if not self.hosts and not self.sources:
            raise ValueError("name at least one of hosts and sources")
        return self


class PositiveSource(_Frozen):
    """One source of reference texts: exactly one of `installed`, `files`, `pool`."""

    installed: InstalledTexts | None = None
    files: FileTexts | None = None
    pool: PoolTexts | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(value is not None for value in (self.installed, self.files, self.pool)) != 1:
            raise ValueError("a source of reference texts is exactly one of installed, files, pool")
        return self


class ProxySection(_Frozen):
    """The n-gram proxy of the gate: how much more text that the scorer chose teaches of the held-out references.

    The interval is over target documents. 70 parts base to 30 parts candidate by words.
    """

    order: int = Field(default=3, ge=1, le=5, description="order of the word n-gram model")
    fraction: Share = Field(default=0.25, description="share of the documents, best scored, that candidates come from")
    max_words: int = Field(default=200_000, ge=1_000, description="words of one training corpus, base and candidate")
    replicates: int = Field(default=1_000, ge=100, description="resamplings of the target documents")


class FitLimits(_Frozen):
    """What a fitted model must show to be accepted."""

    min_auc: Share = Field(default=0.7, description="separation of references and pool on held-out sources")
    min_spread: Share = Field(
        default=0.02, description="95th minus 5th percentile of held-out pool scores: flat scores cannot be cut"
    )
    max_bytes: int = Field(default=1 << 28, ge=1, description="size of the model's file")
    max_length_correlation: float = Field(
        default=0.5, ge=0, le=1, description="rank correlation of score and length, either sign; a warning"
    )
    max_surface_auc: float = Field(
        default=0.85,
        ge=0.5,
        le=1,
        description="separation by one surface feature alone (length, case, ...); a warning",
    )
    require_proxy: bool = Field(default=False, description="whether a proxy interval that holds 0 blocks, or warns")


class FitSection(_Frozen):
    """Rows a model is fitted on. A fit reads a bounded sample of the pool; its size is set here."""

    positives: Annotated[tuple[PositiveSource, ...], Field(min_length=1)] = (
        PositiveSource(installed=InstalledTexts()),
    )
    snapshots: tuple[str, ...] = Field(
        default=(), description="snapshots of the pool; none: those there when it is fitted"
    )
    languages: tuple[str, ...] = Field(
        default=("en",),
        description="languages of the pool rows: those of the references, else language is what is learned; none: all",
    )
    documents: int = Field(default=4_000, ge=10, le=200_000, description="pool documents in the sample")
    references: int = Field(default=4_000, ge=10, le=200_000, description="reference documents at most")
    document_chars: int = Field(default=8_000, ge=500, description="characters taken of a document")
    snippet_chars: int = Field(default=1_000, ge=100, description="characters of a training snippet at most")
    min_snippet_chars: int = Field(default=200, ge=1, description="characters of a training snippet at least")
    snippets_per_document: int = Field(default=8, ge=1, description="training snippets of one document at most")
    held_out: Share = Field(default=0.3, description="share of each class, by whole sources, that is never fitted on")
    min_pool_documents: int = Field(
        default=50,
        ge=0,
        description="below this many pool documents, README texts of installed packages stand in beside them; "
        "nothing stands in for rewrites, below it no model of them is fitted",
    )
    repeats: int = Field(
        default=2, ge=0, le=10, description="further fits with other samples, to see what seeds change"
    )
    seed: int = Field(default=0, ge=0, description="seed of every choice")
    proxy: ProxySection = ProxySection()
    limits: FitLimits = FitLimits()


# DCLM trains on 400,000 documents with learning rate .1 and 5 epochs; on a thousand snippets that leaves every score
# within .0003 of .5, so the default learns faster and longer. Measured on three crawls of documentation sites.
SMALL_POOL = {"lr": 0.2, "epoch": 25, "dim": 32, "bucket": 1 << 16}


class ScoredSection(_Frozen):
    """Scorers in order, and how their models are fitted."""

    scorers: tuple[ScorerStep, ...] = (Step(name="fasttext_quality", params=SMALL_POOL),)
    fit: FitSection = FitSection()

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        names = [step.name for step in self.scorers]
        if len(set(names)) != len(names):
            raise ValueError("a scorer is named once: its name names its columns")
        return self

"""This engine's side of the cleaning benchmark: the clean pass over texts that are extracted already.

What runs is the stage's own code (`clean_pass.judged_rows`: steps, verdict, the columns of `cleaned`); only extraction
is left out, which the peers do not do either.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from spark_jobs.lake.tables import TABLES
from spark_jobs.recipe.sections.cleaned import CleanedSection
from spark_jobs.stages.clean import plan_of, signal_columns
from spark_jobs.stages.clean_pass import INPUT, Plan, judged_rows
from spark_jobs.text.language import Languages, identify
from spark_jobs.text.markup import Extraction

HEURISTICS = (
    "empty_text",
    {"language_filter": {"languages": ["en"], "min_score": 0.65}},
    "gopher_repetition",
    "gopher_quality",
    "c4_quality",
    "fineweb_quality",
)
# The default recipe's steps, without and with the token count.
EVERYTHING = (
    "ftfy_repair",
    "whitespace",
    "url_rules",
    *HEURISTICS[:5],
    "c4_lines",
    "fineweb_quality",
    "mask_pii",
)
ROWS = 512  # what the session of the project gives a worker at once


@dataclass(frozen=True)
class TextPass:
    """The function given to `mapInArrow`: rows of documents in, rows of `cleaned` out."""

    plan: Plan
    identifies: bool

    @classmethod
    def of(cls, steps: Sequence[object], *, identifies: bool) -> "TextPass":
        """A pass of these steps, written as in a recipe; languages are identified or taken from the documents."""
        section = CleanedSection.model_validate({"steps": list(steps)})
        return cls(plan_of(section), identifies)

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One batch after the other."""
        return (self.rows(batch) for batch in batches)

    def rows(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Rows of documents to rows of `cleaned`."""
        count = batch.num_rows
        given = dict(zip(batch.schema.names, batch.columns, strict=True))
        kinds = {"captured_at": pa.timestamp("us", "UTC"), "payload": pa.binary()}
        absent = {name: pa.nulls(count, kinds.get(name, pa.string())) for name in INPUT if name not in given}
        rows = pa.RecordBatch.from_pydict({name: given.get(name, absent.get(name)) for name in INPUT})
        texts = batch["text"].to_pylist()
        nothing: list[None] = [None] * count
        extraction = Extraction(texts=texts, extractors=nothing, encodings=nothing, reasons=nothing)
        if self.identifies:
            languages = identify(
                batch["text"],
                self.plan.model,
                alternatives=self.plan.alternatives,
                max_chars=self.plan.max_chars,
            )
        else:
            scores = np.asarray(batch["score"].to_numpy(zero_copy_only=False), dtype=np.float64)
            languages = Languages(batch["language"].to_pylist(), scores, [[]] * count, ["Latn"] * count, [""] * count)
        return judged_rows(rows, extraction, languages, self.plan)


def output_schema(steps: Sequence[object]) -> str:
    """The columns of the pass, as Spark wants them."""
    section = CleanedSection.model_validate({"steps": list(steps)})
    return ", ".join([TABLES["cleaned"].columns, *(f"{name} DOUBLE" for name in signal_columns(section))])


def arrow_table(documents: Sequence[object]) -> pa.Table:
    """Documents as Arrow: doc_id, url, language, score, text."""
    table = pa.Table.from_pylist([vars(document) for document in documents])
    return table.rename_columns({"id": "doc_id"})

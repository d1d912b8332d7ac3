"""Which attempts the budget plans: which documents, in which order, and the request of every attempt.

A function of the snapshot, the recipe and the model's identity: what is asked for and what is judged is the same plan.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from spark_jobs.errors import RecipeError
from spark_jobs.generation.requests import Generator, request_of
from spark_jobs.lake.cuts import cut_text
from spark_jobs.operators import registry
from spark_jobs.recipe.sections.rewritten import Choice, Passage, RewrittenSection
from spark_jobs.stages.stage import PinnedReader
from spark_jobs.text.passages import passage

PLAN = (
    "rank BIGINT, strategy STRING, model STRING, parent_snapshot STRING, parent_id STRING, sample INT, "
    "language STRING, draft STRING, request_digest STRING, body STRING"
)
KEYS = ("snapshot", "doc_id")
_BINS = 10_000
_THIRDS = {"low": (0, 1), "middle": (1, 2)}
# Above this a broadcast of the chosen keys is no longer small.
_BROADCAST_DOCUMENTS = 1_000_000


def generator_of(section: RewrittenSection, identity: str, grammar: str | None) -> Generator:
    """What determines an answer beside the draft."""
    sampling = section.sampling
    return Generator(
        identity=identity, options=sampling.options, seed=sampling.seed,
        notation=grammar if sampling.constrain == "markers" else None,
    )  # fmt: skip


def eligible(inputs: PinnedReader, partition: str, section: RewrittenSection) -> DataFrame:
    """Keys and language of the documents that may be rewritten: snapshot, doc_id, language."""
    choice = section.select
    kept = inputs.partition("deduped", partition).where("kept")
    cleaned = inputs.partition("cleaned", partition)
    fits = _fits(choice, cleaned.columns)
    cut = kept.where("chars_cut > 0").select(*KEYS, "cuts")
    columns = (*KEYS, "language")
    if choice.words is not None or cut.isEmpty():
        rows = kept.select(*KEYS).join(cleaned.where(fits).select(*columns), list(KEYS))
    else:
        # Texts that nothing was cut of are measured where they lie.
        whole = kept.select(*KEYS).join(cut, list(KEYS), "left_anti")
        measured = cleaned.select(*columns, "text").join(cut, list(KEYS)).withColumn("text", cut_text()).where(fits)
        rows = whole.join(cleaned.where(fits).select(*columns), list(KEYS)).unionByName(measured.select(*columns))
    if choice.score is None or choice.choose == "all":
        return rows
    return _third(rows, inputs.partition("scored", partition), choice)


def planned_documents(documents: int, section: RewrittenSection) -> int:
    """How many of the eligible documents the budget covers."""
    return min(documents, section.most_documents)


def plan(inputs: PinnedReader, partition: str, section: RewrittenSection, generator: Generator) -> DataFrame:
    """One row an attempt, ranked from 1 (columns of PLAN)."""
    most = section.most_documents
    order = [_order(section.select.seed), *map(F.col, KEYS)]
    chosen = (
        eligible(inputs, partition, section).orderBy(*order).limit(most)
        .withColumn("place", F.row_number().over(Window.orderBy(*order)).cast("long"))
    )  # fmt: skip
    # Keys, with what dedup cut, move to the text, not the text to the keys.
    keys = chosen.join(inputs.partition("deduped", partition).select(*KEYS, "cuts"), list(KEYS))
    keys = F.broadcast(keys) if most <= _BROADCAST_DOCUMENTS else keys
    texts = inputs.partition("cleaned", partition).select(*KEYS, "text").join(keys, list(KEYS))
    texts = texts.withColumn("text", cut_text()).drop("cuts")
    strategy = section.strategy.build()
    params = strategy.params.model_dump_json()
    return texts.mapInArrow(_MakeRequests(strategy.name, params, generator, section.samples, section.passage), PLAN)


def _order(seed: int) -> Column:
    return F.sha2(F.concat_ws("\x1f", F.lit("rewrite"), F.lit(str(seed)), *KEYS), 256)


def _fits(choice: Choice, columns: Sequence[str]) -> Column:
    if choice.words is None:
        words: Column = F.size(F.split(F.trim(F.regexp_replace("text", r"\s+", " ")), " "))
    elif choice.words in columns:
        words = F.col(f"`{choice.words}`")
    else:
        raise RecipeError(f"rewritten.select.words: cleaned has no column {choice.words}; name one, or leave it out")
    fits = words >= choice.min_words
    if choice.max_words is not None:
        fits &= words <= choice.max_words
    if choice.languages is not None:
        fits &= F.col("language").isin(*choice.languages)
    return fits


def _third(rows: DataFrame, scored: DataFrame, choice: Choice) -> DataFrame:
    """The documents of a third by score: whole bins of quantised scores, by the place of a bin's middle document."""
    if choice.score not in scored.columns:
        known = ", ".join(scored.columns)
        raise RecipeError(f"rewritten.select.score: scored has no column {choice.score}; it has {known}")
    score = F.col(f"`{choice.score}`")
    binned = rows.join(
        scored.where(score.isNotNull() & ~F.isnan(score)).select(*KEYS, F.floor(score * _BINS).alias("bin")), list(KEYS)
    )
    counts = binned.groupBy("bin").agg(F.count("*").alias("documents"))
    upto = F.sum("documents").over(Window.orderBy("bin"))
    total = F.sum("documents").over(Window.partitionBy())
    low, high = _THIRDS[choice.choose]
    # Twice the place of the bin's middle document, against thirds of twice the total: integers only.
    middle = (upto * 2 - F.col("documents")) * 3
    bins = counts.select("bin", middle.alias("middle"), (total * 2).alias("whole")).where(
        (F.col("middle") > F.col("whole") * low) & (F.col("middle") <= F.col("whole") * high)
    )
    return binned.join(F.broadcast(bins.select("bin")), "bin").select(*KEYS, "language")


@dataclass(frozen=True)
class _MakeRequests:
    """In the workers: a chosen document to the requests of its attempts."""

    strategy: str
    params: str
    generator: Generator
    samples: int
    passage: Passage | None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rows of snapshot, doc_id, text, language, place -> rows of PLAN."""
        strategy = registry.find("strategies")[self.strategy]
        operator = strategy(strategy.Params.model_validate_json(self.params))
        schema = pa.schema([
            ("rank", pa.int64()), ("strategy", pa.string()), ("model", pa.string()), ("parent_snapshot", pa.string()),
            ("parent_id", pa.string()), ("sample", pa.int32()), ("language", pa.string()), ("draft", pa.string()),
            ("request_digest", pa.string()), ("body", pa.string()),
        ])  # fmt: skip
        for batch in batches:
            rows = [attempt for row in batch.to_pylist() for attempt in self._attempts(operator, row)]
            yield pa.RecordBatch.from_pylist(rows, schema)

    def _attempts(self, operator: object, row: dict[str, object]) -> Iterator[dict[str, object]]:
        key = f"{row['snapshot']}/{row['doc_id']}"
        draft = str(row["text"])
        if self.passage is not None:
            draft = passage(draft, min_words=self.passage.min_words, max_words=self.passage.max_words, key=key)
        for sample in range(self.samples):
            request = request_of(operator, draft, key=key, sample=sample, generator=self.generator)  # type: ignore[arg-type]
            yield {
                "rank": (int(row["place"]) - 1) * self.samples + sample + 1,  # type: ignore[call-overload]
                "strategy": self.strategy, "model": self.generator.identity, "parent_snapshot": row["snapshot"],
                "parent_id": row["doc_id"], "sample": sample, "language": row["language"], "draft": draft,
                "request_digest": request.digest, "body": request.body,
            }  # fmt: skip

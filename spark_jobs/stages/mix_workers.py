"""What of mixing runs over text in the workers, by `mapInArrow`. Imports no recipe, so that a worker starts fast."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.text.contamination import BenchmarkIndex
from spark_jobs.text.tokens import count_tokens

MATCHES = "ARRAY<STRUCT<benchmark: STRING, item: STRING, length: INT, share: DOUBLE>>"
_MATCH_TYPE = pa.list_(
    pa.struct([("benchmark", pa.string()), ("item", pa.string()), ("length", pa.int32()), ("share", pa.float64())])
)


MEASURED = "snapshot STRING, doc_id STRING, tokens BIGINT, characters BIGINT, quality DOUBLE"


class ScoresText(Protocol):
    """Of a scorer, what runs in a worker; the operators' own protocol would bring Spark along."""

    def score(self, texts: pa.Array, model_path: str) -> Mapping[str, Any]:
        """Score name -> float64 array of `len(texts)`."""
        ...


@dataclass(frozen=True)
class FittedScorer:
    """One score of a scorer with its model, whose file lies at `path`."""

    scorer: ScoresText
    score: str
    path: str

    def of(self, texts: pa.Array) -> pa.Array:
        """The score of every text; null where it is no number."""
        found = self.scorer.score(texts, self.path)[self.score]
        return pa.array(found, pa.float64(), mask=np.isnan(found))


@dataclass(frozen=True)
class MeasureText:
    """snapshot, doc_id, text -> the columns of MEASURED; `quality` is null without a scorer."""

    tokenizer: str
    fitted: FittedScorer | None = None

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Every row, counted and scored."""
        for batch in batches:
            texts = batch.column("text")
            tokens = pa.array(count_tokens(texts, self.tokenizer))
            characters = pc.fill_null(pc.utf8_length(texts), 0).cast(pa.int64())
            quality = self.fitted.of(texts) if self.fitted else pa.nulls(len(texts), pa.float64())
            yield pa.RecordBatch.from_arrays(
                [batch.column("snapshot"), batch.column("doc_id"), tokens, characters, quality],
                names=["snapshot", "doc_id", "tokens", "characters", "quality"],
            )


@dataclass(frozen=True, eq=False)
class FindItems:
    """snapshot, doc_id, text -> snapshot, doc_id, matches, of the rows that hold a benchmark item."""

    index: BenchmarkIndex

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows that hold an item."""
        for batch in batches:
            matches = self.index.matches(batch.column("text"))
            hit = pa.array([row for row, found in enumerate(matches) if found], pa.int64())
            listed = [
                [{"benchmark": m.benchmark, "item": m.item, "length": m.length, "share": m.share} for m in matches[row]]
                for row in hit.to_pylist()
            ]
            yield pa.RecordBatch.from_arrays(
                [batch.column("snapshot").take(hit), batch.column("doc_id").take(hit), pa.array(listed, _MATCH_TYPE)],
                names=["snapshot", "doc_id", "matches"],
            )

"""What of mixing runs over text in the workers, by `mapInArrow`. Imports no recipe, so that a worker starts fast."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.text.contamination import BenchmarkIndex
from spark_jobs.text.tokens import count_tokens

MATCHES = "ARRAY<STRUCT<benchmark: STRING, item: STRING, length: INT, share: DOUBLE>>"
_MATCH_TYPE = pa.list_(
    pa.struct([("benchmark", pa.string()), ("item", pa.string()), ("length", pa.int32()), ("share", pa.float64())])
)


@dataclass(frozen=True)
class CountText:
    """snapshot, doc_id, text -> snapshot, doc_id, tokens, characters."""

    tokenizer: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Every row, counted."""
        for batch in batches:
            texts = batch.column("text")
            tokens = pa.array(count_tokens(texts, self.tokenizer))
            characters = pc.fill_null(pc.utf8_length(texts), 0).cast(pa.int64())
            yield pa.RecordBatch.from_arrays(
                [batch.column("snapshot"), batch.column("doc_id"), tokens, characters],
                names=["snapshot", "doc_id", "tokens", "characters"],
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

"""Asking inside Spark: rows of requests in, rows of the request cache out. Runs in the executors, by `mapInArrow`."""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from spark_jobs.generation.client import Answer, ask_all
from spark_jobs.generation.endpoint import Endpoint
from spark_jobs.generation.requests import Request

# What of a planned attempt goes into the cache as it is.
PASSED_ON = ("request_digest", "strategy", "model", "parent_snapshot", "parent_id", "sample")
CACHE = (
    "request_digest STRING, strategy STRING, model STRING, parent_snapshot STRING, parent_id STRING, sample INT, "
    "output STRING, finish_reason STRING, tokens_in BIGINT, tokens_out BIGINT, seconds DOUBLE, error STRING"
)


@dataclass(frozen=True)
class Ask:
    """All requests of a task at once; a chunk bounds how many those are."""

    endpoint: Endpoint

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Rows of PASSED_ON with `body` -> rows of the cache."""
        held = [batch for batch in batches if batch.num_rows]
        if not held:
            return
        rows = pa.Table.from_batches(held)
        digests, bodies = rows.column("request_digest").to_pylist(), rows.column("body").to_pylist()
        answers = ask_all([Request(d, b) for d, b in zip(digests, bodies, strict=True)], self.endpoint)
        columns = {name: rows.column(name) for name in PASSED_ON} | _columns(answers)
        yield from pa.table(columns).combine_chunks().to_batches()


def _columns(answers: list[Answer]) -> dict[str, pa.Array]:
    return {
        "output": pa.array([a.output for a in answers], pa.string()),
        "finish_reason": pa.array([a.finish_reason for a in answers], pa.string()),
        "tokens_in": pa.array([a.tokens_in for a in answers], pa.int64()),
        "tokens_out": pa.array([a.tokens_out for a in answers], pa.int64()),
        "seconds": pa.array([a.seconds for a in answers], pa.float64()),
        "error": pa.array([a.error for a in answers], pa.string()),
    }

"""How far a text can be compressed: repetition compresses far, random and encoded data hardly."""

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch

# The zlib format has 12 bytes less around the same data than gzip.
_GZIP_EXTRA = 12


class CompressionRatioParams(Params):
    """The compressor and the bounds; None switches a rule off."""

    codec: Literal["zstd", "zlib"] = Field("zstd", description="zstd, or the slower zlib; ratios are within .02")
    level: int = Field(1, ge=1, le=19, description="level of the compressor; zlib has 1 to 9")
    min_bytes: int = Field(
        1024, ge=1, description="bytes of UTF-8; shorter texts compress badly, so they are not measured"
    )
    min_ratio: float | None = Field(0.1, ge=0, description="compressed over raw bytes; below is repetition")
    max_ratio: float | None = Field(0.85, ge=0, description="compressed over raw bytes; above is noise")

    @model_validator(mode="after")
    def _level_exists(self) -> "CompressionRatioParams":
        if self.codec == "zlib" and self.level > 9:
            raise ValueError(f"zlib has no level {self.level}; give 1 to 9, or codec: zstd")
        return self


class CompressionRatio:
    """Compressed bytes over bytes, by the compressors inside the pinned pyarrow: the same on every machine."""

    name: ClassVar[str] = "compression_ratio"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "own measure of repetition and noise; bounds are not from a paper"
    Params: ClassVar[type[Params]] = CompressionRatioParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("ratio", "compressed bytes over bytes of UTF-8; null for a text of fewer than `min_bytes`"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example("Too short to tell.", reasons=()),
        Example("buy now " * 200, reasons=("repetitive",)),
        Example(
            "".join(chr(33 + pow(5, i, 10007) % 94) for i in range(1100)),
            reasons=("incompressible",),
        ),
    )

    def __init__(self, params: CompressionRatioParams) -> None:
        """Take the compressor."""
        self.params = params
        self._codec = pa.Codec("gzip" if params.codec == "zlib" else "zstd", compression_level=params.level)
        self._extra = _GZIP_EXTRA if params.codec == "zlib" else 0

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Compress every text that is long enough."""
        _, offset_buffer, data = batch.texts.buffers()
        count = len(batch)
        ratios = np.full(count, np.nan)
        if offset_buffer is None or data is None or not count:
            return {"ratio": ratios}
        starts = np.frombuffer(offset_buffer, np.int64)[batch.texts.offset : batch.texts.offset + count + 1]
        sizes = np.diff(starts)
        for row in np.flatnonzero(sizes >= self.params.min_bytes):
            packed = self._codec.compress(data.slice(int(starts[row]), int(sizes[row])))
            ratios[row] = (packed.size - self._extra) / sizes[row]
        return {"ratio": ratios}

    def rules(self) -> tuple[Rule, ...]:
        """Neither repetition nor noise."""
        return (
            Rule(reason="repetitive", signal="ratio", minimum=self.params.min_ratio),
            Rule(reason="incompressible", signal="ratio", maximum=self.params.max_ratio),
        )

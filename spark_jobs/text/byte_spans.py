"""Byte strings in one buffer: texts of an Arrow array, or entries of a list file, without an object for each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Bytes = npt.NDArray[np.uint8]
Bounds = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ByteSpans:
    """String i is `data[starts[i]:ends[i]]`, UTF-8 where it is text at all."""

    data: Bytes
    starts: Bounds
    ends: Bounds

    def __post_init__(self) -> None:
        """Make the arrays read-only: kernels are compiled for each kind of array they are given."""
        for name in ("data", "starts", "ends"):
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    @classmethod
    def of(cls, texts: pa.Array | pa.ChunkedArray) -> "ByteSpans":
        """The strings of an Arrow array, where they lie; a null is empty."""
        flat = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
        large = flat.cast(pa.large_string()).fill_null("")
        _, offsets, data = large.buffers()
        bounds = np.zeros(1, dtype=np.int64)
        if offsets is not None and len(large):
            bounds = np.frombuffer(offsets, dtype=np.int64)[large.offset : large.offset + len(large) + 1]
        return cls(np.frombuffer(data or b"", dtype=np.uint8), bounds[:-1], bounds[1:])

    @classmethod
    def from_bytes(cls, strings: Iterable[bytes]) -> "ByteSpans":
        """Byte strings from Python, copied into one buffer."""
        pieces = list(strings)
        ends = np.cumsum([len(piece) for piece in pieces], dtype=np.int64)
        starts = ends - np.array([len(piece) for piece in pieces], dtype=np.int64)
        return cls(np.frombuffer(b"".join(pieces), dtype=np.uint8), starts, ends)

    @classmethod
    def joined(cls, parts: Sequence["ByteSpans"]) -> "ByteSpans":
        """The strings of several, in order; copies their buffers if more than one holds any."""
        parts = [part for part in parts if len(part)] or [cls.from_bytes([])]
        if len(parts) == 1:
            return parts[0]
        shifts = np.cumsum([0, *(len(part.data) for part in parts)])
        return cls(
            np.concatenate([np.zeros(0, np.uint8), *(part.data for part in parts)]),
            np.concatenate([np.zeros(0, np.int64), *(p.starts + s for p, s in zip(parts, shifts, strict=False))]),
            np.concatenate([np.zeros(0, np.int64), *(p.ends + s for p, s in zip(parts, shifts, strict=False))]),
        )

    def __len__(self) -> int:
        """Number of strings."""
        return len(self.starts)

    def text(self, row: int) -> str:
        """One string; bytes that are no UTF-8 become U+FFFD."""
        return self.data[self.starts[row] : self.ends[row]].tobytes().decode("utf-8", "replace")

    def texts(self) -> list[str]:
        """All strings; for short lists."""
        return [self.text(row) for row in range(len(self))]

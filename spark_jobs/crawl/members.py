"""Members of a file and the account of its bytes, for the second reader (`census.py`). Shares no code with `decode.py`.

Members are walked with `zlib.decompressobj`; bytes are accounted for at the end, when a file has been passed through.
"""

import re
import zlib
from array import array
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import zstandard

from spark_jobs.crawl.records import (
    DOCUMENT_KINDS,
    PROBE_BYTES,
    PROBE_TEXT_BYTES,
    kind_name,
)

_READ = 32 << 10
_ZSTD_STEP = 1 << 10
_GZIP = bytes.fromhex("1f8b08")


@dataclass
class Tally:
    """What was counted. `whole` are decoded intervals of whole records, `members` pieces of the file (see `close`)."""

    documents: int = 0
    unreadable: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    gone: int = 0
    whole: list[list[int]] = field(default_factory=list)
    members: "array[int]" = field(default_factory=lambda: array("q"))

    def keep(self, start: int, end: int) -> None:
        """A whole record lies here."""
        if self.whole and self.whole[-1][1] == start:
            self.whole[-1][1] = end
        elif end > start:
            self.whole.append([start, end])

    def record(self, kind: str, *, readable: bool) -> None:
        """A record was found; broken ones that are no documents do not count."""
        if kind in DOCUMENT_KINDS:
            self.documents += 1
            self.unreadable += not readable
        elif readable:
            self.kinds[kind_name(kind)] += 1

    def close(self, compression: str, size: int) -> int:
        """Bytes of the file that belong to no whole record; a member is lost only if no record has part of it."""
        if compression == "plain":
            return size - sum(end - start for start, end in self.whole)
        lost, interval = self.gone, iter([*self.whole, [1 << 62, 1 << 62]])
        start, end = next(interval)
        for index in range(0, len(self.members), 5):
            first, last, begin, stop, sound = self.members[index : index + 5]
            while end <= begin:
                start, end = next(interval)
            if begin == stop:
                lost += 0 if sound else last - first
            elif start >= stop:
                lost += last - first
        return lost


class Decoder:
    """A file as decoded pieces. `piece` gives None where decoding breaks off; then `broken` and `over` say how."""

    def __init__(self, source: BinaryIO, compression: str, starts: bytes, tally: Tally) -> None:
        self._source, self._starts, self._tally = source, starts, tally
        self._pieces = {"gzip": self._gzip, "zstd": self._zstd, "plain": self._plain}[compression]()
        self.produced = 0
        self.broken = False
        self.over = False

    def piece(self) -> bytes | None:
        """The next decoded bytes of the stretch, or None at its end."""
        self.broken = False
        for data in self._pieces:
            if data is None:
                return None
            self.produced += len(data)
            return data
        self.over = True
        return None

    def _member(self, first: int, last: int, begin: int, *, sound: bool) -> None:
        self._tally.members.extend((first, last, begin, self.produced, sound))
        self.broken = not sound and self.produced > begin

    def _plain(self) -> Iterator[bytes | None]:
        while data := self._source.read(_READ):
            yield data

    def _gzip(self) -> Iterator[bytes | None]:
        here, carried = 0, b""
        while carried := self._topped_up(carried):
            if not carried.startswith(_GZIP):
                there = self._search(here)
                self._tally.gone += there - here
                here, carried = self._jump(there)
                yield None
                continue
            first, begin = here, self.produced
            engine, failed = zlib.decompressobj(wbits=31), False
            while carried and not failed:
                spare = engine.copy()
                try:
                    data = engine.decompress(carried)
                except zlib.error:
                    data, used = _before_failure(spare, carried)
                    failed, here = True, here + used
                else:
                    here += len(carried) - len(engine.unused_data)
                    carried = engine.unused_data
                if data:
                    yield data
                if engine.eof:
                    break
                if not failed:
                    carried = self._source.read(_READ)
            if engine.eof and not failed:
                self._member(first, here, begin, sound=True)
                continue
            there = self._search(first + 1)
            self._member(first, min(here, there), begin, sound=False)
            self._tally.gone += max(0, there - here)
            here, carried = self._jump(there)
            yield None

    def _topped_up(self, carried: bytes) -> bytes:
        """At least as many bytes as a member begins with, unless the file ends."""
        while len(carried) < len(_GZIP) and (more := self._source.read(_READ)):
            carried += more
        return carried

    def _zstd(self) -> Iterator[bytes | None]:
        here = 0
        while raw := self._source.read(_ZSTD_STEP):
            engine = zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj()
            first, begin, failed = here, self.produced, False
            while raw and not failed:
                try:
                    data = engine.decompress(raw)
                except zstandard.ZstdError:
                    failed, data = True, b""
                else:
                    here += len(raw) - len(engine.unused_data)
                if data:
                    yield data
                raw = b"" if engine.eof or failed else self._source.read(_ZSTD_STEP)
            self._member(first, here, begin, sound=bool(engine.eof) and not failed)
            if failed:
                self._tally.gone += self._source.seek(0, 2) - here
            if not engine.eof or failed:
                yield None
            if failed:
                return
            self._source.seek(here)

    def _jump(self, there: int) -> tuple[int, bytes]:
        self._source.seek(there)
        return there, b""

    def _search(self, start: int) -> int:
        """The next place where a gzip member begins whose text begins, after white space, like a record; or the end."""
        self._source.seek(start)
        behind = b""
        while block := self._source.read(_READ):
            text = behind + block
            for hit in re.finditer(re.escape(_GZIP), text):
                place = start - len(behind) + hit.start()
                if self._begins_record(place):
                    return place
            start += len(block)
            behind = text[-2:]
            self._source.seek(start)
        return start

    def _begins_record(self, place: int) -> bool:
        self._source.seek(place)
        probe = zlib.decompressobj(wbits=31)
        try:
            shown = probe.decompress(self._source.read(PROBE_BYTES), PROBE_TEXT_BYTES)
        except zlib.error:
            return False
        return shown.strip().startswith(self._starts)


def _before_failure(engine: "zlib._Decompress", raw: bytes) -> tuple[bytes, int]:
    """Bisection: the longest beginning of `raw` that decodes, as (text, length)."""
    fits, fails, text = 0, len(raw), b""
    while fails - fits > 1:
        middle = (fits + fails) // 2
        try:
            text_here = engine.copy().decompress(raw[:middle])
        except zlib.error:
            fails = middle
        else:
            fits, text = middle, text_here
    return text, fits

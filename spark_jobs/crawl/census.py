"""The second reader of crawl files: counts what `read.py` reads, and shares no parsing with it (no FastWARC, no tape).

It implements the rule of `frames.py`, of `lines.py` and of `decode.py` on its own: members are walked with
`zlib.decompressobj`, headers are scanned line by line, and bytes are accounted for when a file has been passed through.
"""

import re
import zlib
from array import array
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

import zstandard

from spark_jobs.crawl.records import (
    DOCUMENT_KINDS,
    MAX_BLOCK_BYTES,
    MAX_HEAD_BYTES,
    MAX_LINE_ENDS,
    PROBE_BYTES,
    PROBE_TEXT_BYTES,
    kind_name,
)

_READ = 32 << 10
_ZSTD_STEP = 1 << 10
_GZIP = bytes.fromhex("1f8b08")
_VERSION_LINE = re.compile(rb"WARC/(?:0|1)\.\d\d?\r?\n")
_LONGEST_VERSION_LINE = 11


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
        """Bytes of the file that belong to no whole record; a member counts whole, lost only if no record has part of it."""
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
        self.broken = not sound

    def _plain(self) -> Iterator[bytes | None]:
        while data := self._source.read(_READ):
            yield data

    def _gzip(self) -> Iterator[bytes | None]:
        here, carried = 0, b""
        while carried := carried if len(carried) >= len(_GZIP) else carried + self._source.read(_READ):
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
            if self.broken:
                yield None
            if failed:
                return
            self._source.seek(here)

    def _jump(self, there: int) -> tuple[int, bytes]:
        self._source.seek(there)
        return there, b""

    def _search(self, start: int) -> int:
        """The next place where a gzip member begins whose text begins, after white space, like a record; else the end."""
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


class _Stretch:
    """Decoded bytes from one break to the next, with what was passed forgotten."""

    def __init__(self, decoder: Decoder) -> None:
        self.decoder, self.data, self.done = decoder, bytearray(), False
        self.start = decoder.produced

    def reach(self, length: int) -> bool:
        while len(self.data) < length and not self.done:
            piece = self.decoder.piece()
            if piece is None:
                self.done = True
            else:
                self.data += piece
        return len(self.data) >= length

    def forget(self, length: int) -> None:
        del self.data[:length]
        self.start += length


def count_warc(decoder: Decoder, tally: Tally) -> None:
    """Count the records of a WARC file into `tally`."""
    _each_stretch(decoder, tally, _count_records)


def count_lines(decoder: Decoder, tally: Tally) -> None:
    """Count the documents of a JSONL file into `tally`: lines that are not blank."""
    _each_stretch(decoder, tally, _count_lines)


def _each_stretch(decoder: Decoder, tally: Tally, count: Callable[[_Stretch, Tally], None]) -> None:
    while not decoder.over:
        count(_Stretch(decoder), tally)


def _count_lines(stretch: _Stretch, tally: Tally) -> None:
    start, dropped, seen = stretch.start, 0, 0
    while True:
        at = stretch.data.find(b"\n", seen)
        if at < 0 and not stretch.done:
            seen = len(stretch.data)
            if seen + dropped > MAX_BLOCK_BYTES:
                stretch.forget(seen)
                dropped, seen = dropped + seen, 0
            stretch.reach(len(stretch.data) + 1)
            continue
        end = len(stretch.data) if at < 0 else at + 1
        cut = at < 0 and stretch.decoder.broken
        if dropped + end > MAX_BLOCK_BYTES or stretch.data[:end].strip():
            tally.documents += 1
            tally.unreadable += cut
        if not cut:
            tally.keep(start, stretch.start + end)
        stretch.forget(end)
        start, dropped, seen = stretch.start, 0, 0
        if at < 0:
            return


def _count_records(stretch: _Stretch, tally: Tally) -> None:
    while stretch.reach(_LONGEST_VERSION_LINE) or stretch.data:
        version = _VERSION_LINE.search(stretch.data)
        if version is None:
            stretch.forget(len(stretch.data) if stretch.done else max(0, len(stretch.data) - _LONGEST_VERSION_LINE + 1))
            stretch.reach(len(stretch.data) + 1)
        elif version.start():
            stretch.forget(version.start())
        else:
            stretch.forget(_count_record(stretch, tally, version.end()))


def _count_record(stretch: _Stretch, tally: Tally, head: int) -> int:
    """Count the record at the beginning of the stretch; the number of bytes to pass."""
    stretch.reach(MAX_HEAD_BYTES)
    limit = min(MAX_HEAD_BYTES, len(stretch.data))
    inner = _VERSION_LINE.search(stretch.data, head, limit)
    bound = inner.start() if inner else limit
    fields: dict[bytes, bytes] = {}
    line, complete = head, False
    while (end := stretch.data.find(b"\n", line, limit)) >= 0:
        text = bytes(stretch.data[line : end + 1])
        if text in (b"\n", b"\r\n"):
            complete = line - 1 < bound
            break
        if end >= bound:
            break
        if b":" in text and text[0] not in b" \t":
            name, value = text.split(b":", 1)
            fields.setdefault(name.strip().lower(), value.strip())
        line = end + 1
    kind = fields.get(b"warc-type", b"").lower().decode("latin-1")
    length = fields.get(b"content-length", b"")
    if complete:
        bound = end + 1
    if not complete or not kind and b"warc-type" not in fields or not re.fullmatch(rb"[0-9]{1,18}", length):
        tally.record(kind, readable=False) if kind in DOCUMENT_KINDS else None
        return bound
    return _count_block(stretch, tally, kind, bound, int(length))


def _count_block(stretch: _Stretch, tally: Tally, kind: str, block: int, length: int) -> int:
    origin, end, searched = stretch.start, block + length, length <= MAX_BLOCK_BYTES
    if searched:
        there = stretch.reach(end)
    else:
        while not (there := len(stretch.data) >= end) and not stretch.done:
            end -= len(stretch.data)
            stretch.forget(len(stretch.data))
            stretch.reach(1)
    if not there:
        tally.record(kind, readable=False)
        lost = _VERSION_LINE.search(stretch.data, block) if searched else None
        return lost.start() if lost else len(stretch.data)
    stretch.reach(end + MAX_LINE_ENDS + _LONGEST_VERSION_LINE)
    after = end
    while after < min(len(stretch.data), end + MAX_LINE_ENDS) and stretch.data[after] in b"\r\n":
        after += 1
    at_break = stretch.done and after == len(stretch.data)
    if at_break and stretch.decoder.broken:
        tally.record(kind, readable=False)
        return after
    if searched and not at_break and not _VERSION_LINE.match(stretch.data, after):
        lost = _VERSION_LINE.search(stretch.data, block, end)
        if lost:
            tally.record(kind, readable=False)
            return lost.start()
    tally.record(kind, readable=True)
    tally.keep(origin, stretch.start + after)
    return after

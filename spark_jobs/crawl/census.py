"""The second reader of crawl files: counts what `read.py` reads, and shares no parsing with it (no FastWARC, no tape).

It implements the rules of `frames.py` and `lines.py` on its own, with headers scanned line by line.
"""

import re
from collections.abc import Callable

from spark_jobs.crawl.members import Decoder, Tally
from spark_jobs.crawl.records import MAX_BLOCK_BYTES, MAX_HEAD_BYTES, MAX_LINE_ENDS

_VERSION_LINE = re.compile(rb"WARC/(?:0|1)\.\d\d?\r?\n")
_LONGEST_VERSION_LINE = 11


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
    if not complete or b"warc-type" not in fields or not re.fullmatch(rb"[0-9]{1,18}", length):
        tally.record(kind, readable=False)
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

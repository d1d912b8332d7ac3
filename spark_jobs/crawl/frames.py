"""Records of a WARC file, found in decoded bytes even where they are damaged. `census.py` implements the same rule.

A mark is `WARC/`, a version, a line end; a header goes from a mark to its first blank line, and is broken where
another mark or 32 KiB come first. A record of a document's type whose header is broken or without length, or whose
block is cut, is found and unreadable. A block that line ends and then a mark or the end do not follow is searched for
a mark: found, the record was cut there; else it is kept as its length says. Before a break in the decoding it is cut.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from spark_jobs.crawl.records import (
    BAD_COMPRESSION,
    BAD_HEADER,
    BAD_LENGTH,
    CUT_RECORD,
    DOCUMENT_KINDS,
    GARBAGE,
    MAX_BLOCK_BYTES,
    MAX_HEAD_BYTES,
    MAX_LINE_ENDS,
    ReadError,
)
from spark_jobs.crawl.tape import Tape

_MARK = re.compile(rb"WARC/[01]\.[0-9]{1,2}\r?\n")
_MARK_BYTES = len(b"WARC/1.00\r\n")
_BLANK = re.compile(rb"\n\r?\n")
_LINE_ENDS = re.compile(rb"[\r\n]{0,%d}" % MAX_LINE_ENDS)
_LENGTH = re.compile(rb"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Frame:
    """One record: its kind, header and block. `fault` says why it is unreadable (then `block` is None).

    `block` is also None where `length` is above 64 MiB. `loose`: what follows the block is not a record.
    """

    offset: int
    kind: str
    head: bytes
    block: bytes | None
    length: int
    fault: str | None = None
    loose: bool = False


@dataclass(frozen=True, slots=True)
class _Judged:
    frame: Frame | None
    resume: int


def frames(tape: Tape) -> Iterator[Frame | ReadError]:
    """All records of a file in order, and its lost spans. Broken records that are no documents are spans only."""
    position = 0
    while True:
        start = _seek_mark(tape, position)
        if start is None:
            position = tape.end
            tape.drop(position)
            yield from tape.settled(position)
            if not tape.next_segment():
                break
            continue
        judged = _judge(tape, start)
        if judged.frame is not None:
            yield judged.frame
        position = judged.resume
        tape.drop(position)
        yield from tape.settled(position)
    yield from tape.finish()


def _seek_mark(tape: Tape, position: int) -> int | None:
    """Where the next mark of the segment begins; what lies before it is garbage."""
    garbage, searched = position, position
    while True:
        tape.ensure(searched + _MARK_BYTES)
        found = _MARK.search(tape.window, searched - tape.base)
        if found or tape.ended:
            start = tape.base + found.start() if found else tape.end
            if start > garbage:
                tape.bad(garbage, start, GARBAGE)
            return start if found else None
        searched = max(searched, tape.end - _MARK_BYTES + 1)
        tape.drop(searched)


def _judge(tape: Tape, start: int) -> _Judged:
    tape.ensure(start + MAX_HEAD_BYTES)
    at = start - tape.base
    limit = at + MAX_HEAD_BYTES
    mark = _MARK.match(tape.window, at)
    assert mark is not None  # noqa: S101 - the caller found it
    blank = _BLANK.search(tape.window, mark.end() - 1, limit)
    inner = _MARK.search(tape.window, mark.end(), limit)
    if blank is None or (inner is not None and inner.start() < blank.start()):
        cut = tape.base + (inner.start() if inner else min(limit, len(tape.window)))
        cause = BAD_HEADER if inner or cut < tape.end or not tape.ended else _cause_at_end(tape)
        return _lost(tape, start, cut, _fields(bytes(tape.window[at : cut - tape.base])), cause)
    head = bytes(tape.window[at : blank.end()])
    fields = _fields(head)
    block = tape.base + blank.end()
    length = fields.get(b"content-length", b"")
    if b"warc-type" not in fields:
        return _lost(tape, start, block, fields, BAD_HEADER)
    if not _LENGTH.fullmatch(length):
        return _lost(tape, start, block, fields, BAD_LENGTH)
    frame = Frame(tape.offset_of(start), _kind(fields), head, None, int(length))
    return _judge_block(tape, start, block, frame)


def _judge_block(tape: Tape, start: int, block: int, frame: Frame) -> _Judged:
    end = block + frame.length
    large = frame.length > MAX_BLOCK_BYTES
    if not (tape.skip(end) if large else tape.ensure(end)):
        inner = None if large else _MARK.search(tape.window, block - tape.base)
        resume = tape.base + inner.start() if inner else tape.end
        return _cut(tape, start, resume, frame, _cause_at_end(tape))
    tape.ensure(end + MAX_LINE_ENDS + _MARK_BYTES)
    line_ends = _LINE_ENDS.match(tape.window, end - tape.base)
    after = tape.base + (line_ends.end() if line_ends else 0)
    loose = False
    if tape.ended and after == tape.end:
        if tape.damaged:
            return _cut(tape, start, after, frame, BAD_COMPRESSION)
    elif not _MARK.match(tape.window, after - tape.base):
        inner = None if large else _MARK.search(tape.window, block - tape.base, end - tape.base)
        if inner:
            return _cut(tape, start, tape.base + inner.start(), frame, BAD_LENGTH)
        loose = True
    tape.good(start, after)
    content = None if large else bytes(tape.window[block - tape.base : end - tape.base])
    return _Judged(Frame(frame.offset, frame.kind, frame.head, content, frame.length, loose=loose), after)


def _cause_at_end(tape: Tape) -> str:
    return BAD_COMPRESSION if tape.damaged else CUT_RECORD


def _lost(tape: Tape, start: int, end: int, fields: dict[bytes, bytes], cause: str) -> _Judged:
    return _cut(tape, start, end, Frame(tape.offset_of(start), _kind(fields), b"", None, 0), cause)


def _cut(tape: Tape, start: int, end: int, frame: Frame, cause: str) -> _Judged:
    tape.bad(start, end, cause)
    if frame.kind not in DOCUMENT_KINDS:
        return _Judged(None, end)
    return _Judged(Frame(frame.offset, frame.kind, frame.head, None, frame.length, fault=cause), end)


def _fields(head: bytes) -> dict[bytes, bytes]:
    """Header fields by lower-case name from whole lines; the first of a name counts, folded lines do not."""
    fields: dict[bytes, bytes] = {}
    for line in head.split(b"\n")[1:-1]:
        name, colon, value = line.partition(b":")
        if colon and not line.startswith((b" ", b"\t")):
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _kind(fields: dict[bytes, bytes]) -> str:
    return fields.get(b"warc-type", b"").lower().decode("latin-1")

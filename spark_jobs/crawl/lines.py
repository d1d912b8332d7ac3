"""Lines of a decoded file, and the documents in them: JSONL.

A document is a line that is not blank (or is longer than 64 MiB); one that a break in the decoding cuts is unreadable.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from spark_jobs.crawl.fields import document_of
from spark_jobs.crawl.options import ReadOptions
from spark_jobs.crawl.records import BAD_COMPRESSION, BAD_JSON, MAX_BLOCK_BYTES, TOO_LARGE, ReadError, Record
from spark_jobs.crawl.tape import Tape

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Line:
    """A line that is a document; `data` is None where it is too long, or cut (`fault`)."""

    offset: int
    data: bytes | None
    fault: str | None = None


def read_lines(tape: Tape, path: str, options: ReadOptions) -> Iterator[Record | ReadError]:
    """The documents of a JSONL file; a line that is no JSON object with a text is a read error."""
    number = 0
    for line in lines(tape):
        if isinstance(line, ReadError):
            yield line
        else:
            yield _document(line, number, path, options)
            number += 1


def _document(line: Line, number: int, path: str, options: ReadOptions) -> Record | ReadError:
    if line.fault is not None:
        return ReadError(line.offset, 0, line.fault, f"line of document {number}", is_document=True)
    # JSON writes a byte of text in up to six bytes.
    if line.data is None or len(line.data) > 6 * options.max_record_bytes + MAX_BLOCK_BYTES // 64:
        return ReadError(line.offset, 0, TOO_LARGE, "line", is_document=True)
    try:
        row = json.loads(line.data.removeprefix(_BYTE_ORDER_MARK))
    except (ValueError, RecursionError) as error:
        return ReadError(line.offset, 0, BAD_JSON, type(error).__name__, is_document=True)
    if not isinstance(row, dict):
        return ReadError(line.offset, 0, BAD_JSON, "not an object", is_document=True)
    return document_of(row, options, offset=line.offset, number=number, path=path, record_type="jsonl")


def lines(tape: Tape) -> Iterator[Line | ReadError]:
    """The documents' lines in order, and the lost spans of the file."""
    position = searched = 0
    while True:
        found = tape.window.find(b"\n", searched - tape.base)
        if found >= 0:
            end = tape.base + found + 1
            yield from _whole(tape, position, end)
            position = searched = end
            continue
        searched = tape.end
        if not tape.ended:
            # The beginning of a line that is too long already is not kept.
            tape.drop(searched if searched - position > MAX_BLOCK_BYTES else max(position, tape.base))
            yield from tape.settled(position)
            tape.ensure(searched + 1)
            continue
        if tape.damaged:
            yield from _cut(tape, position, tape.end)
        elif position < tape.end:
            yield from _whole(tape, position, tape.end)
        position = tape.end
        tape.drop(position)
        if not tape.next_segment():
            break
    yield from tape.finish()


def _whole(tape: Tape, start: int, end: int) -> Iterator[Line]:
    tape.good(start, end)
    if end - start > MAX_BLOCK_BYTES:
        yield Line(tape.offset_of(start), None)
    elif data := bytes(tape.window[start - tape.base : end - tape.base]).strip():
        yield Line(tape.offset_of(start), data)


def _cut(tape: Tape, start: int, end: int) -> Iterator[Line]:
    if start == end:
        return
    tape.bad(start, end, BAD_COMPRESSION)
    if end - start > MAX_BLOCK_BYTES or tape.window[max(0, start - tape.base) :].strip():
        yield Line(tape.offset_of(start), None, BAD_COMPRESSION)

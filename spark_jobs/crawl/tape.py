"""Decoded bytes under a moving window, and the account of every byte of the file they came from."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from spark_jobs.crawl.decode import Begin, End, Event
from spark_jobs.crawl.records import BAD_COMPRESSION, GARBAGE, ReadError


@dataclass(slots=True)
class _Member:
    file_start: int
    file_end: int
    start: int
    end: int | None = None
    good: bool = False
    cause: str = ""


class Tape:
    """The decoded bytes as segments that end where decoding breaks. Positions count decoded bytes of all segments.

    `damaged`: the last bytes of the segment come from a member that broke, so its checksum speaks for none of them.

    Every byte must be called `good` (a whole record) or `bad` in order; `settled` gives the lost spans of the file:
    of a plain file the bad bytes themselves, of a compressed one the members without a good byte and what decodes to
    nothing.
    """

    def __init__(self, events: Iterator[Event], *, compressed: bool) -> None:
        self._events = events
        self._compressed = compressed
        self._members: deque[_Member] = deque()
        self._spans: deque[ReadError] = deque()
        self.window = bytearray()
        self.base = 0
        self.ended = False
        self.damaged = False
        self.exhausted = False

    @property
    def end(self) -> int:
        """The position after the last byte that was decoded so far."""
        return self.base + len(self.window)

    def ensure(self, position: int) -> bool:
        """Decode until `position` is in the window; False when the segment ends before."""
        while self.end < position and not self.ended:
            self._advance()
        return self.end >= position

    def drop(self, position: int) -> None:
        """Forget what lies before `position`, which is in the window."""
        del self.window[: position - self.base]
        self.base = position

    def skip(self, position: int) -> bool:
        """Forget everything before `position`, decoding it piece by piece; False when the segment ends before."""
        while self.end < position and not self.ended:
            self.drop(self.end)
            self._advance()
        self.drop(min(position, self.end))
        return self.base == position

    def next_segment(self) -> bool:
        """Go on after a break; False at the end of the file."""
        self.ended = self.damaged = False
        if self.exhausted:
            return False
        self._advance()
        return True

    def offset_of(self, position: int) -> int:
        """Where the file must be read from to find this position."""
        if not self._compressed:
            return position
        offset = 0
        for member in self._members:
            if member.start > position:
                break
            offset = member.file_start
        return offset

    def good(self, start: int, end: int) -> None:
        """These bytes belong to a whole record."""
        for member in self._overlapping(start, end):
            member.good = True

    def bad(self, start: int, end: int, cause: str) -> None:
        """These bytes belong to nothing that can be read."""
        if not self._compressed:
            self._span(start, end - start, cause)
        for member in self._overlapping(start, end):
            member.cause = member.cause or cause

    def settled(self, position: int) -> Iterator[ReadError]:
        """The lost spans of members that end at or before `position`, up to which all bytes were judged."""
        while self._members:
            member = self._members[0]
            if member.end is None or member.end > position:
                break
            self._members.popleft()
            if self._compressed and not member.good and (member.cause or member.start < member.end):
                self._span(member.file_start, member.file_end - member.file_start, member.cause or GARBAGE)
        # The last span may still grow.
        while len(self._spans) > 1:
            yield self._spans.popleft()

    def finish(self) -> Iterator[ReadError]:
        """The spans that are left at the end of the file."""
        yield from self.settled(self.end)
        yield from self._spans
        self._spans.clear()

    def _span(self, offset: int, length: int, cause: str) -> None:
        last = self._spans[-1] if self._spans else None
        if last is not None and last.offset + last.bytes == offset:
            self._spans[-1] = ReadError(last.offset, last.bytes + length, last.cause, "", is_document=False)
        elif length:
            self._spans.append(ReadError(offset, length, cause, "", is_document=False))

    def _overlapping(self, start: int, end: int) -> Iterator[_Member]:
        for member in self._members:
            if member.start >= end:
                break
            if member.end is None or member.end > start:
                yield member

    def _advance(self) -> None:
        event = next(self._events, None)
        if event is None:
            self.ended = self.exhausted = True
        elif isinstance(event, bytes):
            self.window += event
        elif isinstance(event, Begin):
            self._members.append(_Member(event.offset, event.offset, self.end))
        elif isinstance(event, End):
            member = self._members[-1]
            member.end, member.file_end = self.end, event.offset
            if not event.sound:
                self.ended, self.damaged = True, member.start < self.end
                if not self.damaged:
                    member.cause = BAD_COMPRESSION
        else:
            self._members.append(
                _Member(event.offset, event.offset + event.bytes, self.end, self.end, cause=event.cause)
            )
            self.ended = True

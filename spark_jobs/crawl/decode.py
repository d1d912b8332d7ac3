"""Crawl files as decoded bytes, with the places where decoding breaks. What the bytes mean is not known here.

A compressed file is a row of members. After damage, reading goes on at the first later byte (counted from the member's
own beginning) where a member begins whose content begins, after white space, as a record does.
"""

import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import BinaryIO

import zstandard

from spark_jobs.crawl.records import BAD_COMPRESSION, GARBAGE, PROBE_BYTES, PROBE_TEXT_BYTES

GZIP_MAGIC = b"\x1f\x8b\x08"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
# Small, because deflate expands a thousandfold and a chunk is expanded at once.
_RAW_CHUNK = 16 << 10
_PLAIN_CHUNK = 256 << 10
_SCAN_CHUNK = 1 << 20
# Zstandard expands up to 30,000-fold; a frame may ask for 128 MiB of memory. After damage the rest of the file is lost.
_ZSTD_CHUNK = 1 << 10
_ZSTD_WINDOW = 1 << 27


@dataclass(frozen=True, slots=True)
class Begin:
    """A member begins at this byte of the file."""

    offset: int


@dataclass(frozen=True, slots=True)
class End:
    """The member ends at this byte of the file; not sound: its end is missing, or its checksum or code is wrong."""

    offset: int
    sound: bool


@dataclass(frozen=True, slots=True)
class Lost:
    """Bytes of the file that decode to nothing."""

    offset: int
    bytes: int
    cause: str


Event = Begin | bytes | End | Lost


def compression_of(head: bytes, name: str) -> str:
    """`gzip`, `zstd` or `plain`, by the first bytes of a file and then, when they say nothing, by its name."""
    if head.startswith(GZIP_MAGIC):
        return "gzip"
    if head.startswith(ZSTD_MAGIC):
        return "zstd"
    if head.lstrip().startswith((b"WARC/", b"{")):
        return "plain"
    lowered = name.lower()
    if lowered.endswith(".gz"):
        return "gzip"
    return "zstd" if lowered.endswith((".zst", ".zstd")) else "plain"


def decoded(stream: BinaryIO, compression: str, starts: tuple[bytes, ...]) -> Iterator[Event]:
    """The events of a seekable stream; `starts` are the bytes that a record can begin with."""
    if compression == "gzip":
        return _gzip(stream, starts)
    return _zstd(stream) if compression == "zstd" else _plain(stream)


def _plain(stream: BinaryIO) -> Iterator[Event]:
    yield Begin(0)
    size = 0
    while data := stream.read(_PLAIN_CHUNK):
        size += len(data)
        yield data
    yield End(size, sound=True)


def _gzip(stream: BinaryIO, starts: tuple[bytes, ...]) -> Iterator[Event]:
    size = stream.seek(0, 2)
    position = 0
    while position < size:
        stream.seek(position)
        if stream.read(3) != GZIP_MAGIC:
            resumed = _find_member(stream, position, size, starts)
            yield Lost(position, resumed - position, GARBAGE)
            position = resumed
            continue
        yield Begin(position)
        end = yield from _member(stream, position)
        if end.sound:
            yield end
            position = end.offset
            continue
        resumed = _find_member(stream, position + 1, size, starts)
        # Broken code can run on into the next member before the break is noticed.
        yield End(min(end.offset, resumed), sound=False)
        if resumed > end.offset:
            yield Lost(end.offset, resumed - end.offset, BAD_COMPRESSION)
        position = resumed


def _member(stream: BinaryIO, offset: int) -> Generator[Event, None, End]:
    stream.seek(offset)
    engine = zlib.decompressobj(31)
    while raw := stream.read(_RAW_CHUNK):
        before = engine.copy()
        try:
            data = engine.decompress(raw)
        except zlib.error:
            data, used = _salvage(before, raw)
            if data:
                yield data
            return End(offset + used, sound=False)
        if data:
            yield data
        offset += len(raw) - len(engine.unused_data)
        if engine.eof:
            return End(offset, sound=True)
    return End(offset, sound=False)


def _salvage(engine: "zlib._Decompress", raw: bytes) -> tuple[bytes, int]:
    """What all bytes before the failing one decode to, and their number: the same however the file is cut in chunks."""
    parts, used, step = [], 0, 1 << len(raw).bit_length()
    while step := step >> 1:
        attempt = engine.copy()
        try:
            data = attempt.decompress(raw[used : used + step])
        except zlib.error:
            continue
        engine, used = attempt, min(len(raw), used + step)
        parts.append(data)
    return b"".join(parts), used


def _find_member(stream: BinaryIO, start: int, size: int, starts: tuple[bytes, ...]) -> int:
    while start < size:
        stream.seek(start)
        window = stream.read(_SCAN_CHUNK)
        found = window.find(GZIP_MAGIC)
        while found >= 0:
            if _starts_record(stream, start + found, starts):
                return start + found
            found = window.find(GZIP_MAGIC, found + 1)
        start += max(1, len(window) - len(GZIP_MAGIC) + 1)
    return size


def _starts_record(stream: BinaryIO, offset: int, starts: tuple[bytes, ...]) -> bool:
    stream.seek(offset)
    try:
        text = zlib.decompressobj(31).decompress(stream.read(PROBE_BYTES), PROBE_TEXT_BYTES)
    except zlib.error:
        return False
    return text.lstrip().startswith(starts)


def _zstd(stream: BinaryIO) -> Iterator[Event]:
    size = stream.seek(0, 2)
    position = 0
    while position < size:
        stream.seek(position)
        yield Begin(position)
        engine = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
        while raw := stream.read(_ZSTD_CHUNK):
            try:
                data = engine.decompress(raw)
            except zstandard.ZstdError:
                yield End(position, sound=False)
                yield Lost(position, size - position, BAD_COMPRESSION)
                return
            if data:
                yield data
            position += len(raw) - len(engine.unused_data)
            if engine.eof:
                break
        yield End(position, sound=bool(engine.eof))

"""HTTP responses: status, headers, and the body as the page had it, chunks and content codings removed.

A broken body costs no document: what can be decoded is kept and marked (`transfer`: the chunks break off; `encoding`:
the coding breaks off, is unknown, or nothing of it decodes: then the coded bytes are kept). A body that is not what its
header says (no chunks, no gzip) is kept as it lies. Expansion is bounded: a bomb is a reason, not a crash.
"""

import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO

import brotli
import zstandard
from fastwarc.warc import HeaderMap

from spark_jobs.crawl.records import MAX_HEAD_BYTES

Headers = tuple[tuple[str, str], ...]

_BLANK = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"HTTP/\S+[ \t]+([0-9]{3})(?![0-9])")
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]{0,4096})?\r?\n")
_LINE_END = re.compile(rb"\r?\n")
_STEP = 16 << 10
_MAX_CODINGS = 4


class TooLargeError(Exception):
    """A body that is larger than allowed once its codings are removed."""


@dataclass(frozen=True, slots=True)
class Response:
    """A parsed HTTP response; `truncated` says what is missing of the body."""

    status: int | None
    headers: Headers
    body: bytes
    truncated: str | None

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key.lower() == name), None)


def parse_response(block: bytes, max_bytes: int) -> Response:
    """Parse a block that begins with `HTTP/`. Raises TooLargeError when the body exceeds `max_bytes`."""
    blank = _BLANK.search(block)
    end = blank.end() if blank else len(block)
    status = _STATUS.match(block)
    headers = parse_headers(block[:end])
    body = block[end:]
    response = Response(
        int(status[1]) if status else None, headers or (), body, "headers" if headers is None or not blank else None
    )
    truncated = response.truncated
    if "chunked" in (response.header("transfer-encoding") or "").lower() and _CHUNK_SIZE.match(body):
        body, whole = _unchunk(body)
        truncated = truncated if whole else "transfer"
    body, whole = _without_codings(body, response.header("content-encoding") or "", max_bytes)
    if len(body) > max_bytes:
        raise TooLargeError
    return Response(response.status, response.headers, body, truncated if whole else truncated or "encoding")


def parse_headers(head: bytes) -> Headers | None:
    """Fields of a header block with its first line, as Latin-1; None when FastWARC refuses it (over 32 KiB)."""
    fields = HeaderMap()
    if len(head) > MAX_HEAD_BYTES:
        return None
    try:
        fields.parse(BytesIO(re.sub(rb"\r?\n", b"\r\n", head)), True)
    except (OSError, ValueError):
        return None
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in fields.items_bytes())


def _unchunk(body: bytes) -> tuple[bytes, bool]:
    """The chunks put together, and whether the last one (of size 0) was reached."""
    parts: list[bytes] = []
    position = 0
    while size := _CHUNK_SIZE.match(body, position):
        length = int(size[1], 16)
        if length == 0:
            return b"".join(parts), True
        parts.append(body[size.end() : size.end() + length])
        position = size.end() + length
        line_end = _LINE_END.match(body, position)
        if line_end is None:
            break
        position = line_end.end()
    return b"".join(parts), False


def _without_codings(body: bytes, codings: str, max_bytes: int) -> tuple[bytes, bool]:
    names = [name for part in codings.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    if len(names) > _MAX_CODINGS:
        return body, False
    whole = True
    for name in reversed(names):
        if not body:
            break
        magic, decoder = _CODINGS.get(name, (b"", None))
        if decoder is None:
            return body, False
        if not body.startswith(magic):
            continue
        text, ended = _bounded(decoder(body), max_bytes)
        if not text and not ended:
            return body, False
        body, whole = text, whole and ended
    return body, whole


def _bounded(parts: Iterator[bytes], max_bytes: int) -> tuple[bytes, bool]:
    """What a decoder gives before it ends or breaks. Raises TooLargeError as soon as it is too much."""
    kept, size = [], 0
    try:
        for part in parts:
            size += len(part)
            if size > max_bytes:
                raise TooLargeError
            kept.append(part)
    except (zlib.error, brotli.error, zstandard.ZstdError, EOFError):
        return b"".join(kept), False
    return b"".join(kept), True


def _inflate(window_bits: int) -> Callable[[bytes], Iterator[bytes]]:
    def parts(body: bytes) -> Iterator[bytes]:
        engine = zlib.decompressobj(window_bits)
        # Byte-wise steps at the end would save a few more bytes of a broken body; a kilobyte is near enough.
        for at in range(0, len(body), 1024):
            rest = body[at : at + 1024]
            while rest:
                yield engine.decompress(rest, _STEP)
                rest = engine.unconsumed_tail
            if engine.eof:
                return
        yield engine.flush()
        raise EOFError

    return parts


def _deflate(body: bytes) -> Iterator[bytes]:
    """`deflate` is zlib by the standard and raw deflate with some servers; a zlib header has a checksum (RFC 1950)."""
    zlib_header = len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
    yield from _inflate(15 if zlib_header else -15)(body)


def _brotli(body: bytes) -> Iterator[bytes]:
    engine = brotli.Decompressor()
    for at in range(0, len(body), 1024):
        yield engine.process(body[at : at + 1024], output_buffer_limit=_STEP)
        while not engine.can_accept_more_data():
            yield engine.process(b"", output_buffer_limit=_STEP)
        if engine.is_finished():
            return
    raise EOFError


def _zstd(body: bytes) -> Iterator[bytes]:
    # RFC 9659: windows of web content are at most 8 MiB; more is a bomb. A step expands to at most 8 MiB.
    engine = zstandard.ZstdDecompressor(max_window_size=8 << 20).decompressobj()
    for at in range(0, len(body), 256):
        yield engine.decompress(body[at : at + 256])
        if engine.eof:
            return
    raise EOFError


_CODINGS: dict[str, tuple[bytes, Callable[[bytes], Iterator[bytes]]]] = {
    "gzip": (b"\x1f\x8b", _inflate(31)),
    "x-gzip": (b"\x1f\x8b", _inflate(31)),
    "deflate": (b"", _deflate),
    "br": (b"", _brotli),
    "zstd": (b"\x28\xb5\x2f\xfd", _zstd),
}

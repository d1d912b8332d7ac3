"""Which format a file has: by its name, or by its first bytes."""

import zlib

import zstandard

PROBE_BYTES = 4 << 10

_COMPRESSIONS = (".gz", ".zst", ".zstd")
_FORMATS = {
    ".warc": "warc",
    ".wet": "warc",
    ".wat": "warc",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
}


def is_list(path: str) -> bool:
    """A file that names others, one a line."""
    return path.lower().endswith((".paths", ".paths.gz"))


def format_of_name(path: str) -> str | None:
    """warc, jsonl, parquet, html, or None when the name says nothing."""
    name = path.rsplit("/", 1)[-1].lower()
    bare = next((name.removesuffix(end) for end in _COMPRESSIONS if name.endswith(end)), name)
    form = next((form for end, form in _FORMATS.items() if bare.endswith(end)), None)
    # Parquet and HTML are not read through a compressed wrapper.
    return None if bare != name and form in ("parquet", "html") else form


def format_of_bytes(head: bytes) -> str | None:
    """The format that the first bytes of a file speak for (looking into gzip and Zstandard), or None."""
    if head.startswith(b"PAR1"):
        return "parquet"
    text = _expanded(head).lstrip().removeprefix(b"\xef\xbb\xbf")
    if text.startswith(b"WARC/"):
        return "warc"
    if text.startswith(b"{"):
        return "jsonl"
    return "html" if head is text and text[:14].lower().startswith((b"<!doctype html", b"<html")) else None


def _expanded(head: bytes) -> bytes:
    try:
        if head.startswith(b"\x1f\x8b"):
            return zlib.decompressobj(31).decompress(head, 1024)
        if head.startswith(b"\x28\xb5\x2f\xfd"):
            return bytes(zstandard.ZstdDecompressor(max_window_size=1 << 27).decompressobj().decompress(head[:512]))
    except (zlib.error, zstandard.ZstdError):
        return b""
    return head

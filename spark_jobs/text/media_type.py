"""Is a payload HTML, plain text or neither: by its Content-Type, and by its first bytes where that is absent or wrong.

Follows the spirit of the WHATWG MIME Sniffing Standard: a declared text type is believed unless the bytes are binary.
"""

import re
from typing import Final, Literal

Kind = Literal["html", "plain", "other"]

_HTML_TYPES: Final = frozenset({"text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml"})
_PLAIN_TYPES: Final = frozenset({"text/plain", "text/markdown", "text/x-markdown", "text/x-rst"})
_NO_TYPES: Final = frozenset(
    {"", "application/octet-stream", "application/unknown", "unknown/unknown", "binary/octet-stream", "*/*", "text"}
)
_HEAD = 1024  # bytes looked at
_MAX_CONTROLS = 0.1  # share of control bytes above which the head is binary

_PROLOGUE = rb"\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*|<!doctype\s[^>]*>\s*)*"
_HTML = re.compile(
    _PROLOGUE + rb"<(?:html|head|body|title|meta|script|style|div|p|table|h1|iframe|font|article|main|a|br|b)[\s>]",
    re.IGNORECASE | re.DOTALL,
)
_HTML_DOCTYPE = re.compile(rb"\s*(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<!doctype\s+html", re.IGNORECASE | re.DOTALL)
_HTML_ROOT = re.compile(_PROLOGUE + rb"<(?:\w+:)?html[\s>]", re.IGNORECASE | re.DOTALL)
_OTHER_XML = re.compile(
    _PROLOGUE + rb"<(?:rss|feed|rdf:rdf|urlset|sitemapindex|svg|opml|kml|wml)[\s>]", re.IGNORECASE | re.DOTALL
)
_XML = re.compile(rb"\s*<\?xml[\s>]", re.IGNORECASE)
_MAGIC: Final = (
    b"%PDF-", b"%!PS", b"{\\rtf", b"\x89PNG", b"GIF87a", b"GIF89a", b"\xff\xd8\xff", b"RIFF", b"\x00\x00\x01\x00",
    b"PK\x03\x04", b"\x1f\x8b", b"BZh9", b"7z\xbc\xaf", b"Rar!", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"OggS", b"ID3",
    b"\x7fELF", b"\xca\xfe\xba\xbe", b"\x00asm", b"wOFF", b"wOF2", b"OTTO", b"\xd0\xcf\x11\xe0", b"SQLite format 3",
)  # fmt: skip
_CONTROLS = bytes(set(range(32)) - {9, 10, 12, 13, 27})


def kind_of(data: bytes, content_type: str | None) -> Kind:
    """What to do with a payload of this Content-Type header (None: absent)."""
    declared = (content_type or "").split(";")[0].split(",")[0].strip().lower()
    head = _narrow(data[:_HEAD])
    if _is_binary(head):
        return "other"
    if declared in _PLAIN_TYPES:
        return "plain"
    if declared in _HTML_TYPES:
        return "other" if _OTHER_XML.match(head) else "html"
    if declared in _NO_TYPES or "/" not in declared:
        return _undeclared(head)
    # XHTML among XML; and an error page served under the type of the image or script that was asked for.
    return "html" if _HTML_DOCTYPE.match(head) or _HTML_ROOT.match(head) else "other"


def _undeclared(head: bytes) -> Kind:
    """By the first bytes alone."""
    if _HTML_DOCTYPE.match(head) or _HTML.match(head):
        return "html"
    return "other" if _XML.match(head) or _OTHER_XML.match(head) else "plain"


def _narrow(head: bytes) -> bytes:
    """The head without byte order mark, and UTF-16 or UTF-32 markup as UTF-8."""
    if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        return head[4:].decode("utf-32-le" if head[0] else "utf-32-be", "ignore").encode("utf-8", "ignore")
    # Half of a wide character may look like a control byte: 06 in Arabic, 04 in Cyrillic.
    if head.startswith(b"\xff\xfe") or re.match(rb"(?:\s\0)*<\0[!?a-zA-Z]\0", head):
        return head.removeprefix(b"\xff\xfe").decode("utf-16-le", "ignore").encode("utf-8", "ignore")
    if head.startswith(b"\xfe\xff") or re.match(rb"(?:\0\s)*\0<\0[!?a-zA-Z]", head):
        return head.removeprefix(b"\xfe\xff").decode("utf-16-be", "ignore").encode("utf-8", "ignore")
    return head.removeprefix(b"\xef\xbb\xbf")


def _is_binary(head: bytes) -> bool:
    if head.startswith(_MAGIC) or head[4:8] == b"ftyp":
        return True
    return len(head) - len(head.translate(None, _CONTROLS)) > _MAX_CONTROLS * len(head)

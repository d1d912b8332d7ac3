"""Tags with which a page speaks of itself: robots, licence, text and data mining, title, description.

One native pass over the page (it skips comments and scripts) picks them out as they stand, for filters that judge them.
"""

import re
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spark_jobs.text.block_tags import hash_name
from spark_jobs.text.character_references import unescape
from spark_jobs.text.markup_names import fnv1a
from spark_jobs.text.markup_tokens import skip_markup, skip_raw
from spark_jobs.text.native import kernel

MAX_TAGS: Final = 256  # of one page
MAX_BYTES: Final = 8192  # of one tag; longer ones are left out
MAX_DATA_BYTES: Final = 262_144  # of linked data

_META, _LINK, _A, _SCRIPT, _TITLE, _STYLE, _TEXTAREA = (
    fnv1a(name) for name in (b"meta", b"link", b"a", b"script", b"title", b"style", b"textarea")
)
# A meta, link or a is picked if it holds one of these.
_WORDS: Final = (
    b"robots", b"bot", b"tdm", b"licen", b"rights", b"creativecommons", b"description", b"ld+json"
)  # fmt: skip
_WORD_BYTES: Final = np.frombuffer(b"".join(_WORDS), np.uint8)
_WORD_ENDS: Final = np.cumsum([len(word) for word in _WORDS])
_LICENCE: Final = 3
_COMMONS: Final = 5
_LD_JSON: Final = 7
_ATTRIBUTE = re.compile(r"([^\s\"'<>/=]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_NAME = re.compile(r"<\s*([a-zA-Z]+)")


def tags_of(data: npt.NDArray[np.uint8]) -> list[str]:
    """Source of the tags of a page in UTF-8, in order: `<meta ...>`, `<title>words`, `{...}` for linked data."""
    spans = _spans(data)
    return [data[start:end].tobytes().decode("utf-8", "replace") for start, end in spans]


def attributes_of(tag: str) -> tuple[str, dict[str, str]]:
    """Name of a tag and its attributes, names in lower case, values without character references."""
    name = _NAME.match(tag)
    if not name:
        return "", {}
    found: dict[str, str] = {}
    for key, double, single, bare in _ATTRIBUTE.findall(tag, name.end()):
        found.setdefault(key.lower(), unescape(double or single or bare))
    return name.group(1).lower(), found


@kernel
def _matches(data: Any, i: int, end: int, which: int) -> bool:
    """The word of this number stands at `i`, in any case."""
    first = _WORD_ENDS[which - 1] if which > 0 else 0
    size = _WORD_ENDS[which] - first
    if i + size > end:
        return False
    for k in range(size):
        c = data[i + k]
        if (c + 32 if 65 <= c <= 90 else c) != _WORD_BYTES[first + k]:
            return False
    return True


@kernel
def _holds(data: Any, begin: int, end: int, which: int) -> bool:
    """The bytes hold the word of this number, in any case."""
    first = _WORD_ENDS[which - 1] if which > 0 else 0
    size = _WORD_ENDS[which] - first
    initial = _WORD_BYTES[first]
    found = False
    for i in range(begin, end - size + 1):
        found = found or (data[i] | 32 == initial and _matches(data, i, end, which))
    return found


@kernel
def _speaks_of_licence(data: Any, begin: int, end: int) -> bool:
    """A link or a is marked as licence, or leads to Creative Commons."""
    for i in range(begin, end):
        c = data[i] | 32
        if (c == 108 and _matches(data, i, end, _LICENCE)) or (c == 99 and _matches(data, i, end, _COMMONS)):
            return True
    return False


@kernel
def _end_of_tag(data: Any, i: int) -> Any:
    """Behind the `>` of a tag, quoted values skipped."""
    n = data.size
    quote = 0
    while i < n:
        c = data[i]
        if quote:
            if c == quote:
                quote = 0
        elif c == 62:
            return i + 1
        elif c in (34, 39) and data[i - 1] in (61, 32):
            quote = c
        i += 1
    return n


@kernel
def _spans(data: Any) -> Any:  # noqa: C901, PLR0912 - one loop over tags
    n = data.size
    spans = np.zeros((MAX_TAGS, 2), np.int64)
    count = 0
    i = 0
    while i < n and count < MAX_TAGS:
        if data[i] != 60:
            i += 1
            continue
        if i + 1 < n and data[i + 1] in (33, 63):
            i = skip_markup(data, i)
            continue
        letter = data[i + 1] | 32 if i + 1 < n else 0
        if letter not in (97, 108, 109, 115, 116):
            i += 1
            continue
        start = i
        name, i = hash_name(data, i + 1)
        if name not in (_META, _LINK, _A, _SCRIPT, _TITLE, _STYLE, _TEXTAREA):
            continue
        i = _end_of_tag(data, i)
        picked = False
        if name == _META:
            for which in range(_LD_JSON):
                picked = picked or _holds(data, start, min(i, start + MAX_BYTES), which)
        elif name in (_LINK, _A):
            picked = _speaks_of_licence(data, start, min(i, start + MAX_BYTES))
        else:
            body = i
            i = skip_raw(data, i, name)
            if name == _SCRIPT and i - body <= MAX_DATA_BYTES and _holds(data, start, body, _LD_JSON):
                if _holds(data, body, i, _LICENCE):
                    spans[count, 0], spans[count, 1] = body, i
                    count += 1
            elif name == _TITLE and i - start <= MAX_BYTES:
                spans[count, 0], spans[count, 1] = start, i
                count += 1
        if picked and i - start <= MAX_BYTES:
            spans[count, 0], spans[count, 1] = start, i
            count += 1
    return spans[:count]

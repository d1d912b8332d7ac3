"""Generated pages for the fuzzer: hostile HTML by a grammar, raw bytes, wrong encodings, odd Unicode, odd headers.

A page is a function of (seed, number) alone. Nothing here knows what is done with a page.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from benchmarks.fuzz_words import (
    ATTRIBUTES,
    BROKEN_BYTES,
    CHARSETS,
    ENCODINGS,
    ENDS,
    MEDIA,
    NOUNS,
    ODD,
    TAGS,
    URLS,
    WORDS,
)


@dataclass(frozen=True)
class Page:
    """A generated page: what kind it is, and the columns of raw that the clean stage reads."""

    kind: str
    payload: bytes | None
    content_type: str | None
    url: str | None
    headers: tuple[tuple[str, str], ...] = ()


def page(seed: int, number: int) -> Page:
    """Page `number` of a seed."""
    rng = Random(hashlib.sha256(f"{seed}/{number}".encode()).digest())  # noqa: S311 - a test input, no secret
    kind = rng.choices(list(KINDS), weights=[weight for weight, _ in KINDS.values()])[0]
    payload = KINDS[kind][1](rng)
    return Page(kind, payload, _content_type(rng), _url(rng), _headers(rng))


def _content_type(rng: Random) -> str | None:
    if rng.random() < 0.5:
        return rng.choice(("text/html", "text/html; charset=utf-8", None))
    charset = rng.choice(("", f"; charset={rng.choice(CHARSETS)}", f";;charset = {rng.choice(CHARSETS)} ; q=1"))
    return rng.choice(MEDIA) + charset


def _url(rng: Random) -> str | None:
    if rng.random() < 0.5:
        return f"https://{rng.choice('abcdef')}.example/{rng.randrange(1000)}"
    return rng.choice(URLS)


def _headers(rng: Random) -> tuple[tuple[str, str], ...]:
    names = ("Content-Type", "X-Robots-Tag", "tdm-reservation", "Link", "Content-Language", "", "\x00", "Content-Type")
    values = (
        "noindex",
        "noai, noimageai",
        "1",
        "unavailable_after: 99 Foo 9999",
        "googlebot: none",
        "",
        "\x00\xff",
        ";" * 500,
    )
    return tuple((rng.choice(names), rng.choice(values)) for _ in range(rng.choice((0, 0, 1, 5))))


def _prose(rng: Random, words: int, odd: float = 0.03) -> str:
    parts = []
    for _ in range(words):
        parts.append(rng.choice(ODD) if rng.random() < odd else rng.choice(WORDS))
        parts.append(rng.choice(ENDS) if rng.random() < 0.15 else " ")  # fmt: skip
    return "".join(parts)


def _clean_prose(rng: Random) -> bytes:
    """A page that the usual filters keep: what editors and filters do to good text is tried too."""
    paragraphs = []
    for _ in range(rng.randint(6, 40)):
        words = [rng.choice(NOUNS if n % 2 else WORDS[:18]) for n in range(rng.randint(6, 14))]
        paragraphs.append(f"<p>{' '.join(words).capitalize()}{rng.choice('.!?')}")
    return f"<html><body><main><h1>Title</h1>{''.join(paragraphs)}</main></body></html>".encode()


def _attribute(rng: Random) -> str:
    value = rng.choice(
        (_prose(rng, 2, 0.3), "none", "utf-8", rng.choice(CHARSETS), "display:none", "http://a.example/", "\x00")
    )
    quote = rng.choice(('"', "'", "", '"'))
    return f" {rng.choice(ATTRIBUTES)}{rng.choice(('=', '= ', '', '=='))}{quote}{value}{rng.choice((quote, quote, ''))}"


def _element(rng: Random, depth: int) -> str:
    tag = rng.choice(TAGS)
    attributes = "".join(_attribute(rng) for _ in range(rng.choice((0, 0, 0, 1, 3))))
    inner = (
        "".join(_node(rng, depth - 1) for _ in range(rng.randint(0, 4))) if depth else _prose(rng, rng.randint(0, 20))
    )
    close = rng.choice((f"</{tag}>", f"</{tag}>", f"</{tag}>", "", f"</{rng.choice(TAGS)}>", f"</{tag}", "/>"))
    return f"<{tag}{attributes}{rng.choice(('>', '>', '>', '>', '/>', ' ', ''))}{inner}{close}"


def _node(rng: Random, depth: int) -> str:
    draw = rng.random()
    if draw < 0.45 and depth:
        return _element(rng, depth)
    if draw < 0.9:
        return _prose(rng, rng.randint(1, 60))
    return rng.choice((
        "<!-- x -->", "<!--", "-->", "<!doctype html>", "<![CDATA[", "]]>", "<?xml version='1.0'?>", "<", "<<", "</",
        "<>",
        "<script>if (a<b) '</scr'+'ipt>'</script>", "<style>p{</style>", "<textarea>", "<title>", "<!--[if IE]>",
        "&", "<!",
        f"<meta charset={rng.choice(CHARSETS)}>", "<a href='",
        f"<meta http-equiv=content-type content='text/html;charset={rng.choice(CHARSETS)}'>",
        "<meta name=robots content='noindex, noai'>", "<base href='http://['>", "<template><p>in a template</template>",
        "<math><mi>x</mi><annotation encoding='application/x-tex'>x^2</annotation></math>", "$$\\frac{a}{b}$$",
    ))  # fmt: skip


def _html(rng: Random) -> bytes:
    markup = "".join(_node(rng, rng.randint(1, 6)) for _ in range(rng.randint(1, 12)))
    return markup.encode(rng.choice(("utf-8", "utf-8", "utf-8", rng.choice(ENCODINGS))), "replace")


def _raw_bytes(rng: Random) -> bytes:
    data = rng.randbytes(rng.randint(0, 4000))
    return data.decode("utf-8", "replace").encode() if rng.random() < 0.5 else data


def _encoded(rng: Random) -> bytes:
    name = rng.choice(ENCODINGS)
    head = rng.choice(("", f"<meta charset={rng.choice(CHARSETS)}>", f"<?xml encoding='{rng.choice(CHARSETS)}'?>"))
    return f"{head}<p>{_prose(rng, rng.randint(5, 200))}".encode(name, "replace")


def _long_line(rng: Random) -> bytes:
    unit = rng.choice(
        (*ODD, *WORDS, "a", " ", "<", "&", "@", "a@", ".", "-", "\n", "\r", "0", "1.", "::", "x ", "<b>", "</b>", "</")
    )
    return (rng.choice(("", "<p>", "<pre>")) + unit * rng.choice((100, 2_000, 30_000))).encode("utf-8", "replace")


def _nested(rng: Random) -> bytes:
    tags = [rng.choice(TAGS) for _ in range(rng.randint(1, 3))]
    times = rng.choice((10, 300, 600, 5_000))
    opened, closed = "".join(f"<{t}>" for t in tags), "".join(f"</{t}>" for t in reversed(tags))
    return (opened * times + _prose(rng, 20) + closed * rng.choice((0, times, times * 2))).encode()


def _crowded(rng: Random) -> bytes:
    times = rng.choice((100, 1_500, 8_000))
    return rng.choice((
        "<p" + "".join(f" a{n}=1" for n in range(times)) + ">x", "<select>" + "<option>x" * times, "&amp" * times,
        "<table>" + "<td>x" * times, "<p>&#" + "9" * times + ";", "<!--" + "-" * times, "<a href='" + "a" * times,
        "<ul>" + "<li>Item\n" * times,
    )).encode()  # fmt: skip


def _repeated(rng: Random) -> bytes:
    lines = [_prose(rng, rng.randint(1, 15)) for _ in range(rng.randint(1, 5))]
    return (
        rng.choice(("\n", "<br>", "<p>", "\r", "\n\n"))
        .join(rng.choices(lines, k=rng.randint(10, 200)))
        .encode("utf-8", "replace")
    )


def _signed(rng: Random) -> bytes:
    start = rng.choice(
        (
            b"\x89PNG\r\n\x1a\n",
            b"%PDF-1.7\n",
            b"\x1f\x8b\x08",
            b"PK\x03\x04",
            b"GIF89a",
            b'{"a": ',
            b"<?xml ",
            b"\xff\xd8",
        )
    )
    return start + rng.randbytes(rng.randint(0, 500))


def _mutated(rng: Random) -> bytes:
    data = bytearray(KINDS[rng.choice(("prose", "html", "encoded", "repeated"))][1](rng) or b"")
    for _ in range(rng.randint(1, 20)):
        at = rng.randint(0, len(data))
        match rng.randrange(4):
            case 0:
                data[at:at] = rng.choice(BROKEN_BYTES)
            case 1:
                del data[at : at + rng.randint(1, 40)]
            case 2:
                data[at:at] = data[max(0, at - 30) : at]
            case _ if at < len(data):
                data[at] = rng.randrange(256)
    return bytes(data)


def _nothing(rng: Random) -> bytes | None:
    return rng.choice(
        (None, b"", b" \n\t\r\n ", b"\x00", b"<html></html>", b"<p></p>", b"\xef\xbb\xbf", b"\xff\xfe", b"x", b"<")
    )


KINDS: Mapping[str, tuple[int, Callable[[Random], Any]]] = {
    "prose": (15, _clean_prose), "html": (35, _html), "bytes": (8, _raw_bytes), "encoded": (10, _encoded),
    "long line": (4, _long_line), "nested": (4, _nested), "crowded": (2, _crowded), "repeated": (6, _repeated),
    "signed": (3, _signed), "mutated": (10, _mutated), "nothing": (3, _nothing),
}  # fmt: skip

"""A page of the sample web for every drop reason, and some that must not harm: what a crawl brings besides articles."""

from collections.abc import Iterator

from spark_jobs.sample.volume import Page

_SITE = "https://odds-and-ends.example"
_SENTENCES = (
    "The gardener of the park has planted the beds along the river with herbs that people may pick.",
    "On the first morning there was only one visitor, and she took a single leaf of mint.",
    "A week later the thyme was gone, and so was the sign that asked people to leave some for others.",
    "The gardener was not angry, because he had counted on it and had sown twice as much as he needed.",
    "In the autumn somebody left a basket of onions beside the bed, without a note and without a name.",
    "Now the bed has become a place where people bring what they have and take what they need.",
    "It works best with herbs that grow fast, and it does not work at all with strawberries.",
    "Children know the hours at which the gardener waters, and they come to be watered too.",
)
_WORDS = tuple(" ".join(_SENTENCES).lower().replace(",", "").replace(".", "").split())


def fault_pages(snapshot: int) -> tuple[Page, ...]:
    """The pages of a snapshot; the same in both, as spam and error pages stay what they are."""
    return tuple(_pages(snapshot))


def _html(*lines: str) -> str:
    body = "\n".join(f"<p>{line}</p>" for line in lines)
    return f"<!doctype html><html><head><meta charset='utf-8'><title>page</title></head><body><main>{body}</main></body></html>"


def _pages(snapshot: int) -> Iterator[Page]:
    for name, lines in _texts().items():
        yield Page(f"{_SITE}/{name}", _html(*lines))
    story = _html(*_SENTENCES)
    yield Page("https://free-casino-bonus.example/win", story)
    yield Page("https://blocked.example/story", story)
    yield Page("https://offers.example/free/porn/gallery", story)
    yield Page(f"{_SITE}/report.pdf", b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n", "application/pdf")
    yield Page(f"{_SITE}/pixel.gif", b"GIF89a\x01\x00\x01\x00\x00\x00\x00;", "image/gif")
    yield Page(f"{_SITE}/nothing", "", "text/html")
    yield Page(f"{_SITE}/blank", "<html><body>   </body></html>")
    yield Page(f"{_SITE}/deep", "<div>" * 5_000 + "bottom" + "</div>" * 5_000)
    yield Page(f"{_SITE}/tags", "<html><body>" + "<b>x</b>" * 300_000 + "</body></html>")
    yield Page(f"{_SITE}/broken-bytes", _html(*_SENTENCES).encode().replace(b"river", b"ri\xff\xfeer"))
    yield Page(f"{_SITE}/notes.txt", "\n".join(_SENTENCES), "text/plain; charset=utf-8")
    if snapshot == 1:
        yield Page(f"{_SITE}/new-herbs", _html(*reversed(_SENTENCES)))


def _texts() -> dict[str, tuple[str, ...]]:
    plain = " ".join(_SENTENCES)
    return {
        "short": (_SENTENCES[0],),
        "endless": tuple(_numbered(number) for number in range(6_400)),
        "tiny-words": ("a b of to is it he or an at. " * 30,),
        "endless-words": tuple(
            f"Unbeherrschbarkeitsvermutungen {a}{b}enverwaltungsvorschriften the of."
            for a in "abcdefghij"
            for b in "klmno"
        ),
        "hashes": (plain + " # of # the # and # to # be # that # with # have #" * 4,),
        "dots": tuple(f"{s[:-1]} ... and ... so ... on ... {s}" for s in _SENTENCES),
        "trailing-off": tuple(f"{s[:-1]}..." for s in _SENTENCES),
        "bullets": tuple(f"- {s}" for s in _SENTENCES * 2),
        "figures": tuple(
            f"The price of {n} was {n * 7} + {n * 11} = {n * 18} and {n}, {n + 1}, {n + 2}, {n + 3}."
            for n in range(1, 40)
        ),
        "telegram": (
            " ".join(w.upper() for w in _WORDS if w not in ("the", "be", "to", "of", "and", "that", "have", "with"))
            + ".",
        ),
        "again-and-again": _SENTENCES[:1] * 30 + _SENTENCES,
        "chorus": tuple(f"buy now and save more today, {n} times buy now and save more today." for n in range(60)),
        "lorem": (*_SENTENCES, "Lorem ipsum dolor sit amet is what printers set when they have no text yet."),
        "template-left-over": (*_SENTENCES, "Dear {customer}, thank you for your order of the day."),
        "one-breath": (plain.replace(".", ",") + ".",),
        "policy": tuple(f"{s} This site uses cookies and javascript, see our privacy policy." for s in _SENTENCES),
        "menu": tuple(f"{_WORDS[n].title()} {_WORDS[n + 1]}" for n in range(0, 100, 2)),
        "no-full-stops": tuple(f"{s[:-1]} and more of that" for s in _SENTENCES * 2),
        "word-a-line": tuple(f"{w}." for w in dict.fromkeys(_WORDS)),
        "glosa": (
            "Kvelo staminda preto ulvani sorke, timba loreno paskevi drun. " * 3
            + "Anto velisse morka untre, salivo pendri kasto.",
        ),
    }


def _numbered(number: int) -> str:
    return f"{_SENTENCES[number % len(_SENTENCES)]} That was entry number {number} of the long diary of the park."

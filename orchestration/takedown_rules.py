"""What a person asks to be taken down, on the command line or in a file, as rules; or one line saying what is wrong.

A rule that can match nothing is refused: who asks for a takedown would take its silence for success.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from spark_jobs.crawl.url import canonical_url, host_of
from spark_jobs.errors import InputError, UsageError
from spark_jobs.lake import storage
from spark_jobs.stages.takedown_request import Request
from spark_jobs.text.urls import is_public_suffix

_DOC_ID = re.compile(r"[0-9a-fA-F]{32}")
_KINDS = {"doc-id": "doc", "url": "url", "domain": "domain", "licence": "licence"}
_REMARK = re.compile(r"(?:^|\s)#.*$")  # a fragment of a URL has no space before it
# A scheme, and no host with a port.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?!\d)")
_HTTP = re.compile(r"https?:", re.IGNORECASE)
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*")
_ADDRESS = re.compile(r"\[[0-9a-f:.]+\]")  # IPv6
_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f\ufeff\ufffd]")
_MARK = "\ufeff"  # how Windows begins a file of UTF-8
_SHOWN = 80


def request_of(
    *, urls: Sequence[str], domains: Sequence[str], doc_ids: Sequence[str], licences: Sequence[str],
    files: Sequence[str], reason: str,
) -> Request:  # fmt: skip
    """The request in the words of the command. Raises UsageError and InputError naming what is wrong."""
    said = [*(("url", v) for v in urls), *(("domain", v) for v in domains), *(("doc-id", v) for v in doc_ids),
            *(("licence", v) for v in licences)]  # fmt: skip
    rules: dict[str, set[str]] = {}
    for kind, value in said:
        rules.setdefault(_KINDS[kind], set()).add(_rule(kind, value.strip(), f"--{kind} {value[:_SHOWN]}"))
    for name in files:
        for place, kind, value in _listed(name):
            rules.setdefault(_KINDS[kind], set()).add(_rule(kind, value, place))
    if not rules:
        raise UsageError("say what to take down: --url, --domain, --doc-id, --licence or a --file of these")
    if not reason.strip():
        raise UsageError("--reason is empty: say why, it goes into the receipt")
    return Request({kind: tuple(sorted(values)) for kind, values in rules.items()}, reason.strip())


def _listed(name: str) -> list[tuple[str, str, str]]:
    """(place, kind, value) of a file: one `KIND VALUE` a line, or a URL or an id alone; ` #` begins a remark."""
    try:
        text = storage.read_text(name).removeprefix(_MARK)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"--file {name}: cannot be read ({error}); give a UTF-8 file of one rule a line") from None
    found = list(_lines(name, text))
    if not found:
        raise InputError(f"--file {name}: no rule in it")
    return found


def _lines(name: str, text: str) -> Iterator[tuple[str, str, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        rule = _REMARK.sub("", line).strip()
        if not rule:
            continue
        kind, *rest = rule.split(maxsplit=1)
        kind, value = kind.lower(), "".join(rest)
        if kind not in _KINDS:
            kind, value = "doc-id" if _DOC_ID.fullmatch(rule) else "url" if "://" in rule else "", rule
        if not kind or not value:
            raise InputError(
                f"{name}:{number}: {rule[:_SHOWN]!r} is no rule; write one of {', '.join(_KINDS)} and its value"
            )
        yield f"{name}:{number}", kind, value


def _rule(kind: str, value: str, place: str) -> str:
    """The value in the form in which it is compared."""
    return _FORMS[kind](value, place)


def _licence(value: str, place: str) -> str:
    if not value:
        raise UsageError(f"{place}: no licence; give its name as it stands in raw")
    return value


def _doc_id(value: str, place: str) -> str:
    if not _DOC_ID.fullmatch(value):
        raise UsageError(f"{place}: a document id is 32 hex digits; ./provender explain URL shows those of a URL")
    return value.lower()


def _domain(value: str, place: str) -> str:
    """A host, however it is written: with a scheme, with `*.` or `.` before it or `.` behind."""
    bare = value.removeprefix("*.").removeprefix(".")
    host = host_of(bare if "://" in bare else f"http://{bare}").rstrip(".")
    if _UNPRINTABLE.search(value) or not _HOST.fullmatch(host):
        raise UsageError(f"{place}: no domain; give a host name such as example.org")
    if is_public_suffix(host):
        raise UsageError(f"{place}: everything under {host} is more than a site; name a domain below it")
    return host


def _url(value: str, place: str) -> str:
    """The canonical form; a URL without a scheme is one of http."""
    url = value if _SCHEME.match(value) else f"http://{value}"
    web = _HTTP.match(url)
    host = host_of(url).rstrip(".")
    if _UNPRINTABLE.search(value) or not value or (web and not (_HOST.fullmatch(host) or _ADDRESS.fullmatch(host))):
        raise UsageError(f"{place}: no URL; give one such as https://example.org/page, without spaces or quotes")
    return canonical_url(url)


_FORMS: Mapping[str, Callable[[str, str], str]] = {
    "doc-id": _doc_id, "url": _url, "domain": _domain, "licence": _licence,
}  # fmt: skip

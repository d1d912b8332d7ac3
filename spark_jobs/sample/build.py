"""The sample crawl: two snapshots of a small web as real WARC files, made on the spot and without network.

A hand-written web of several sites and languages (`web.py`), a page for every drop reason (`faults.py`), chatter
(`chatter.py`), and volume from texts of the environment (`volume.py`). The same environment gives the same bytes.
"""

import gzip
import hashlib
import io
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastwarc.warc import WarcRecord, WarcRecordType

from spark_jobs.sample.chatter import chatter_pages
from spark_jobs.sample.faults import fault_pages
from spark_jobs.sample.volume import Page, environment_pages
from spark_jobs.sample.web import web_pages

SAMPLE_VERSION = 2
_DATES = ("2026-02-03T08:00:00Z", "2026-07-14T08:00:00Z")
_FILES_PER_SNAPSHOT = 2


@dataclass(frozen=True)
class Sample:
    """One snapshot of the sample crawl."""

    id: str
    paths: tuple[Path, ...]


def build_sample(folder: Path) -> tuple[Sample, ...]:
    """The sample's snapshots below `folder`, written where they are not there yet (a killed write leaves none behind)."""
    stamp = folder / f"complete-v{SAMPLE_VERSION}"
    samples = tuple(
        Sample(f"sample-{n}", tuple(folder / f"sample-{n}-{part:05}.warc.gz" for part in range(_FILES_PER_SNAPSHOT)))
        for n in (1, 2)
    )
    if stamp.exists() and all(path.exists() for sample in samples for path in sample.paths):
        return samples
    folder.mkdir(parents=True, exist_ok=True)
    volume = environment_pages()
    for number, sample in enumerate(samples):
        pages = [*web_pages(number), *fault_pages(number), *chatter_pages(number), *_of_snapshot(volume, number)]
        for part, path in enumerate(sample.paths):
            mine = [page for page in pages if _share(page.url, "file") % _FILES_PER_SNAPSHOT == part]
            partial = path.with_suffix(".partial")
            partial.write_bytes(warc_file(mine, _DATES[number]))
            partial.replace(path)
    stamp.touch()
    return samples


def _of_snapshot(volume: Iterable[Page], number: int) -> list[Page]:
    """What a site looks like half a year later: a tenth is gone, a tenth is new, a fifth was edited."""
    pages = []
    for page in volume:
        fate = _share(page.url, "fate") % 10
        if (fate == 0 and number == 1) or (fate == 1 and number == 0):
            continue
        edited = number == 1 and fate in (2, 3)
        note = "<p>This page was reviewed in the summer; two sentences were made clearer and one example was added.</p>"
        html = str(page.html)
        pages.append(Page(page.url, html.replace("</body>", f"{note}</body>") if edited else html))
    return pages


def _share(text: str, salt: str) -> int:
    return int.from_bytes(hashlib.sha256(f"{salt}:{text}".encode()).digest()[:4])


def warc_file(pages: Sequence[Page], date: str) -> bytes:
    """A WARC.gz file: one member a record, a warcinfo record first, request records beside the responses."""
    out = io.BytesIO()
    info = b"software: provender sample\r\nformat: WARC File Format 1.1\r\n"
    _write(out, "warcinfo", None, date, "application/warc-fields", info)
    for page in pages:
        host, _, path = page.url.partition("://")[2].partition("/")
        request = f"GET /{path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        _write(out, "request", page.url, date, "application/http; msgtype=request", request)
        body = page.html if isinstance(page.html, bytes) else page.html.encode("utf-8", "surrogateescape")
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {page.content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        _write(out, "response", page.url, date, "application/http; msgtype=response", head + body)
    return out.getvalue()


def _write(  # noqa: PLR0917 - a record is made of all of these
    out: io.BytesIO, kind: str, url: str | None, date: str, content_type: str, content: bytes
) -> None:
    record = WarcRecord()
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"{kind}:{date}:{url}:{hashlib.sha256(content).hexdigest()}")
    record.init_headers(getattr(WarcRecordType, kind), record_urn=f"uuid:{identity}".encode())
    if url is not None:
        record.headers["WARC-Target-URI"] = url
    record.headers["WARC-Date"] = date
    record.headers["Content-Type"] = content_type
    record.set_bytes_content(content)
    plain = io.BytesIO()
    record.write(plain)
    # A member a record, without a time in its header: the same pages give the same bytes.
    out.write(gzip.compress(plain.getvalue(), compresslevel=6, mtime=0))

"""The law of `raw`: two readers that share no parsing agree on every file, and no byte of it goes missing."""

import gzip
import hashlib
import json
import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spark_jobs.crawl import census, decode, frames, lines, members
from spark_jobs.crawl.inputs import InputFile, expand_inputs
from spark_jobs.crawl.inventory import FileInventory, inventory_file
from spark_jobs.crawl.read import read_file
from spark_jobs.crawl.records import Ignored, Record

USABLE_ONLY_WHEN_READ = {"bad_json", "no_text", "too_large"}


def record(kind: str, body: bytes) -> bytes:
    head = f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: http://a.example/\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body + b"\r\n\r\n"


WARC = [record("warcinfo", b"x: y\r\n"), record("request", b"GET / HTTP/1.1\r\n\r\n")] + [
    record(kind, b"HTTP/1.1 200 OK\r\n\r\n" + b"<p>%d</p>" % number * number)
    for number, kind in enumerate(["response", "metadata", "response", "resource", "conversion", "response"], start=3)
]
PLAIN = b"".join(WARC)
JSONL = [json.dumps({"id": n, "text": f"text {n} " * n}).encode() + b"\n" for n in range(9)] + [b"\n", b"{bad\n"]

# Name of a file -> its bytes: every way that members and records can lie to each other.
SEEDS: dict[str, bytes] = {
    "plain.warc": b"".join(WARC),
    "members.warc.gz": b"".join(map(gzip.compress, WARC)),
    "one.warc.gz": gzip.compress(b"".join(WARC)),
    "across.warc.gz": b"".join(gzip.compress(PLAIN[at : at + 150]) for at in range(0, len(PLAIN), 150)),
    "frames.warc.zst": b"".join(map(zstandard.compress, WARC)),
    "plain.jsonl": b"".join(JSONL),
    "one.jsonl.gz": gzip.compress(b"".join(JSONL)),
    "members.jsonl.gz": b"".join(map(gzip.compress, JSONL)),
    "one.jsonl.zst": zstandard.compress(b"".join(JSONL)),
}
INSERTS = (
    b"\x1f\x8b\x08", b"WARC/1.0\r\n", b"\r\n\r\n", b"\n", b"Content-Length: 99999999\r\n", b"\r\n" * 600, b"\0" * 40,
    WARC[3], gzip.compress(WARC[4]),
)  # fmt: skip


def check(file: InputFile) -> tuple[FileInventory, int]:
    """Read a file with both readers, hold them to the law, and give the inventory and the number of rows."""
    rows, unreadable, kinds, spans = 0, Counter[str](), Counter[str](), []
    for item in read_file(file):
        if isinstance(item, Record):
            rows += 1
        elif isinstance(item, Ignored):
            kinds[item.kind] += 1
        elif item.is_document:
            unreadable[item.cause] += 1
        else:
            spans.append((item.offset, item.offset + item.bytes))
    counted = inventory_file(file)
    assert counted.documents == rows + unreadable.total()
    assert counted.unreadable == sum(n for cause, n in unreadable.items() if cause not in USABLE_ONLY_WHEN_READ)
    assert json.loads(counted.ignored_kinds) == dict(kinds)
    assert counted.ignored == kinds.total()
    assert counted.error_bytes == sum(end - start for start, end in spans) <= counted.bytes
    assert all(before[1] < after[0] for before, after in pairwise(spans)), "disjoint, not adjacent"
    assert not spans or (spans[0][0] >= 0 and spans[-1][1] <= counted.bytes)
    return counted, rows


def given_file(folder: Path, name: str, data: bytes) -> InputFile:
    (folder / name).write_bytes(data)
    return InputFile(str(folder / name), "warc" if "warc" in name else "jsonl", len(data), "", name)


@pytest.mark.parametrize("name", sorted(SEEDS))
def test_sound_files_are_counted(tmp_path: Path, name: str) -> None:
    counted, rows = check(given_file(tmp_path, name, SEEDS[name]))
    assert (counted.documents, rows) == ((5, 5) if "warc" in name else (10, 9))
    assert (counted.error_bytes, counted.unreadable) == (0, 0)
    assert counted.sha256 == hashlib.sha256(SEEDS[name]).hexdigest()
    assert counted.bytes == len(SEEDS[name])


@st.composite
def damaged(draw: Any) -> tuple[str, bytes]:
    name = draw(st.sampled_from(sorted(SEEDS)))
    data = bytearray(SEEDS[name])
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(["flip", "delete", "insert", "junk", "cut", "repeat"])):
            case "flip" if at < len(data):
                data[at] ^= 1 << draw(st.integers(0, 7))
            case "delete":
                del data[at : at + draw(st.sampled_from([1, 3, 40, 400]))]
            case "insert":
                data[at:at] = draw(st.sampled_from(INSERTS))
            case "junk":
                data[at:at] = draw(st.binary(max_size=60))
            case "cut":
                del data[at:]
            case "repeat":
                data[at:at] = data[at // 2 : at]
    return name, bytes(data)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(damaged())
def test_the_readers_agree_on_damaged_files(tmp_path: Path, case: tuple[str, bytes]) -> None:
    check(given_file(tmp_path, *case))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    case=damaged(), sizes=st.tuples(*[st.integers(1, 90)] * 3), block=st.integers(20, 900), head=st.integers(90, 500)
)
def test_chunks_and_limits_do_not_matter(
    tmp_path: Path, case: tuple[str, bytes], sizes: tuple[int, int, int], block: int, head: int
) -> None:
    """With limits this small, records and lines cross every bound that they cross in files of gigabytes."""
    file = given_file(tmp_path, *case)
    with pytest.MonkeyPatch.context() as patch:
        for reader in (frames, census):
            patch.setattr(reader, "MAX_HEAD_BYTES", head)
            patch.setattr(reader, "MAX_BLOCK_BYTES", block)
            patch.setattr(reader, "MAX_LINE_ENDS", 6)
        patch.setattr(lines, "MAX_BLOCK_BYTES", block)
        patch.setattr(frames, "_LINE_ENDS", re.compile(rb"[\r\n]{0,6}"))
        patch.setattr(decode, "_RAW_CHUNK", sizes[0])
        patch.setattr(decode, "_PLAIN_CHUNK", sizes[1])
        patch.setattr(decode, "_SCAN_CHUNK", sizes[2] + 3)
        patch.setattr(members, "_READ", sizes[2])
        small, _rows = check(file)
        patch.setattr(decode, "_RAW_CHUNK", 1 << 14)
        patch.setattr(members, "_READ", 1 << 15)
        assert check(file)[0] == small


@pytest.mark.parametrize("percent", range(0, 100, 4))
def test_a_flipped_byte_costs_at_most_two_records(tmp_path: Path, percent: int) -> None:
    data = bytearray(SEEDS["members.warc.gz"])
    data[len(data) * percent // 100] ^= 0x55
    counted, rows = check(given_file(tmp_path, "members.warc.gz", bytes(data)))
    assert rows >= 3, counted


def test_parquet_and_html(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["one", None, "three"]}), tmp_path / "a.parquet", row_group_size=2)
    (tmp_path / "b.html").write_bytes(b"<html>")
    parquet, html = expand_inputs([str(tmp_path)])
    assert (check(parquet)[0].documents, check(parquet)[1]) == (3, 2)
    assert check(html)[0].documents == 1
    (tmp_path / "a.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-9])
    assert check(parquet)[0].error_bytes == (tmp_path / "a.parquet").stat().st_size


def test_the_odd_files(shared_data: Path) -> None:
    files = expand_inputs([str(shared_data / "crawl-files")])
    assert len(files) == 20, "21 files, of which one is a list of files that are not there"
    counted = {file.name: check(file) for file in files}
    assert sum(rows for _counted, rows in counted.values()) == 61
    lost = {name: inventory.error_bytes for name, (inventory, _rows) in counted.items() if inventory.error_bytes}
    assert lost == {"warcio/example-trunc.warc": 6}


@pytest.mark.parametrize(("crawl", "documents"), [("2021-32", 2909), ("2023-23", 2448), ("2025-32", 1804)])
def test_the_real_crawls(shared_data: Path, crawl: str, documents: int) -> None:
    checked = [check(file) for file in expand_inputs([str(shared_data / "crawls" / f"DEV-MAIN-{crawl}")])]
    assert sum(counted.documents for counted, _rows in checked) == documents
    assert sum(rows for _counted, rows in checked) == documents
    assert not any(counted.error_bytes for counted, _rows in checked)

"""Reading crawl files: what a record is, what is kept of a broken one, and that nothing takes the file down with it."""

import gzip
import json
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import brotli
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from fastwarc.warc import ArchiveIterator, conversion, resource, response

from spark_jobs.crawl.inputs import InputFile, expand_inputs
from spark_jobs.crawl.moments import parse_moment
from spark_jobs.crawl.options import FieldNames, ReadOptions
from spark_jobs.crawl.payload import parse_response
from spark_jobs.crawl.read import Item, read_file
from spark_jobs.crawl.records import Ignored, ReadError, Record
from spark_jobs.recipe.sections.raw import RawSection

PAGE = b"<html><p>caf\xc3\xa9</p></html>"


def warc(block: bytes, *, kind: str = "response", url: str = "http://a.example/", **fields: str) -> bytes:
    """One record; further fields by name, with `_` for `-`."""
    lines = ["WARC/1.0", f"WARC-Type: {kind}", "WARC-Date: 2021-08-01T00:00:00Z", f"WARC-Target-URI: {url}"]
    fields = {"Content_Length": str(len(block)), **fields}
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in fields.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + block + b"\r\n\r\n"


def http(body: bytes = PAGE, *headers: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", "Content-Type: text/html", *headers]).encode() + b"\r\n\r\n" + body


def read(folder: Path, data: bytes, name: str = "a.warc", options: ReadOptions | None = None) -> list[Item]:
    (folder / name).write_bytes(data)
    (file,) = expand_inputs([str(folder / name)])
    return list(read_file(file, options))


def records(items: Sequence[Item]) -> list[Record]:
    return [item for item in items if isinstance(item, Record)]


def lost(items: Sequence[Item]) -> list[str]:
    return [item.cause for item in items if isinstance(item, ReadError) and item.is_document]


def spans(items: Sequence[Item]) -> list[tuple[int, int, str]]:
    return [(i.offset, i.bytes, i.cause) for i in items if isinstance(i, ReadError) and not i.is_document]


def test_a_response_is_taken_apart(tmp_path: Path) -> None:
    (record,) = records(read(tmp_path, warc(http(PAGE, "X-A: 1", "X-A: 2", status="404 Not Found"))))
    assert record.payload == PAGE
    assert record.http_status == 404
    assert record.content_type == "text/html"
    assert [pair for pair in record.http_headers or () if pair[0] == "X-A"] == [("X-A", "1"), ("X-A", "2")]
    assert record.captured_at == datetime(2021, 8, 1, tzinfo=UTC)
    assert record.truncated is None


def test_other_kinds_are_counted_and_left_out(tmp_path: Path) -> None:
    kinds = ("warcinfo", "request", "metadata", "revisit", "continuation", "of-my-own")
    items = read(tmp_path, b"".join(warc(b"x", kind=kind) for kind in kinds))
    assert [item.kind for item in items if isinstance(item, Ignored)] == [*kinds[:-1], "unknown"]
    assert len(items) == len(kinds)


@pytest.mark.parametrize(("given", "kept"), [
    ("<http://a.example/x>", "http://a.example/x"),
    ("file:///a b c.png", "file:///a b c.png"),
    ("http://b\u00fccher.example/\u00fc", "http://b\u00fccher.example/\u00fc"),
])  # fmt: skip
def test_the_literal_uri_is_kept(tmp_path: Path, given: str, kept: str) -> None:
    assert records(read(tmp_path, warc(PAGE, kind="resource", url=given)))[0].url == kept


def test_a_record_without_uri_and_date_is_a_document(tmp_path: Path) -> None:
    data = b"WARC/1.0\nwarc-type: Resource\nCONTENT-LENGTH: 2\nWARC-Date: yesterday\n\nab\n\n"
    (record,) = records(read(tmp_path, data))
    assert (record.url, record.captured_at, record.payload) == (None, None, b"ab")


def _chunked(body: bytes) -> bytes:
    chunks = [body[at : at + 7] for at in range(0, len(body), 7)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])


CODINGS = {
    "gzip": gzip.compress(PAGE),
    "x-gzip": gzip.compress(PAGE),
    "deflate": zlib.compress(PAGE),
    "br": brotli.compress(PAGE),
    "zstd": zstandard.compress(PAGE),
    "gzip, br": brotli.compress(gzip.compress(PAGE)),
    "identity": PAGE,
}


@pytest.mark.parametrize("coding", sorted(CODINGS))
def test_codings_are_removed(tmp_path: Path, coding: str) -> None:
    headers = ("Transfer-Encoding: chunked", f"Content-Encoding: {coding}")
    (record,) = records(read(tmp_path, warc(http(_chunked(CODINGS[coding]), *headers))))
    assert (record.payload, record.truncated) == (PAGE, None)


def test_raw_deflate_is_deflate(tmp_path: Path) -> None:
    engine = zlib.compressobj(wbits=-15)
    body = engine.compress(PAGE) + engine.flush()
    assert parse_response(http(body, "Content-Encoding: deflate"), 1000).body == PAGE


@pytest.mark.parametrize(("headers", "body", "payload", "mark"), [
    (("Content-Encoding: gzip",), PAGE, PAGE, None),
    (("Transfer-Encoding: chunked",), PAGE, PAGE, None),
    (("Transfer-Encoding: chunked",), b"5\r\nabcde\r\n9\r\nfgh", b"abcdefgh", "transfer"),
    (("Transfer-Encoding: chunked",), b"3\r\nabcde\r\n0\r\n\r\n", b"abc", "transfer"),
    (("Content-Encoding: br",), PAGE, PAGE, "encoding"),
    (("Content-Encoding: rot13",), PAGE, PAGE, "encoding"),
])  # fmt: skip
def test_a_broken_body_costs_no_document(
    tmp_path: Path, headers: tuple[str, ...], body: bytes, payload: bytes, mark: str | None
) -> None:
    (record,) = records(read(tmp_path, warc(http(body, *headers))))
    assert (record.payload, record.truncated) == (payload, mark)


def test_what_a_cut_coding_still_holds_is_kept(tmp_path: Path) -> None:
    text = b"".join(b"<p>%d</p>" % (number * 7919) for number in range(3000))
    for coding, coded in (("gzip", gzip.compress(text)), ("br", brotli.compress(text))):
        parsed = parse_response(http(coded[: len(coded) * 2 // 3], f"Content-Encoding: {coding}"), 1 << 20)
        assert parsed.truncated == "encoding", coding
        assert 100 < len(parsed.body) < len(text), coding
        assert text.startswith(parsed.body), coding


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd", "deflate"])
def test_a_bomb_is_a_reason(tmp_path: Path, coding: str) -> None:
    zeros = bytes(30_000_000)
    body = {"gzip": gzip.compress, "br": lambda b: brotli.compress(b, quality=1), "zstd": zstandard.compress,
            "deflate": zlib.compress}[coding](zeros)  # fmt: skip
    data = warc(http(body, f"Content-Encoding: {coding}")) + warc(http())
    items = read(tmp_path, data, options=ReadOptions(max_record_bytes=1 << 20))
    assert lost(items) == ["too_large"]
    assert [record.payload for record in records(items)] == [PAGE]


def test_a_large_record_costs_itself_only(tmp_path: Path) -> None:
    data = warc(bytes(100_000), kind="resource") + warc(http())
    items = read(tmp_path, data, options=ReadOptions(max_record_bytes=50_000))
    assert lost(items) == ["too_large"]
    assert len(records(items)) == 1
    assert spans(items) == [], "its bytes are a whole record's"


def test_garbage_between_records_is_a_span(tmp_path: Path) -> None:
    first, second = warc(http()), warc(http(b"two"))
    items = read(tmp_path, b"xx" + first + b"\x00" * 777 + second)
    assert [record.payload for record in records(items)] == [PAGE, b"two"]
    assert spans(items) == [(0, 2, "garbage"), (2 + len(first), 777, "garbage")]
    assert [record.offset for record in records(items)] == [2, 2 + len(first) + 777]


def test_a_cut_record_gives_the_next_one_back(tmp_path: Path) -> None:
    first, second = warc(http(PAGE * 50)), warc(http(b"two"))
    items = read(tmp_path, first[:300] + second)
    assert lost(items) == ["cut_record"] or lost(items) == ["bad_length"]
    assert [record.payload for record in records(items)] == [b"two"]
    assert spans(items)[0][:2] == (0, 300)


def test_a_file_cut_short_loses_its_last_record(tmp_path: Path) -> None:
    data = warc(http()) + warc(http(b"two"))
    items = read(tmp_path, data[:-10])
    assert lost(items) == ["cut_record"]
    assert len(records(items)) == 1


def test_a_length_that_is_too_short_keeps_what_it_says_and_is_marked(tmp_path: Path) -> None:
    data = warc(b"0123456789", kind="resource", Content_Length="4") + warc(http())
    first, second = records(read(tmp_path, data))
    assert (first.payload, first.truncated) == (b"0123", "length")
    assert second.payload == PAGE


@pytest.mark.parametrize("length", ["-1", "1e3", "", "9" * 30])
def test_a_length_that_is_none_is_a_reason(tmp_path: Path, length: str) -> None:
    items = read(tmp_path, warc(PAGE, kind="resource", Content_Length=length) + warc(http()))
    assert lost(items) == ["bad_length"]
    assert len(records(items)) == 1


def test_a_huge_length_does_not_swallow_the_file(tmp_path: Path) -> None:
    items = read(tmp_path, warc(PAGE, kind="resource", Content_Length="60000000") + warc(http(b"two")))
    assert lost(items) == ["cut_record"]
    assert [record.payload for record in records(items)] == [b"two"]


def test_a_damaged_gzip_member_costs_its_record(tmp_path: Path) -> None:
    members = [gzip.compress(warc(http(b"%d" % number * 40))) for number in range(5)]
    broken = bytearray(members[2])
    broken[len(broken) // 2] ^= 0xFF
    items = read(tmp_path, b"".join([*members[:2], bytes(broken), *members[3:]]), "a.warc.gz")
    assert [record.payload[:1] for record in records(items)] == [b"0", b"1", b"3", b"4"]
    assert lost(items) == ["bad_compression"]
    start = sum(map(len, members[:2]))
    assert [(offset, length) for offset, length, _cause in spans(items)] == [(start, len(broken))]


def test_a_wrong_checksum_costs_the_record(tmp_path: Path) -> None:
    members = [bytearray(gzip.compress(warc(http(b"%d" % number)))) for number in range(3)]
    members[1][-5] ^= 1
    items = read(tmp_path, b"".join(map(bytes, members)), "a.warc.gz")
    assert [record.payload for record in records(items)] == [b"0", b"2"]
    assert lost(items) == ["bad_compression"]


def test_garbage_between_members_costs_nothing_else(tmp_path: Path) -> None:
    first, second = gzip.compress(warc(http())), gzip.compress(warc(http(b"two")))
    items = read(tmp_path, first + b"\x1f\x8b\x08garbage" + second + b"\0" * 512, "a.warc.gz")
    assert [record.payload for record in records(items)] == [PAGE, b"two"]
    assert sum(length for _offset, length, _cause in spans(items)) == 10 + 512


def test_records_need_not_be_members(tmp_path: Path) -> None:
    data = warc(http()) + warc(http(b"two")) + warc(http(b"three"))
    whole = read(tmp_path, gzip.compress(data), "whole.warc.gz")
    parts = [gzip.compress(data[at : at + 100]) for at in range(0, len(data), 100)]
    pieces = read(tmp_path, b"".join(parts), "pieces.warc.gz")
    frames = read(tmp_path, zstandard.compress(data), "z.warc.zst")
    assert [[r.payload for r in records(items)] for items in (whole, pieces, frames)] == [[PAGE, b"two", b"three"]] * 3


def test_compression_is_told_by_bytes_not_by_name(tmp_path: Path) -> None:
    data = warc(http())
    assert len(records(read(tmp_path, data, "plain.warc.gz"))) == 1
    assert len(records(read(tmp_path, gzip.compress(data), "packed.warc"))) == 1
    assert len(records(read(tmp_path, gzip.compress(data), "odd.warc.gz.bad"))) == 1


def test_json_lines(tmp_path: Path) -> None:
    dolma = {"id": "d1", "text": "caf\u00e9", "source": "wiki", "created": "2020-05-01T10:00:00.123Z",
             "metadata": {"url": "http://a.example/1"}}  # fmt: skip
    fineweb = {"id": "<urn:uuid:2>", "text": "two", "url": "http://a.example/2", "date": "2013-05-18T05:48:54Z"}
    broken, without_text, surrogate = "{broken", '{"id": 3}', '{"text": "\\ud800"}'
    rows = [json.dumps(dolma), "", broken, json.dumps(fineweb), "[1]", without_text, surrogate]
    data = "\n".join(rows).encode()
    packings = {"a.jsonl": data, "a.jsonl.gz": gzip.compress(data), "a.json.zst": zstandard.compress(data)}
    for name, packed in packings.items():
        items = read(tmp_path, packed, name)
        first, second, third = records(items)
        assert (first.payload, first.url, first.source) == ("caf\u00e9".encode(), "http://a.example/1", "wiki")
        assert first.captured_at == datetime(2020, 5, 1, 10, 0, 0, 123000, tzinfo=UTC)
        assert (second.url, second.source_id) == ("http://a.example/2", "<urn:uuid:2>")
        assert third.payload == "\ufffd".encode()
        assert lost(items) == ["bad_json", "bad_json", "no_text"]
        assert [record.number for record in records(items)] == [0, 2, 5]


def test_a_bad_json_line_tells_its_offset(tmp_path: Path) -> None:
    items = read(tmp_path, b'{"text": "one"}\n{broken\n', "a.jsonl")
    (error,) = [item for item in items if isinstance(item, ReadError)]
    assert (error.offset, error.cause, error.is_document) == (16, "bad_json", True)
    assert "broken" not in error.detail, "texts do not go into messages"


def test_deep_json_is_a_reason(tmp_path: Path) -> None:
    assert lost(read(tmp_path, b'{"text":' + b"[" * 200_000 + b"\n{}\n", "a.jsonl")) == ["bad_json", "no_text"]


def test_parquet_rows_and_a_mapping(tmp_path: Path) -> None:
    when = datetime(2020, 1, 1, tzinfo=UTC)
    table = pa.table({
        "body": ["one", None, "three"],
        "meta": [{"u": "http://a.example/1"}, None, {"u": None}],
        "t": [when, None, when],
    })  # fmt: skip
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=2)
    (file,) = expand_inputs([str(tmp_path / "a.parquet")])
    names = FieldNames(text=("body",), url=("meta.u",), captured_at=("t",))
    items = list(read_file(file, ReadOptions(fields=names)))
    assert [(r.payload, r.url, r.captured_at, r.offset) for r in records(items)] == [
        (b"one", "http://a.example/1", when, 0), (b"three", None, when, 2),
    ]  # fmt: skip
    assert lost(items) == ["no_text"]


def test_a_parquet_file_without_footer_is_lost(tmp_path: Path) -> None:
    pq.write_table(pa.table({"text": ["one"]}), tmp_path / "a.parquet")
    data = (tmp_path / "a.parquet").read_bytes()[:-20]
    items = read(tmp_path, data, "b.parquet")
    assert spans(items) == [(0, len(data), "bad_parquet")]


def test_html_files_are_named_by_their_path(tmp_path: Path) -> None:
    for root in ("x", "y"):
        (tmp_path / root / "sub").mkdir(parents=True)
        (tmp_path / root / "sub" / "a.html").write_bytes(PAGE)
    ids = [records(list(read_file(expand_inputs([str(tmp_path / root)])[0])))[0].identity for root in ("x", "y")]
    assert ids[0] == ids[1]
    (tmp_path / "x" / "sub" / "b.html").write_bytes(PAGE)
    both = [records(list(read_file(file)))[0].identity for file in expand_inputs([str(tmp_path / "x")])]
    assert len(set(both)) == 2


def test_identity_is_uri_time_and_payload(tmp_path: Path) -> None:
    def identity(block: bytes, **fields: str) -> str:
        return records(read(tmp_path, warc(block, kind="resource", **fields)))[0].identity

    same = identity(b"a")
    assert identity(b"a", WARC_Record_ID="<urn:uuid:1>") == same
    others = [
        identity(b"b"),
        identity(b"a", url="http://a.example/other"),
        identity(b"a", url="http://a.example/#x"),
        records(read(tmp_path, warc(b"a", kind="resource").replace(b"2021-08", b"2021-09")))[0].identity,
    ]
    assert len({same, *others}) == 5


@pytest.mark.parametrize(("text", "moment"), [
    ("2021-08-01T02:03:04Z", datetime(2021, 8, 1, 2, 3, 4, tzinfo=UTC)),
    ("2021-08-01T02:03:04.123456789Z", datetime(2021, 8, 1, 2, 3, 4, 123456, tzinfo=UTC)),
    ("2021-08-01 04:03:04+02:00", datetime(2021, 8, 1, 2, 3, 4, tzinfo=UTC)),
    ("2021-08", datetime(2021, 8, 1, tzinfo=UTC)),
    ("2021-13-01", None),
    ("0001-01-01T00:00:00+05:00", None),
    ("soon", None),
    (7, None),
])  # fmt: skip
def test_moments(text: Any, moment: datetime | None) -> None:
    assert parse_moment(text) == moment


def test_a_missing_file_of_a_list_is_an_error_row() -> None:
    (item,) = read_file(InputFile("/nowhere", "missing", 0, ""))
    assert isinstance(item, ReadError)
    assert (item.cause, item.is_document) == ("missing_file", False)


def test_the_recipe_and_the_reader_have_the_same_defaults() -> None:
    section = RawSection()
    fields = FieldNames(**section.fields.model_dump())
    assert ReadOptions(max_record_bytes=section.max_record_bytes, fields=fields) == ReadOptions()


def test_fastwarc_finds_the_same_records_in_sound_files(shared_data: Path) -> None:
    """FastWARC's own iteration is a third opinion on files without damage."""
    kinds = {int(response): "response", int(resource): "resource", int(conversion): "conversion"}
    compared = 0
    for path in sorted([*shared_data.glob("crawls/*/*.warc.gz"), *shared_data.glob("crawl-files/*/*.wa*[cz]")]):
        if "trunc" in path.name or "paths" in path.name:
            continue
        with path.open("rb") as stream:
            theirs = [
                (kinds[int(record.record_type)], record.stream_pos, record.reader.read())
                for record in ArchiveIterator(stream)
                if int(record.record_type) in kinds
            ]
        ours = records(list(read_file(expand_inputs([str(path)])[0])))
        assert [record.record_type for record in ours] == [name for name, _offset, _payload in theirs], path.name
        coded = {"transfer-encoding", "content-encoding"}
        for record, (_name, offset, payload) in zip(ours, theirs, strict=True):
            if path.name != "example-bad-non-chunked.warc.gz":  # there FastWARC gives the end of the file as position
                assert record.offset == offset, path.name
            if not coded & {name.lower() for name, _value in record.http_headers or ()}:
                assert record.payload == payload, path.name
            compared += 1
    assert compared >= 7161

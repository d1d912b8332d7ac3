"""What an input stands for, on local disks, S3 and https, and what is said when it stands for nothing."""

import gzip
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import fsspec
import pytest

from spark_jobs.crawl.inputs import expand_inputs
from spark_jobs.crawl.inventory import inventory_file
from spark_jobs.crawl.read import read_file
from spark_jobs.crawl.records import Record
from spark_jobs.crawl.streams import options_for
from spark_jobs.errors import InputError, UnreachableError

WARC = b"WARC/1.0\r\nWARC-Type: resource\r\nWARC-Target-URI: http://a.example/\r\nContent-Length: 3\r\n\r\nabc\r\n\r\n"


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    """A folder of everything."""
    root = tmp_path / "my crawl"
    for name, data in {
        "seg/a.warc.gz": gzip.compress(WARC),
        "seg/b.warc.wet": WARC,
        "seg/odd": WARC,
        "seg/misnamed.jsonl": WARC,
        "c.jsonl": b'{"text": "x"}\n',
        "d.parquet": b"PAR1",
        "pages/e.html": b"<html>",
        "notes.txt": b"hello",
        ".hidden.warc": WARC,
        "_SUCCESS": b"",
        "all.paths": b"seg/a.warc.gz\n\n# a remark\nseg/b.warc.wet\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    return root


def names(*uris: object) -> list[tuple[str, str]]:
    return [(file.name, file.format) for file in expand_inputs([str(uri) for uri in uris])]


def documents(file_uri: str, storage_options: dict[str, object] | None = None) -> list[bytes]:
    files = expand_inputs([file_uri], storage_options)
    items = [item for file in files for item in read_file(file, None, storage_options)]
    found = [item.payload for item in items if isinstance(item, Record)]
    assert sum(inventory_file(file, storage_options).documents for file in files) == len(found)
    return found


def test_a_folder_stands_for_the_crawl_files_below_it(crawl: Path) -> None:
    assert names(crawl) == [
        ("c.jsonl", "jsonl"), ("d.parquet", "parquet"), ("pages/e.html", "html"), ("seg/a.warc.gz", "warc"),
        ("seg/b.warc.wet", "warc"), ("seg/misnamed.jsonl", "warc"), ("seg/odd", "warc"),
    ]  # fmt: skip


def test_files_globs_and_lists(crawl: Path) -> None:
    assert names(crawl / "seg" / "odd") == [("odd", "warc")]
    assert names(f"{crawl}/seg/*.w*") == [("a.warc.gz", "warc"), ("b.warc.wet", "warc")]
    assert names(f"{crawl}/**/*.html") == [("pages/e.html", "html")]
    assert names(crawl / "all.paths") == [("seg/a.warc.gz", "warc"), ("seg/b.warc.wet", "warc")]


def test_no_file_comes_twice_and_the_order_is_that_of_the_uris(crawl: Path) -> None:
    files = expand_inputs([f"{crawl}/seg/odd", str(crawl), f"file://{crawl}/c.jsonl", f"{crawl}/seg/../c.jsonl"])
    assert [file.uri for file in files] == sorted({file.uri for file in files})
    assert len(files) == 7
    assert all(file.uri.startswith("/") and file.modified and file.bytes for file in files)


def test_a_list_as_common_crawl_writes_it(tmp_path: Path) -> None:
    (tmp_path / "crawl-data" / "CC" / "warc").mkdir(parents=True)
    (tmp_path / "crawl-data" / "CC" / "warc" / "a.warc.gz").write_bytes(gzip.compress(WARC))
    entries = gzip.compress(b"crawl-data/CC/warc/a.warc.gz\n")
    (tmp_path / "crawl-data" / "CC" / "warc.paths.gz").write_bytes(entries)
    assert documents(str(tmp_path / "crawl-data" / "CC" / "warc.paths.gz")) == [b"abc"]


def test_a_missing_entry_of_a_list_is_told_not_fatal(crawl: Path) -> None:
    (crawl / "all.paths").write_bytes(b"seg/a.warc.gz\nseg/gone.warc.gz\n")
    assert names(crawl / "all.paths") == [("seg/a.warc.gz", "warc"), ("seg/gone.warc.gz", "missing")]


@pytest.mark.parametrize(("uri", "said"), [
    ("nothing-here", "no such file or folder"),
    ("no*thing", "no such file or folder|no crawl files"),
    ("notes.txt", "neither its name nor its first bytes"),
    ("empty.warc", "empty"),
    ("vacant", "no crawl files"),
    ("void.paths", "an empty list"),
    ("stale.paths", "none of its 2 files is there, such as .*x.warc.gz"),
    ("bad.paths.gz", "cannot be read"),
    ("gopher://a.example/x", "cannot be read"),
])  # fmt: skip
def test_unusable_input_is_one_clear_line(crawl: Path, uri: str, said: str) -> None:
    (crawl / "empty.warc").touch()
    (crawl / "vacant").mkdir()
    (crawl / "void.paths").write_bytes(b"\n")
    (crawl / "stale.paths").write_bytes(b"x.warc.gz\ny.warc.gz\n")
    (crawl / "bad.paths.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError, match=said) as raised:
        expand_inputs([uri if "://" in uri else f"{crawl}/{uri}"])
    assert "\n" not in str(raised.value)
    assert uri in str(raised.value)


def test_the_odd_files_one_by_one_and_as_one_input(shared_data: Path) -> None:
    paths = sorted(str(path) for path in (shared_data / "crawl-files").glob("*/*"))
    assert len(paths) == 21
    together = expand_inputs(paths)
    assert len([file for file in together if file.format == "warc"]) == 20
    for path in paths:
        if path.endswith(".paths.gz"):
            with pytest.raises(InputError, match="none of its 300 files is there"):
                expand_inputs([path])
        else:
            assert [file.uri for file in expand_inputs([path])] == [path]


def test_memory() -> None:
    fsspec.filesystem("memory").pipe_file("/bucket/a.warc.gz", gzip.compress(WARC))
    assert documents("memory://bucket/a.warc.gz") == [b"abc"]


class _NoRanges(SimpleHTTPRequestHandler):
    """A server that knows no ranges and no sizes of what it generates, and is too busy for what is called so."""

    protocol_version = "HTTP/1.0"

    def send_head(self) -> Any:
        if "busy" in self.path:
            self.send_error(503)
            return None
        return super().send_head()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(crawl: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_NoRanges, directory=str(crawl))) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def test_http(server: str) -> None:
    assert documents(f"{server}/seg/a.warc.gz") == [b"abc"]
    assert documents(f"{server}/all.paths") == [b"abc", b"abc"]
    with pytest.raises(InputError, match="no such file"):
        expand_inputs([f"{server}/gone.warc.gz"])


def test_a_listed_file_about_which_a_server_does_not_answer_is_not_called_missing(server: str, crawl: Path) -> None:
    (crawl / "all.paths").write_bytes(b"seg/a.warc.gz\nseg/gone.warc.gz\n")
    assert names(f"{server}/all.paths") == [("seg/a.warc.gz", "warc"), ("seg/gone.warc.gz", "missing")]
    (crawl / "all.paths").write_bytes(b"seg/a.warc.gz\nseg/busy.warc.gz\n")
    with pytest.raises(UnreachableError, match=r"busy.warc.gz: cannot be read .*503"):
        expand_inputs([f"{server}/all.paths"])


def test_the_time_of_a_file_is_known_where_a_server_tells_it(server: str) -> None:
    (file,) = expand_inputs([f"{server}/seg/a.warc.gz"])
    assert file.modified.endswith("GMT")


@pytest.mark.parametrize("name", ["bad.paths.gz", "gopher://a.example/x"])
def test_a_fault_of_bytes_or_of_a_name_does_not_pass_by_waiting(crawl: Path, name: str) -> None:
    (crawl / "bad.paths.gz").write_bytes(b"no gzip")
    with pytest.raises(InputError) as raised:
        expand_inputs([name if "://" in name else f"{crawl}/{name}"])
    assert not isinstance(raised.value, UnreachableError)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    from moto.server import ThreadedMotoServer

    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    running = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    options: dict[str, object] = {
        "key": "k", "secret": "s",
        "client_kwargs": {"endpoint_url": f"http://{host}:{port}"},
    }  # fmt: skip
    fsspec.filesystem("s3", **options).mkdir("crawl")
    yield options
    running.stop()


def test_s3(s3: dict[str, object]) -> None:
    system = fsspec.filesystem("s3", **s3)
    system.pipe_file("crawl/x/a.warc.gz", gzip.compress(WARC) * 2)
    system.pipe_file("crawl/x/b.jsonl", b'{"text": "def"}\n')
    assert documents("s3://crawl/x", s3) == [b"abc", b"abc", b"def"]
    assert documents("s3://crawl/x/*.jsonl", {"s3": s3}) == [b"def"]
    (file,) = expand_inputs(["s3://crawl/x/b.jsonl"], s3)
    assert (file.uri, file.name, file.bytes) == ("s3://crawl/x/b.jsonl", "b.jsonl", 16)
    assert file.modified


def test_options_reach_only_their_file_system() -> None:
    assert options_for("s3://a/b", {"s3": {"key": "k"}, "https": {"x": 1}}) == {"key": "k"}
    assert options_for("s3a://a/b", {"key": "k"}) == {"key": "k"}
    assert options_for("https://a/b", {"key": "k"}) == {}
    assert options_for("/a/b", {"key": "k"}) == {}

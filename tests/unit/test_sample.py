"""The sample crawl: real WARC files, the same bytes every time, and nothing of the working directory in them."""

import gzip
import hashlib
import os
from pathlib import Path

import pytest
from fastwarc.warc import ArchiveIterator, WarcRecordType

from spark_jobs.sample import build
from spark_jobs.sample.build import build_sample
from spark_jobs.sample.faults import fault_pages
from spark_jobs.sample.volume import environment_pages
from spark_jobs.sample.web import web_pages


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[build.Sample, ...]:
    return build_sample(tmp_path_factory.mktemp("a sample") / "crawl")


def urls(sample: build.Sample) -> list[str]:
    found = []
    for path in sample.paths:
        with path.open("rb") as stream:
            records = ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=False)
            found += [record.headers["WARC-Target-URI"] for record in records]
    return found


def test_two_snapshots_of_hundreds_of_pages_that_overlap_change_and_vanish(sample: tuple[build.Sample, ...]) -> None:
    first, second = (set(urls(snapshot)) for snapshot in sample)
    assert min(len(first), len(second)) >= 300
    assert first - second, "pages vanish"
    assert second - first, "pages are new"
    assert len(first & second) > 200, "pages stay"
    assert "https://harbour-post.example/2026/tide-mill" in first - second


def test_files_are_gzip_members_that_any_reader_takes(sample: tuple[build.Sample, ...]) -> None:
    for snapshot in sample:
        for path in snapshot.paths:
            plain = gzip.decompress(path.read_bytes())
            assert plain.startswith(b"WARC/1")
            assert plain.count(b"WARC-Type: response") == plain.count(b"WARC-Type: request")


def test_the_same_environment_gives_the_same_bytes(sample: tuple[build.Sample, ...], tmp_path: Path) -> None:
    def digests(samples: tuple[build.Sample, ...]) -> list[str]:
        return [hashlib.sha256(path.read_bytes()).hexdigest() for s in samples for path in s.paths]

    assert digests(build_sample(tmp_path / "again")) == digests(sample)


def test_a_killed_build_leaves_nothing_that_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "environment_pages", tuple)

    def killed(*_: object) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(build, "warc_file", killed)
        with pytest.raises(KeyboardInterrupt):
            build_sample(tmp_path)
    assert not list(tmp_path.glob("*.warc.gz"))
    assert all(path.exists() for sample in build_sample(tmp_path) for path in sample.paths)


def test_nothing_of_the_working_directory_or_environment_is_run_or_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "calendar.py").write_text("open('was-run', 'w').close()\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("SOME_SECRET", "swordfish-of-the-test")
    pages = environment_pages()
    assert not (tmp_path / "was-run").exists()
    text = "".join(str(page.html) for page in pages)
    assert "swordfish-of-the-test" not in text
    assert os.environ["SOME_SECRET"] == "swordfish-of-the-test"
    assert any(page.url.endswith("/library/calendar.html") for page in pages)


def test_urls_are_unique_and_legacy_encodings_are_there() -> None:
    for number in (0, 1):
        pages = [*web_pages(number), *fault_pages(number)]
        assert len({page.url for page in pages}) == len(pages)
        encoded = [page.html for page in pages if isinstance(page.html, bytes)]
        assert any("Когда на реке".encode("koi8-r") in html for html in encoded)
        assert any("石桥".encode("gb18030") in html for html in encoded)

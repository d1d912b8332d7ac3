"""The watched place: what counts as a snapshot, how it is called, in which order, and when it has settled."""

import gzip
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.crawl.inputs import expand_inputs
from spark_jobs.crawl.watch import SNAPSHOT_ID, Sighting, look, settled, snapshot_name
from spark_jobs.errors import InputError

PAGE = b"<html><p>a page</p></html>"


def put(path: Path, content: bytes = PAGE) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def names(found: tuple[Sighting, ...]) -> list[str]:
    return [one.name for one in found]


def test_a_folder_holds_a_snapshot_for_each_folder_and_crawl_file_in_it(tmp_path: Path) -> None:
    put(tmp_path / "2026-02" / "deep" / "page.html")
    put(tmp_path / "2026-01" / "part-0.warc.gz")
    put(tmp_path / "2026-03.jsonl.gz")
    put(tmp_path / "notes.txt")
    put(tmp_path / ".hidden" / "page.html")
    put(tmp_path / "_staging" / "page.html")
    found = look(str(tmp_path))
    assert names(found) == ["2026-01", "2026-02", "2026-03"]
    assert all(one.unfinished is None for one in found)
    assert found[2].uri == str(tmp_path / "2026-03.jsonl.gz")


def test_the_signature_moves_with_every_change_and_with_nothing_else(tmp_path: Path) -> None:
    page = put(tmp_path / "crawl" / "page.html")
    other = put(tmp_path / "other" / "page.html")

    def signature() -> str:
        return next(one.signature for one in look(str(tmp_path)) if one.name == "crawl")

    seen = [signature()]
    assert signature() == seen[0]
    put(other, b"<html>more")
    assert signature() == seen[0], "another snapshot is no business of this one"
    more = tmp_path / "crawl" / "more.html"
    changes = (
        lambda: put(more),
        lambda: put(page, b"<html>longer than before"),
        lambda: os.utime(page, (1, 1)),
        lambda: page.rename(page.with_name("renamed.html")),
        more.unlink,
    )
    for change in changes:
        change()
        seen.append(signature())
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("name", ["part-1.warc.gz.tmp", "part-1.warc.gz.part", "part-1.warc.gz._COPYING_"])
def test_what_is_still_written_is_not_taken(tmp_path: Path, name: str) -> None:
    put(tmp_path / "crawl" / "part-0.warc.gz")
    put(tmp_path / "crawl" / name)
    (one,) = look(str(tmp_path))
    assert one.unfinished is not None
    assert name in one.unfinished
    assert settled([one], {"crawl": (one.signature, 0.0)}, 1e6, 60)[0] == ()


def test_an_empty_folder_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "crawl").mkdir()
    (one,) = look(str(tmp_path))
    assert one.unfinished == "it holds no crawl file"


def test_a_glob_is_told_apart_by_where_its_first_wildcard_stands(tmp_path: Path) -> None:
    for name in ("CC-1", "CC-2"):
        put(tmp_path / name / "warc" / "part-0.warc.gz")
        put(tmp_path / name / "warc" / "part-1.warc.gz")
        put(tmp_path / name / "wet" / "part-0.warc.wet.gz")
    found = look(f"{tmp_path}/CC-*/warc/*.warc.gz")
    assert names(found) == ["CC-1", "CC-2"]
    assert found[0].uri == f"{tmp_path}/CC-1/warc/*.warc.gz"
    assert [file[0] for file in found[0].files] == [f"{tmp_path}/CC-1/warc/part-{n}.warc.gz" for n in (0, 1)]
    assert names(look(f"{tmp_path}/CC-1/warc/*.gz")) == ["part-0", "part-1"]
    assert look(f"{tmp_path}/nothing-*") == ()


def test_a_list_is_one_snapshot_named_by_its_crawl(tmp_path: Path) -> None:
    put(tmp_path / "crawl-data" / "CC-MAIN-2026-05" / "warc.paths.gz", gzip.compress(b"a.warc.gz\n"))
    place = str(tmp_path / "crawl-data" / "CC-MAIN-2026-05" / "warc.paths.gz")
    (one,) = look(place)
    assert (one.name, one.uri, one.files) == ("CC-MAIN-2026-05", place, ())
    (missing,) = look(str(tmp_path / "CC-MAIN-2026-06" / "warc.paths.gz"))
    assert missing.unfinished is not None


CRAWLS = ["CC-4", "CC-3", "CC-2", "CC-1"]


@pytest.fixture
def index(tmp_path: Path) -> str:
    """An index of four crawls, the newest first as there, with the lists of all but the newest."""
    put(tmp_path / "collinfo.json", json.dumps([{"id": name, "name": f"crawl {name}"} for name in CRAWLS]).encode())
    for name in CRAWLS[1:]:
        put(tmp_path / "crawl-data" / name / "warc.paths.gz", gzip.compress(b"a.warc.gz\n"))
    return str(tmp_path / "collinfo.json")


@pytest.mark.parametrize(
    ("since", "known", "wanted"),
    [
        (None, (), ["CC-4"]),
        (None, ("CC-2",), ["CC-2", "CC-3", "CC-4"]),
        (None, ("CC-1", "CC-3", "else"), ["CC-3", "CC-4"]),
        ("CC-1", ("CC-3",), ["CC-1", "CC-2", "CC-3", "CC-4"]),
    ],
)
def test_of_an_index_the_crawls_from_the_newest_known_on_are_wanted_oldest_first(
    index: str, since: str | None, known: tuple[str, ...], wanted: list[str]
) -> None:
    found = look(index, since=since, known=known)
    assert names(found) == wanted
    assert found[-1].unfinished is not None, "the list of the newest is not there yet"
    assert all(one.unfinished is None for one in found[:-1])


def test_lists_of_an_index_can_lie_elsewhere(index: str, tmp_path: Path) -> None:
    put(tmp_path / "mirror" / "CC-4" / "wet.paths.gz", gzip.compress(b"a.warc.wet.gz\n"))
    (one,) = look(index, lists=f"{tmp_path}/mirror/{{id}}/wet.paths.gz")
    assert (one.name, one.unfinished) == ("CC-4", None)


def test_a_place_that_cannot_be_read_is_told_in_one_line(index: str, tmp_path: Path) -> None:
    broken = put(tmp_path / "broken" / "collinfo.json", b'{"id": 3}')
    with pytest.raises(InputError, match="no index of crawls"):
        look(str(broken))
    with pytest.raises(InputError, match="PROVENDER_WATCH_SINCE"):
        look(index, since="CC-9")
    with pytest.raises(InputError, match="no such folder to watch"):
        look(str(tmp_path / "nowhere"))
    put(tmp_path / "twice" / "a b" / "page.html")
    put(tmp_path / "twice" / "a-b" / "page.html")
    with pytest.raises(InputError, match="would both be the snapshot a-b"):
        look(str(tmp_path / "twice"))


def test_settling_is_counted_from_the_last_change_by_our_own_clock() -> None:
    def at(signature: str, seen: dict[str, tuple[str, float]], now: float) -> tuple[bool, dict[str, tuple[str, float]]]:
        ready, kept = settled([Sighting("one", "/one", signature)], seen, now, 60)
        return bool(ready), kept

    ready, seen = at("a", {}, 1000)
    assert not ready
    assert not at("a", seen, 1059)[0]
    assert at("a", seen, 1060)[0]
    ready, seen = at("b", seen, 1060)
    assert not ready, "it changed"
    ready, back = at("b", seen, 500)
    assert not ready, "the clock was put back"
    assert not at("b", back, 559)[0]
    assert at("b", back, 560)[0]
    assert settled([], seen, 2000, 60) == ((), {}), "what is gone is forgotten"


def test_what_was_registered_already_is_known_by_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "crawl"
    put(folder / "page.html")
    put(folder / "README.md", b"about")
    (one,) = look(str(tmp_path))
    inputs = [{"uri": f.uri, "bytes": f.bytes, "modified": f.modified} for f in expand_inputs([one.uri])]
    assert one.is_made_of(inputs)
    put(folder / "README.md", b"more about it")
    assert look(str(tmp_path))[0].is_made_of(inputs), "no crawl file changed"
    put(folder / "more.html")
    assert not look(str(tmp_path))[0].is_made_of(inputs)
    assert not one.is_made_of([])


@given(st.text(max_size=90))
def test_every_name_that_is_found_can_name_a_snapshot(text: str) -> None:
    assert SNAPSHOT_ID.match(snapshot_name(f"/crawls/{text}"))

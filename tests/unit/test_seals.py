"""Digests of files are taken once: what a publication took over from the one before keeps what was said of it."""

import json
from pathlib import Path

import pytest

from spark_jobs.lake.files import seal_files, sealed, sealed_since
from spark_jobs.lake.log_lake import LogLake

TABLE = "cleaned"
KEPT, GONE, NEW = (f"snapshot=s1/{name}.parquet" for name in ("kept", "gone", "new"))


@pytest.fixture
def lake(tmp_path: Path) -> LogLake:
    """A partition that is published, and published again with one file exchanged."""
    log = tmp_path / "tables" / TABLE / "_delta_log"
    log.mkdir(parents=True)
    commits: list[tuple[str, tuple[str, ...], tuple[str, ...]]] = [
        ("p1", (KEPT, GONE), ()), ("p2", (NEW,), (GONE,)),
    ]  # fmt: skip
    (log / f"{0:020d}.json").write_text('{"commitInfo":{"timestamp":0}}\n', "utf-8")
    for version, (name, added, removed) in enumerate(commits, 1):
        record = {"kind": "main", "table": TABLE, "partition": "s1", "publication": name, "sequence": version,
                  "fingerprint": "f", "digest": "0:0", "side_publication": "p1"}  # fmt: skip
        lines = [{"commitInfo": {"timestamp": 0, "userMetadata": json.dumps(record)}}]
        lines += [{"remove": {"path": path}} for path in removed]
        lines += [{"add": {"path": path, "partitionValues": {"snapshot": "s1"}, "size": 1}} for path in added]
        (log / f"{version:020d}.json").write_text("\n".join(map(json.dumps, lines)) + "\n", "utf-8")
        for path in added:
            (tmp_path / "tables" / TABLE / path).parent.mkdir(exist_ok=True)
            (tmp_path / "tables" / TABLE / path).write_bytes(path.encode())
    return LogLake(str(tmp_path))


def test_a_byte_that_changed_before_a_takedown_is_not_taken_for_what_was_published(lake: LogLake) -> None:
    first, second = lake.history(TABLE)
    seal_files(lake, first)
    before = sealed(lake, first)
    assert before is not None
    Path(lake.location(TABLE), KEPT).write_bytes(b"damaged")
    seal_files(lake, second, after=first)
    after = sealed(lake, second)
    assert after is not None
    assert set(after) == {f"{TABLE}/{KEPT}", f"{TABLE}/{NEW}"}
    assert after[f"{TABLE}/{KEPT}"] == before[f"{TABLE}/{KEPT}"]


def test_what_follows_a_publication_that_nobody_hashed_is_hashed(lake: LogLake) -> None:
    first, second = lake.history(TABLE)
    seal_files(lake, second, after=first)
    assert set(sealed(lake, second) or ()) == {f"{TABLE}/{KEPT}", f"{TABLE}/{NEW}"}


def test_files_that_a_takedown_wrote_again_beside_it_have_the_digests_of_what_followed(lake: LogLake) -> None:
    first, second = lake.history(TABLE)
    seal_files(lake, first)
    own = sealed(lake, first) or {}
    Path(lake.location(TABLE), KEPT).write_bytes(b"damaged")
    seal_files(lake, second)
    since = sealed_since(lake, first)
    assert since == {**(sealed(lake, second) or {}), **own}
    assert since[f"{TABLE}/{KEPT}"] == own[f"{TABLE}/{KEPT}"], "its own digest stands"
    assert f"{TABLE}/{NEW}" in since
    assert set(sealed_since(lake, second)) == {f"{TABLE}/{KEPT}", f"{TABLE}/{NEW}"}, "nothing of what was before"

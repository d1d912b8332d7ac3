"""The law of retention, over histories nobody thought of: what is needed stays, and everything else goes. No JVM.

The logs are written here as Delta writes them, so far as they are read: commits with records, files added and removed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.lake import vacuum
from spark_jobs.lake.file_log import FileLog
from spark_jobs.lake.files import files_of
from spark_jobs.lake.lake import VACUUM, Lake
from spark_jobs.lake.records import Publication
from spark_jobs.lake.releases import Release
from spark_jobs.lake.vacuum import plan

SNAPSHOTS = ("one", "two: %1 ü")  # names are escaped on the way to a path, and once more in the log
UPSTREAM: Mapping[str, Sequence[str]] = {"raw": (), "cleaned": ("raw",), "scored": ("cleaned",)}


@dataclass
class Written:
    """A lake as its files say it; `names` are the publications' ids by the order in which they were written."""

    home: Path
    ids: int = 0
    versions: dict[str, int] = field(default_factory=dict)
    listed: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    current: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def lake(self) -> Lake:
        return Lake(None, str(self.home))  # type: ignore[arg-type] # nothing here asks Spark

    def commit(self, table: str, lines: list[dict[str, Any]], record: Mapping[str, Any] | None) -> int:
        version = self.versions.get(table, -1) + 1
        self.versions[table] = version
        info = {"timestamp": 0, **({} if record is None else {"userMetadata": json.dumps(record)})}
        log = self.home / "tables" / table / "_delta_log" / f"{version:020d}.json"
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text("".join(json.dumps(line) + "\n" for line in [{"commitInfo": info}, *lines]), encoding="utf-8")
        return version

    def file(self, table: str, scope: str, partition: str, publication: str | None = None) -> dict[str, Any]:
        folder = f"{scope}={quote(partition, safe='')}" + (f"/publication={publication}" if publication else "")
        self.ids += 1
        path = self.home / "tables" / table / folder / f"part-{self.ids}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * self.ids)
        values = {scope: partition} | ({"publication": publication} if publication else {})
        return {"path": quote(f"{folder}/{path.name}"), "partitionValues": values, "size": self.ids}

    def publish(self, table: str, partition: str, inputs: list[dict[str, Any]], **said: Any) -> str:
        scope = "release" if table == "mixed" else "snapshot"
        self.ids += 1
        name = f"p{self.ids}"
        side = ["locator"] if table == "raw" else []
        for other in side:
            self.commit(other, [{"add": self.file(other, scope, partition, name)}], {"kind": "side"})
        added = [self.file(table, scope, partition) for _ in range(1 + self.ids % 2)]
        replaced = self.listed.get((table, partition), [])
        record = {"kind": "main", "partition": partition, "publication": name, "inputs": inputs, "side": side,
                  "sequence": self.ids, "digest": "0:0", "fingerprint": "f", **said}  # fmt: skip
        version = self.commit(
            table, [*({"remove": {"path": path}} for path in replaced), *({"add": file} for file in added)], record
        )
        self.listed[table, partition] = [file["path"] for file in added]
        pin = {"table": table, "partition": partition, "version": version, "publication": name, "digest": "0:0"}
        self.current[table, partition] = pin
        return name

    def data(self) -> set[str]:
        return {
            path.relative_to(self.home).as_posix() for path in (self.home / "tables").rglob("*.parquet")
        }  # fmt: skip


STEPS = st.lists(
    st.tuples(st.sampled_from(["raw", "cleaned", "scored", "mix"]), st.sampled_from(SNAPSHOTS)), min_size=1, max_size=25
)


def played(home: Path, steps: Sequence[tuple[str, str]]) -> tuple[Written, list[Release]]:
    """A lake after these steps; a step whose inputs are not there is passed over. There is a release at the end."""
    written, releases = Written(home), []
    for table, snapshot in [("raw", "one"), *steps, ("mix", "one")]:
        if table == "mix":
            pins = [pin for (name, _), pin in sorted(written.current.items()) if name != "mixed"]
            name = f"r{len(releases)}"
            releases.append(Release(name, "test", "published", written.publish("mixed", name, pins), {}))
        elif all((upstream, snapshot) in written.current for upstream in UPSTREAM[table]):
            written.publish(table, snapshot, [written.current[upstream, snapshot] for upstream in UPSTREAM[table]])
    return written, releases


def needed(lake: Lake, names: set[str]) -> set[str]:
    """From the definition: files of kept releases and current publications, and of all that they pin."""
    everything = {p.id: p for table in ("raw", "cleaned", "scored", "mixed") for p in lake.history(table)}
    waiting: list[Publication] = [p for p in everything.values() if p.table == "mixed" and p.partition in names]
    for table in ("raw", "cleaned", "scored"):
        waiting += lake.publications(table).values()
    found: dict[str, Publication] = {}
    while waiting:
        p = waiting.pop()
        found[p.id] = p
        waiting += [everything[pin["publication"]] for pin in p.inputs if pin["publication"] not in found]
    return {f"tables/{f.table}/{f.path}" for p in found.values() for f in files_of(lake, p)}


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, kept=st.sets(st.integers(0, 25), max_size=3))
def test_what_is_needed_stays_and_everything_else_goes(steps: list[tuple[str, str]], kept: set[int]) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        written, releases = played(Path(folder), steps)
        patch.setattr(vacuum, "releases", lambda _lake: tuple(releases))
        lake, keep = written.lake(), [release for n, release in enumerate(releases) if n in kept]
        made = plan(lake, keep, older_than_hours=24)
        stays = {release.name for release in keep} | {releases[-1].name}
        going = {removal.path for removal in made.removals}
        assert going | needed(lake, stays) == written.data()
        assert not going & needed(lake, stays)
        assert {release.name for release in made.retire} == {r.name for r in releases} - stays
        assert sum(removal.bytes for removal in made.removals) == sum(
            (written.home / path).stat().st_size for path in going
        )
        gone = {p.id for p in made.publications}
        assert all(p.partition not in stays for p in made.publications if p.table == "mixed")
        current = {p.id for table in UPSTREAM for p in lake.publications(table).values()}
        assert not gone & current
        listed_of_gone = {r.name for r in made.retire}
        assert set(made.rows["mixed"]) == listed_of_gone
        assert set(made.rows["locator"]) == {p.id for p in made.publications if p.table == "raw"}


def test_what_a_takedown_left_of_what_a_kept_release_was_made_from_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, (first,) = played(tmp_path, [("cleaned", "one")])
    pin = written.current["cleaned", "one"]
    left = written.publish("cleaned", "one", [], takedown={"receipt": "t", "of": pin["publication"]})
    files = {f"tables/cleaned/{unquote(path)}" for path in written.listed["cleaned", "one"]}
    (tmp_path / "takedowns").mkdir()
    gone = [{"table": "cleaned", "partition": "one", "version": pin["version"], "publication": pin["publication"]}]
    (tmp_path / "takedowns" / "t.json").write_text(json.dumps({"receipt": "t", "tables": [], "destroyed": gone}))
    written.publish("cleaned", "one", [])
    last = Release("r1", "test", "published", written.publish("mixed", "r1", [written.current["cleaned", "one"]]), {})
    monkeypatch.setattr(vacuum, "releases", lambda _lake: (first, last))
    kept = plan(written.lake(), [first], older_than_hours=24)
    assert left not in {p.id for p in kept.publications}
    assert not files & {removal.path for removal in kept.removals}
    without = plan(written.lake(), [], older_than_hours=24)
    assert files <= {removal.path for removal in without.removals}, "nothing else needs it"


def test_paths_of_odd_partitions_are_found(tmp_path: Path) -> None:
    written, _releases = played(tmp_path, [("raw", SNAPSHOTS[1])])
    log = FileLog("raw", str(tmp_path / "tables" / "raw"), "snapshot")
    files = log.files()
    assert {file.partition for file in files} == set(SNAPSHOTS)
    assert all((tmp_path / "tables" / "raw" / file.path).is_file() for file in files)
    assert {f"tables/raw/{file.path}" for file in files} <= written.data()


def test_a_publication_that_a_vacuum_took_is_current_no_more(tmp_path: Path) -> None:
    written, (release,) = played(tmp_path, [])
    lake = written.lake()
    assert lake.current("mixed", "r0") is not None
    assert lake.sequence("mixed", "r0") > 0
    before = lake.sequence("mixed", "r0")
    written.commit("mixed", [], {"kind": VACUUM, "publications": [release.publication]})
    lake.refresh()
    assert lake.current("mixed", "r0") is None
    assert set(lake.vacuumed("mixed")) == {release.publication}
    assert lake.sequence("mixed", "r0") == before, "numbers are never used twice"
    assert [p.id for p in lake.history("mixed")] == [release.publication], "its record remains"

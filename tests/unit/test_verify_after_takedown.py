"""A release whose ancestors a takedown touched is verified on what the takedown left, where digests prove that."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.lake.digest import ContentDigest
from spark_jobs.lake.log_lake import LogLake
from spark_jobs.lake.receipts import destroyed, destructions
from spark_jobs.lake.records import Publication, seal
from spark_jobs.lake.verify import Verification, _standing

ROW = ContentDigest(1, 7)
WHOLE = ContentDigest(9, 1_000)
NOTHING = ContentDigest(0, 0)


class Logged(LogLake):
    """A lake of publications of one table, each following the one before; `gone` were vacuumed."""

    def __init__(self, home: Path, publications: list[Publication]) -> None:
        super().__init__(str(home))
        self.listed, self.gone = publications, dict[str, datetime]()

    def history(self, _table: str) -> tuple[Publication, ...]:
        return tuple(self.listed)

    def vacuumed(self, _table: str) -> dict[str, datetime]:
        return self.gone


def publication(digest: ContentDigest, version: int, of: Publication | None = None, **said: Any) -> Publication:
    """One; `of` is the one that a takedown published it in the place of, `said` what its record has otherwise."""
    record: dict[str, Any] = {"table": "raw", "partition": "s", "sequence": version, "fingerprint": "f",
                              "digest": str(digest)}  # fmt: skip
    if of is not None:
        told = {"receipt": f"takedown {version - 1}", "of": of.id, "before": of.digest, "removed": str(ROW),
                "replaced": str(NOTHING), "elected": str(NOTHING)}  # fmt: skip
        record["takedown"] = told | said
    return Publication("raw", "s", version, datetime(2026, 1, 1, tzinfo=UTC), seal(record))


def note(home: Path, name: str, *gone: Publication, **more: Any) -> None:
    """A receipt that says what it destroyed."""
    destroyed = [{"table": "raw", "partition": "s", "version": p.version, "publication": p.id} for p in gone]
    (home / "takedowns").mkdir(exist_ok=True)
    receipt = {"receipt": name, "tables": [], "destroyed": destroyed} | more
    (home / "takedowns" / f"{name}.json").write_text(json.dumps(receipt), "utf-8")


@pytest.fixture
def lake(tmp_path: Path) -> Logged:
    """A partition that two takedowns went through."""
    first = publication(WHOLE, 1)
    second = publication(WHOLE - ROW, 2, first)
    return Logged(tmp_path, [first, second, publication(WHOLE - ROW - ROW, 3, second)])


def standing(lake: Logged) -> tuple[int, Verification]:
    found = Verification("r")
    return _standing(lake, lake.listed[0], found).version, found


def test_what_takedowns_left_stands_for_what_they_destroyed(lake: Logged, tmp_path: Path) -> None:
    note(tmp_path, "one", lake.listed[0])
    note(tmp_path, "two", lake.listed[1])
    version, found = standing(lake)
    assert (version, found.mismatches) == (3, [])
    assert [line.split(":")[0] for line in found.notes] == ["raw/s version 1", "raw/s version 2"]
    assert "takedown 2 took documents out; version 3" in found.notes[1]


def test_a_publication_that_nothing_was_taken_out_of_stands_for_itself(lake: Logged, tmp_path: Path) -> None:
    note(tmp_path, "one")
    version, found = standing(lake)
    assert (version, found.mismatches, found.notes) == (1, [], [])


@pytest.mark.parametrize(
    "said",
    [
        {"removed": str(NOTHING)},  # no row is said to have gone, and one did
        {"before": str(WHOLE - ROW)},  # of something else
        {"elected": str(ROW)},  # a row is said to have come
    ],
    ids=str,
)
def test_a_commit_that_digests_contradict_proves_nothing(lake: Logged, tmp_path: Path, said: dict[str, str]) -> None:
    lake.listed[1:] = [publication(WHOLE - ROW, 2, lake.listed[0], **said)]
    note(tmp_path, "one", lake.listed[0])
    version, found = standing(lake)
    assert version == 1
    assert [m.check for m in found.mismatches] == ["digests of the takedown"]


def test_a_record_that_was_changed_afterwards_proves_nothing(lake: Logged, tmp_path: Path) -> None:
    second = lake.listed[1]
    changed = second.record | {"digest": str(WHOLE), "takedown": second.record["takedown"] | {"removed": str(NOTHING)}}
    lake.listed[1:] = [Publication("raw", "s", 2, second.published_at, changed)]
    note(tmp_path, "one", lake.listed[0])
    version, found = standing(lake)
    assert (version, [m.check for m in found.mismatches]) == (1, ["record"])


@pytest.mark.parametrize("which", ["of another", "earlier"])
def test_only_a_later_commit_that_names_it_stands_for_it(lake: Logged, tmp_path: Path, which: str) -> None:
    first, other = lake.listed[0], publication(WHOLE + ROW, 1)
    lake.listed[1:] = [publication(WHOLE, 2, other) if which == "of another" else publication(WHOLE - ROW, 0, first)]
    note(tmp_path, "one", lake.listed[0])
    version, found = standing(lake)
    assert (version, found.notes) == (1, []), "nothing stands for it, so what is left of it is looked at"


def test_files_may_go_with_a_later_takedown_than_the_one_that_named_inputs_anew(lake: Logged, tmp_path: Path) -> None:
    first = lake.listed[0]
    second = publication(WHOLE, 2, first, removed=str(NOTHING))
    lake.listed[1:] = [second, publication(WHOLE - ROW, 3, second)]
    note(tmp_path, "one")
    note(tmp_path, "two", first, second)
    version, found = standing(lake)
    assert (version, found.mismatches) == (3, [])


def test_a_takedown_that_was_asked_for_again_and_one_that_was_killed_take_no_proof_away(
    lake: Logged, tmp_path: Path
) -> None:
    note(tmp_path, "one", lake.listed[0])
    place = tmp_path / "takedowns" / "one.json"
    earlier = json.loads(place.read_text("utf-8"))
    place.write_text(json.dumps({"receipt": "one", "tables": None, "destroyed": [], "before": [earlier]}), "utf-8")
    version, found = standing(lake)
    assert (version, found.mismatches) == (2, [])
    assert destroyed(str(tmp_path)) == {lake.listed[0].id: "one"}


def test_what_a_vacuum_let_go_stands_for_nothing(lake: Logged, tmp_path: Path) -> None:
    note(tmp_path, "one", lake.listed[0])
    lake.gone = {lake.listed[1].id: datetime(2026, 1, 2, tzinfo=UTC)}
    version, found = standing(lake)
    assert (version, found.mismatches) == (1, [])


def test_a_receipt_explains_the_files_that_it_lists_and_an_early_one_all(lake: Logged, tmp_path: Path) -> None:
    first = lake.listed[0]
    note(tmp_path, "one", first, files={"deleted": 1, "paths": ["raw/a"]})
    note(tmp_path, "two", first, files={"deleted": 1, "paths": ["raw/b"]})
    (found,) = destructions(str(tmp_path)).values()
    assert found.receipts == ("one", "two")
    assert [name for name in ("raw/a", "raw/b", "raw/c") if found.explains(name)] == ["raw/a", "raw/b"]
    # One that was begun by an early version and ended by this one lists a part of what it counts.
    for early in ({"deleted": 1}, {"deleted": 2, "paths": ["raw/b"]}):
        note(tmp_path, "two", first, files=early)
        assert destructions(str(tmp_path))[first.id].explains("raw/c")

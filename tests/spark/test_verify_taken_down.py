"""A release of a publication that was superseded before takedowns destroyed files of it: what is left is checked."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from spark_jobs.lake import receipts
from spark_jobs.lake.check_content import check_publication
from spark_jobs.lake.files import files_of, location_of
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.mismatch import Mismatch
from spark_jobs.lake.records import Publication
from spark_jobs.recipe.sections.deduped import DedupedSection
from spark_jobs.stages.takedown import Takedown
from spark_jobs.stages.takedown_request import Request
from tests.spark import published
from tests.spark.broken import flip, lose_commit, verified
from tests.spark.published import doc
from tests.spark.released import copy_of, publish_rows

pytestmark = pytest.mark.heavy

TAKEN = (12, 14)  # of `raw` and `cleaned`, in the second of two files of each


@pytest.fixture(scope="module")
def taken(whole: Lake, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """`cleaned` was published again, and then two documents were taken down, one after the other."""
    place = tmp_path_factory.mktemp("taken")
    lake = copy_of(whole, place / "home")
    publish_rows(lake, "cleaned", published.cleaned_rows(), run_id="again")
    recipe: Any = SimpleNamespace(deduped=DedupedSection())
    for number in TAKEN:
        request = Request({"doc": (doc(number),)}, "a test")
        Takedown(lake=lake, recipe=recipe, request=request, scratch=str(place / "scratch")).run()
    return Lake(lake.spark, lake.home)


@pytest.fixture
def lake(taken: Lake, tmp_path: Path) -> Lake:
    return copy_of(taken, tmp_path / "home")


def first(lake: Lake) -> Publication:
    """The publication of `cleaned` that the release was made from."""
    return lake.history("cleaned")[0]


def checked(lake: Lake) -> list[Mismatch]:
    gone = receipts.destructions(lake.home)[first(lake).id]
    return check_publication(lake, first(lake), gone).mismatches


def left(lake: Lake) -> Path:
    """The file of it that is left."""
    (found,) = (Path(location_of(lake, f)) for f in files_of(lake, first(lake)) if Path(location_of(lake, f)).exists())
    return found


def test_receipts_list_the_files_that_went(taken: Lake) -> None:
    for receipt in receipts.every(taken.home):
        files = receipt["files"]
        assert files["deleted"] == len(files["paths"]) > 0
        assert not any((Path(taken.home) / "tables" / path).exists() for path in files["paths"])
        assert {path.split("/")[0] for path in files["paths"]} == {"raw", "cleaned", "locator"}


def test_what_receipts_explain_is_a_note(taken: Lake) -> None:
    found = verified(taken)
    assert found.mismatches == []
    one, two = (receipt["receipt"] for receipt in sorted(receipts.every(taken.home), key=lambda r: r["begun_at"]))
    (note,) = (note for note in found.notes if note.startswith("cleaned"))
    assert note == (
        f"cleaned/s2 version 1: {one} destroyed files of it (1), so its rows cannot be proved; its other files (1) "
        "were checked by their bytes"
    )
    assert [note.partition(" took")[0] for note in found.notes if note.startswith("raw")] == [
        f"raw/s2 version {version}: {receipt}" for version, receipt in ((1, one), (2, two))
    ]


def test_what_is_left_is_checked_by_its_bytes(lake: Lake) -> None:
    path = left(lake)
    flip(path, 40)
    (changed,) = checked(lake)
    assert (changed.check, Path(str(changed.file)).name) == ("bytes", path.name)
    path.unlink()
    (missing,) = checked(lake)
    assert (missing.check, missing.found) == ("file", "no such file"), "no receipt lists it"


def test_a_receipt_of_an_early_version_explains_every_missing_file(lake: Lake) -> None:
    for place in (Path(lake.home) / "takedowns").iterdir():
        receipt = json.loads(place.read_text("utf-8"))
        del receipt["files"]["paths"]
        place.write_text(json.dumps(receipt), "utf-8")
    assert checked(lake) == []
    left(lake).unlink()
    assert checked(lake) == []


def test_without_its_log_it_is_checked_all_the_same(lake: Lake) -> None:
    lose_commit(lake, "cleaned", 2)
    found = verified(Lake(lake.spark, lake.home))
    assert {(m.table, m.version, m.check) for m in found.mismatches} == {
        ("cleaned", 1, "log"), ("cleaned", 2, "log"),
    }  # fmt: skip
    assert any("files of it (1), so its rows cannot be proved; its other files (1)" in note for note in found.notes)

"""Exports are checked against their manifest, that against what was noted of it, and both against the release."""

import json
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.lake.exports import check_export, exports_of, note_export
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.mismatch import Mismatch
from spark_jobs.lake.releases import find_release
from spark_jobs.lake.verify import verify
from spark_jobs.stages.export import export_release
from tests.spark.broken import flip, verified
from tests.spark.published import RELEASE
from tests.spark.released import copy_of

pytestmark = pytest.mark.heavy

CARD = "---\nlicense: cc0-1.0\n---\nA card.\n"


@pytest.fixture
def lake(whole: Lake, tmp_path: Path) -> Lake:
    return copy_of(whole, tmp_path / "home")


@pytest.fixture
def out(lake: Lake, tmp_path: Path) -> Path:
    """An export of the release with its card, noted."""
    return exported(lake, tmp_path / "export")


def exported(lake: Lake, out: Path, **said: Any) -> Path:
    manifest = find_release(lake, RELEASE).manifest
    export_release(lake.published("mixed"), "jsonl", str(out), **{"manifest": manifest, "card": CARD, **said})
    note_export(lake.home, RELEASE, str(out), "jsonl")
    return out


def checked(lake: Lake, out: Path) -> list[Mismatch]:
    return check_export(str(out), exports_of(lake.home, RELEASE), find_release(lake, RELEASE))


def rewrite(out: Path, **changes: Any) -> None:
    """The manifest with other values."""
    place = out / "_manifest.json"
    place.write_text(json.dumps({**json.loads(place.read_text("utf-8")), **changes}), "utf-8")


def test_exported_files_are_checked(lake: Lake, out: Path) -> None:
    found = verified(lake)
    assert (found.exports, found.mismatches) == ([str(out)], [])
    (path,) = out.glob("*.jsonl.gz")
    (entry,) = json.loads((out / "_manifest.json").read_text("utf-8"))["files"]
    whole = path.read_bytes()
    flip(path, len(whole) // 2)
    (changed,) = checked(lake, out)
    assert changed.file == str(path)
    assert changed.expected == f"sha256 {entry['sha256']}"
    path.unlink()
    (missing,) = checked(lake, out)
    assert (missing.file, missing.found) == (str(path), "no such file")
    path.write_bytes(whole)
    (out / "main-00009-of-00009.jsonl.gz").write_bytes(b"x")
    (foreign,) = checked(lake, out)
    assert foreign.found == "a file that the manifest does not name"


def test_a_changed_card_is_found(lake: Lake, out: Path) -> None:
    card = out / "README.md"
    card.write_text(CARD.replace("cc0-1.0", "other"), "utf-8")
    found = verified(lake).mismatches
    assert [m.file for m in found] == [str(card)]
    assert found[0].expected.startswith("sha256 ")
    card.unlink()
    (gone,) = checked(lake, out)
    assert (gone.file, gone.found) == (str(card), "no such file")


def test_an_export_without_a_card_may_have_one_that_somebody_wrote(lake: Lake, tmp_path: Path) -> None:
    out = exported(lake, tmp_path / "bare", card=None)
    (out / "README.md").write_text("Mine.", "utf-8")
    assert checked(lake, out) == []


def test_an_export_of_another_release_or_a_changed_manifest_is_found(lake: Lake, out: Path) -> None:
    release = find_release(lake, RELEASE)
    before = json.loads((out / "_manifest.json").read_text("utf-8"))
    rewrite(out, release={**release.manifest, "publication": "another"})
    changed, other = checked(lake, out)
    assert changed.expected.startswith("sha256 ")
    assert other.found == "another"
    rewrite(out, release={**release.manifest, "licences": []})
    assert [m.found for m in checked(lake, out)][1:] == ["another licences"]
    rewrite(out, **(before | {"documents": "many"}))
    assert [m.found for m in checked(lake, out)][1:] == ["not the JSON of one"]
    (out / "_manifest.json").unlink()
    (gone,) = checked(lake, out)
    assert (gone.expected, gone.found) == ("a manifest", "no such file")


def test_counts_of_an_export_are_those_of_the_release(lake: Lake, out: Path) -> None:
    manifest = json.loads((out / "_manifest.json").read_text("utf-8"))
    rewrite(out, documents=8)
    note_export(lake.home, RELEASE, str(out), "jsonl")
    of_release, of_files = checked(lake, out)
    assert (of_release.expected, of_release.found) == ("9 documents with 85 tokens", "8 documents with 85 tokens")
    assert (of_files.expected, of_files.found) == (
        "8 documents with 85 tokens in its files", "9 documents with 85 tokens",
    )  # fmt: skip
    rewrite(out, **{**manifest, "files": [], "documents": 0, "tokens": 0})
    note_export(lake.home, RELEASE, str(out), "jsonl")
    assert next(m.found for m in checked(lake, out)) == "0 documents with 0 tokens"


def test_copies_may_be_written_one_by_one_or_counted(lake: Lake, tmp_path: Path) -> None:
    assert checked(lake, exported(lake, tmp_path / "counted", expand_copies=False)) == []


def test_an_export_that_was_moved_is_a_note_and_known_by_its_manifest(lake: Lake, out: Path, tmp_path: Path) -> None:
    release, moved = find_release(lake, RELEASE), tmp_path / "moved"
    out.rename(moved)
    found = verify(lake, release, exported_to=[str(moved)])
    assert found.mismatches == []
    assert found.exports == [str(moved)]
    assert "not there any more" in found.notes[0]
    # Another export to the same place does not make the moved one unknown.
    exported(lake, out, expand_copies=False)
    assert checked(lake, moved) == []
    rewrite(moved, written="elsewhere")
    (unknown,) = checked(lake, moved)
    assert "with which no export was noted" in unknown.found


def test_without_any_note_it_is_said_that_only_the_manifests_tell(lake: Lake, tmp_path: Path) -> None:
    copy = copy_of(lake, tmp_path / "another home")
    out = exported(copy, tmp_path / "export of the copy")
    found = verify(lake, find_release(lake, RELEASE), exported_to=[str(out)])
    assert found.mismatches == []
    assert ["no note of any export" in note for note in found.notes] == [True]

"""Verification finds what was done to a release: each fault is done for real, to files that were published."""

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from spark_jobs.errors import VerificationError
from spark_jobs.lake import commits
from spark_jobs.lake.check_content import check_publication
from spark_jobs.lake.exports import check_export, exports_of, note_export
from spark_jobs.lake.files import files_of, location_of
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.mismatch import Mismatch
from spark_jobs.lake.releases import find_release
from spark_jobs.lake.tables import FLOW
from spark_jobs.lake.verify import Verification, verify
from spark_jobs.stages.export import export_release
from tests.spark.published import RELEASE, SNAPSHOT
from tests.spark.released import copy_of

pytestmark = pytest.mark.heavy


@pytest.fixture
def lake(whole: Lake, tmp_path: Path) -> Lake:
    return copy_of(whole, tmp_path / "home")


def verified(lake: Lake) -> Verification:
    return verify(lake, find_release(lake, RELEASE))


def checked(lake: Lake, table: str) -> list[Mismatch]:
    """The mismatches of one publication behind the release; a whole verification takes many times as long."""
    publication = lake.current(table, RELEASE if table == "mixed" else SNAPSHOT)
    assert publication is not None
    return check_publication(lake, publication).mismatches


def file_of(lake: Lake, table: str, side: str | None = None) -> Path:
    """A data file of a table's publication behind the release."""
    publication = lake.current(table, RELEASE if table == "mixed" else SNAPSHOT)
    assert publication is not None
    return next(Path(location_of(lake, f)) for f in files_of(lake, publication) if f.table == (side or table))


def flip(path: Path, place: int) -> None:
    """One bit of a byte, and no sum of it left beside."""
    data = bytearray(path.read_bytes())
    data[place] ^= 0x10
    path.write_bytes(bytes(data))
    forget_sum(path)


def forget_sum(path: Path) -> None:
    """Hadoop keeps a sum beside local files; other storages have none, so nothing may depend on it."""
    (path.parent / f".{path.name}.crc").unlink(missing_ok=True)


def about(found: Verification, **wanted: object) -> list[Mismatch]:
    return [m for m in found.mismatches if all(getattr(m, key) == value for key, value in wanted.items())]


def test_a_release_that_nobody_touched_is_what_was_published(whole: Lake) -> None:
    found = verified(whole)
    assert found.mismatches == []
    assert found.notes == []
    assert found.publications == len(FLOW) + 1, "each table of the flow, and the registry"
    assert found.rows == 20 + 20 + 10 + 10 + 3 + 9 + 1
    assert found.files >= len(FLOW) + 2


@pytest.mark.parametrize(("table", "side"), [("cleaned", None), ("mixed", None), ("raw", "locator")])
def test_a_deleted_file_is_named(lake: Lake, table: str, side: str | None) -> None:
    path = file_of(lake, table, side)
    path.unlink()
    (wrong,) = checked(lake, table)
    assert (wrong.table, wrong.check, wrong.found) == (side or table, "file", "no such file")
    assert wrong.file is not None
    assert path.as_posix().endswith(wrong.file)
    assert wrong.version is not None


@pytest.mark.parametrize("part", ["first page", "middle", "footer", "magic"])
def test_a_flipped_byte_is_found_wherever_it_is(lake: Lake, part: str) -> None:
    path = file_of(lake, "cleaned")
    size = path.stat().st_size
    flip(path, {"first page": 40, "middle": size // 2, "footer": size - 40, "magic": 1}[part])
    (wrong,) = [m for m in checked(lake, "cleaned") if m.check == "bytes"]
    assert path.name == Path(str(wrong.file)).name
    assert wrong.table == "cleaned"


def test_without_digests_of_bytes_a_flipped_byte_in_data_is_still_found(lake: Lake) -> None:
    publication = lake.current("cleaned", SNAPSHOT)
    assert publication is not None
    (Path(lake.home) / "seals" / "cleaned" / f"{publication.id}.json").unlink()
    path = file_of(lake, "cleaned")
    flip(path, 40)
    found = check_publication(lake, publication)
    assert found.mismatches, "its rows are not those that were published, or cannot be read"
    assert found.unsealed == found.files > 0


def test_a_file_of_other_rows_is_found_by_the_digest_and_the_counts(lake: Lake, spark: SparkSession) -> None:
    path = file_of(lake, "deduped")
    rows = spark.read.parquet(str(path)).collect()
    schema = spark.read.parquet(str(path)).schema
    changed = [row.asDict() for row in rows]
    changed[0]["kept"] = not changed[0]["kept"]
    other = path.parent.parent / "other"
    spark.createDataFrame([tuple(row.values()) for row in changed[:-1]], schema).coalesce(1).write.parquet(str(other))
    (written,) = other.glob("part-*.parquet")
    path.write_bytes(written.read_bytes())
    forget_sum(path)
    checks = {m.check for m in checked(lake, "deduped")}
    assert {"row count", "content digest", "kept rows"} <= checks
    assert checks & {"size", "bytes"}


def test_a_commit_that_says_something_else_is_found(lake: Lake) -> None:
    publication = lake.current("scored", SNAPSHOT)
    assert publication is not None
    log = Path(lake.location("scored")) / "_delta_log" / f"{publication.version:020d}.json"
    other = publication.digest.replace("10:", "11:")
    log.write_text(log.read_text().replace(publication.digest, other))
    forget_sum(log)
    fresh = Lake(lake.spark, lake.home)
    checks = {m.check for m in about(verify(fresh, find_release(fresh, RELEASE)), table="scored")}
    assert {"record", "content digest", "record in the ledger"} <= checks


def test_a_damaged_log_is_told_with_its_place(lake: Lake) -> None:
    log = Path(lake.location("scored")) / "_delta_log" / f"{1:020d}.json"
    log.write_text(log.read_text()[:200])
    with pytest.raises(VerificationError, match=r"scored/_delta_log/0+1\.json:1: the log is damaged"):
        commits.commit(lake.location("scored"), 1)


def test_a_lost_commit_is_a_pin_that_leads_nowhere(lake: Lake) -> None:
    (Path(lake.location("rewritten")) / "_delta_log" / f"{1:020d}.json").unlink()
    fresh = Lake(lake.spark, lake.home)
    found = verify(fresh, find_release(fresh, RELEASE))
    assert any(m.found == "no such publication" and "pin rewritten" in m.check for m in found.mismatches)


def test_a_manifest_that_pins_something_else_is_found(lake: Lake) -> None:
    release = find_release(lake, RELEASE)
    manifest = json.loads(json.dumps(release.manifest))
    manifest["digest"] = "0:0"
    manifest["ancestors"][0]["publication"] = "another"
    found = verify(lake, type(release)(release.name, release.recipe, release.state, release.publication, manifest))
    assert {m.check for m in found.mismatches} == {
        "digest in the manifest", f"{manifest['ancestors'][0]['table']}/{SNAPSHOT} in the manifest",
    }  # fmt: skip


def test_what_the_ledger_lacks_is_told_and_what_it_says_wrong_is_a_mismatch(lake: Lake) -> None:
    name = lake.sql_name("publications")
    lake.spark.sql(f"DELETE FROM {name} WHERE table = 'raw'")
    lake.spark.sql(f"UPDATE {name} SET record = '{{}}' WHERE table = 'scored'")
    found = verified(lake)
    assert [(m.table, m.check) for m in found.mismatches] == [("scored", "record in the ledger")]
    assert "the ledger lacks 1 of these publications" in found.notes[0]


def exported(lake: Lake) -> list[Mismatch]:
    (noted,) = exports_of(lake.home, RELEASE)
    return check_export(noted.out, noted, publication=find_release(lake, RELEASE).publication)


def test_exported_files_are_checked(lake: Lake, tmp_path: Path) -> None:
    release = find_release(lake, RELEASE)
    out = tmp_path / "export"
    files = export_release(lake.published("mixed"), "jsonl", str(out), manifest=release.manifest)
    note_export(lake.home, release.name, str(out), "jsonl")
    found = verified(lake)
    assert (found.exports, found.mismatches) == ([str(out)], [])
    path = out / files[0].name
    whole = path.read_bytes()
    flip(path, len(whole) // 2)
    (changed,) = exported(lake)
    assert changed.file == str(path)
    assert changed.expected == f"sha256 {files[0].sha256}"
    path.unlink()
    (missing,) = exported(lake)
    assert (missing.file, missing.found) == (str(path), "no such file")
    path.write_bytes(whole)
    (out / "main-00009-of-00009.jsonl.gz").write_bytes(b"x")
    (foreign,) = exported(lake)
    assert foreign.found == "a file that the manifest does not name"


def test_an_export_of_another_release_or_a_changed_manifest_is_found(lake: Lake, tmp_path: Path) -> None:
    release = find_release(lake, RELEASE)
    out = tmp_path / "export"
    export_release(lake.published("mixed"), "parquet", str(out), manifest={"publication": "another"})
    (other,) = check_export(str(out), None, publication=release.publication)
    assert other.found == "another"
    note_export(lake.home, release.name, str(out), "parquet")
    manifest = out / "_manifest.json"
    manifest.write_text(manifest.read_text().replace("another", release.publication))
    (changed,) = exported(lake)
    assert changed.file == str(manifest)
    manifest.unlink()
    (gone,) = exported(lake)
    assert (gone.expected, gone.found) == ("a manifest", "no such file")


def test_an_export_that_was_moved_is_a_note(lake: Lake, tmp_path: Path) -> None:
    release = find_release(lake, RELEASE)
    out = tmp_path / "export"
    export_release(lake.published("mixed"), "parquet", str(out), manifest=release.manifest)
    note_export(lake.home, release.name, str(out), "parquet")
    out.rename(tmp_path / "moved")
    found = verify(lake, release, exported_to=[str(tmp_path / "moved")])
    assert found.mismatches == []
    assert found.exports == [str(tmp_path / "moved")]
    assert "not there any more" in found.notes[0]


def test_a_changed_model_is_found(lake: Lake, tmp_path: Path) -> None:
    from spark_jobs.lake import models
    from tests.spark.published import scored_rows
    from tests.spark.released import publish_rows, release_of

    path = tmp_path / "model"
    path.write_bytes(b"weights")
    model = models.store(
        lake, path, name="m", version=1, kind="fasttext", fit_fingerprint="f", fitted_on=[SNAPSHOT], params={},
        metrics={},
    )  # fmt: skip
    operator = {"name": "m", "kind": "scorers", "version": 1, "params": {}, "artefact": model.digest}
    publish_rows(lake, "scored", scored_rows(), operators=[operator])
    release = release_of(lake, "with-model")
    (Path(lake.home) / "models" / model.digest).write_bytes(b"other weights")
    found = verify(lake, release)
    assert found.models == 1
    (wrong,) = found.mismatches
    assert wrong.file == f"models/{model.digest}"

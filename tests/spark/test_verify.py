"""Verification finds what was done to a release: each fault is done for real, to files that were published."""

import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from spark_jobs.errors import VerificationError
from spark_jobs.lake import commits
from spark_jobs.lake.check_content import check_publication
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.mismatch import Mismatch
from spark_jobs.lake.records import canonical_json
from spark_jobs.lake.releases import find_release, register_state
from spark_jobs.lake.tables import FLOW
from spark_jobs.lake.verify import verify
from tests.spark.broken import about, behind, file_of, flip, forget_sum, verified
from tests.spark.published import RELEASE, SNAPSHOT
from tests.spark.released import copy_of

pytestmark = pytest.mark.heavy


@pytest.fixture
def lake(whole: Lake, tmp_path: Path) -> Lake:
    return copy_of(whole, tmp_path / "home")


def checked(lake: Lake, table: str) -> list[Mismatch]:
    """The mismatches of one publication behind the release; a whole verification takes many times as long."""
    return check_publication(lake, behind(lake, table)).mismatches


def test_a_release_that_nobody_touched_is_what_was_published(whole: Lake) -> None:
    found = verified(whole)
    assert found.mismatches == []
    assert found.notes == []
    assert found.publications == len(FLOW) + 2, "each table of the flow, the registry, and the release itself"
    assert found.rows == 20 + 20 + 10 + 10 + 3 + 9 + 1 + 1
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
    publication = behind(lake, "cleaned")
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
    publication = behind(lake, "scored")
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
        "manifest of the release",
    }  # fmt: skip


def test_figures_that_do_not_follow_from_the_rows_are_named(lake: Lake) -> None:
    release = find_release(lake, RELEASE)
    manifest = json.loads(json.dumps(release.manifest))
    manifest["totals"]["tokens"] += 1
    manifest["contents"][0]["tokens"] += 1
    manifest["contents"].append(manifest["contents"][1] | {"language": "de"})
    manifest["licences"][0]["licence"] = "CC0-1.0"
    manifest["epochs"]["s"]["epochs"] = 1.5
    register_state(lake, replace(release, manifest=manifest))
    found = {m.check: (m.expected, m.found) for m in verified(lake).mismatches}
    assert found.items() >= {
        "totals tokens in the manifest": ("85", "86"), "number of contents in the manifest": ("2", "3"),
        "contents s/original/main/en tokens in the manifest": ("80", "81"),
        "contents s/rewire/main/de tokens in the manifest": ("nothing", "5"),
        "licences None documents in the manifest": ("9", "nothing"),
        "licences CC0-1.0 documents in the manifest": ("nothing", "9"),
        "epochs s epochs in the manifest": ("1.0", "1.5"),
    }.items()  # fmt: skip
    assert all(name.endswith(" in the manifest") for name in found), "nothing else is wrong"


def test_a_row_of_the_release_that_nobody_published_is_found(lake: Lake) -> None:
    other = canonical_json({**find_release(lake, RELEASE).manifest, "facts": {"seed": 1}})
    lake.spark.sql(f"UPDATE {lake.sql_name('releases')} SET manifest = '{other}', recipe = 'other'")
    found = [(m.table, m.check, m.found) for m in verified(lake).mismatches]
    assert found == [("releases", f"{name} of the release", "another one") for name in ("recipe", "manifest")]


def test_a_file_of_another_row_of_the_release_is_found(lake: Lake, tmp_path: Path) -> None:
    path = file_of(lake, "releases")
    row = pq.read_table(path).to_pylist()[0]
    manifest = json.loads(row["manifest"])
    manifest["totals"]["tokens"] += 1
    pq.write_table(pa.Table.from_pylist([{**row, "manifest": canonical_json(manifest)}]), path)
    forget_sum(path)
    checks = {m.check for m in about(verified(Lake(lake.spark, lake.home)), table="releases")}
    assert checks >= {"bytes", "content digest"} or checks >= {"size", "content digest"}


def test_what_the_ledger_lacks_is_told_and_what_it_says_wrong_is_a_mismatch(lake: Lake) -> None:
    name = lake.sql_name("publications")
    lake.spark.sql(f"DELETE FROM {name} WHERE table = 'raw'")
    lake.spark.sql(f"UPDATE {name} SET record = '{{}}' WHERE table = 'scored'")
    found = verified(lake)
    assert [(m.table, m.check) for m in found.mismatches] == [("scored", "record in the ledger")]
    assert "the ledger lacks 1 of these publications" in found.notes[0]


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

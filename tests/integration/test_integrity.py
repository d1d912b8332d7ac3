"""A release that can be checked, rolled back, made again and let go; and a candidate that a person lets through."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pyspark.sql import SparkSession

from assets.build import keep_outcomes
from assets.workshop import Workshop
from expectations.mixed import LAWS as MIXED_LAWS
from orchestration.instance import open_instance
from orchestration.settings import Settings
from spark_jobs.errors import TransientError
from spark_jobs.lake.candidate import Candidate
from spark_jobs.lake.files import files_of, location_of
from spark_jobs.lake.lake import Lake
from spark_jobs.operators.strategies.rewire import IMPROVED
from tests.fake_endpoint import Fake, Reply, serve
from tests.integration.conftest import Command, Done, small_crawl, write_crawl, write_recipe

pytestmark = pytest.mark.heavy

COMMIT = {"commit": "c" * 40, "dirty": False}
LAW = "steps_do_what_is_expected"
CANNOT_HOLD: dict[str, Any] = {"effect": {"expect": {"mask_pii": 1.0}}}


def better(body: dict[str, Any], _before: int) -> Reply:
    draft = str(body["messages"][0]["content"]).rpartition("The draft:\n")[2]
    return Reply(text=f"{IMPROVED[0]}\n{draft} And a sentence more.\n{IMPROVED[1]}")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One lake for the module; the tests follow one another as a person's days do."""
    place = tmp_path_factory.mktemp("integrity")
    write_crawl(place / "crawl", 0, small_crawl(0)[:40])
    return place


@pytest.fixture(scope="module")
def fake() -> Iterator[Fake]:
    with serve(better) as fake:
        yield fake


@pytest.fixture(autouse=True)
def _settings(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clean commit, whatever the state of the checkout that is tested; and a model that answers at once."""
    monkeypatch.setattr("orchestration.workshop.code_state", lambda: dict(COMMIT))
    monkeypatch.setenv("PROVENDER_REWRITE_MODEL", "some-model")
    monkeypatch.setenv("PROVENDER_REWRITE_URL", fake.url)


def recipe(place: Path, name: str = "recipe.yaml", **changes: Any) -> Path:
    path = write_recipe(
        place / name, rewritten={"strategy": "rewire", "budget": {"documents": 3}, "select": {"min_words": 1}}
    )
    import yaml

    value = yaml.safe_load(path.read_text(encoding="utf-8"))
    gates, overridable, fraction = changes.get("gates"), changes.get("overridable"), changes.get("fraction")
    if gates is not None:
        value["cleaned"]["gates"] = gates
    if overridable is not None:
        value["overridable"] = overridable
    if fraction is not None:
        value["cleaned"]["language"] = {"max_chars": fraction}
    value["mixed"].pop("rewrites", None)
    path.write_text(yaml.safe_dump(value, sort_keys=False), encoding="utf-8")
    return path


def run(command: Command, place: Path, path: Path, *words: object) -> Done:
    crawl = ("--input", place / "crawl", "--snapshot", "one")
    return command("run", "--home", place / "home", "--recipe", path, *crawl, *words)


@pytest.fixture
def lake(spark: SparkSession, place: Path) -> Lake:
    return Lake(spark, str(place / "home"))


@pytest.fixture
def at(place: Path) -> tuple[object, ...]:
    return ("--home", place / "home", "--recipe", place / "recipe.yaml")


def materialized(place: Path, table: str, partition: str) -> Any:
    with open_instance(Settings.read(str(place / "home"), str(place / "recipe.yaml"))) as instance:
        (record,) = instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=dg.AssetKey(table), asset_partitions=[partition]), limit=1
        ).records
    return record.asset_materialization


# quarantine -------------------------------------------------------------------------------------------------------


def test_a_refused_candidate_is_shown_with_what_was_expected_and_found(
    command: Command, place: Path, lake: Lake, at: tuple[object, ...]
) -> None:
    refused = run(command, place, recipe(place, gates=CANNOT_HOLD))
    assert refused.status == 1
    (gate,) = command("status", *at, "--json").json["failed_gates"]
    assert (gate["table"], gate["partition"], gate["expectation"]) == ("cleaned", "one", LAW)
    assert gate["overridable"] is False
    assert "mask_pii" in gate["found"]
    assert lake.spark.read.parquet(gate["candidate"]).count() > 20
    shown = command("gate", "show", *at).out
    for told in (LAW, "expected", "found", gate["candidate"], "does not mark it as overridable"):
        assert told in shown
    assert gate["candidate"] in command("status", *at).out


def test_it_is_not_approved_unless_the_recipe_says_that_it_may_be(
    command: Command, place: Path, lake: Lake, at: tuple[object, ...]
) -> None:
    done = command("gate", "approve", "cleaned", "one", *at, "--reason", "we meant it")
    assert done.status == 1
    assert f"{LAW} failed, and the recipe does not mark it as overridable (overridable.cleaned)" in done.err
    assert lake.current("cleaned", "one") is None
    assert command("gate", "approve", "cleaned", "one", *at).status == 2
    assert command("gate", "approve", "cleaned", "two", *at, "--reason", "x").status == 2
    unknown = recipe(place, "wrong.yaml", gates=CANNOT_HOLD, overridable={"cleaned": ["conserved"]})
    law = command("gate", "approve", "cleaned", "one", "--home", place / "home", "--recipe", unknown, "--reason", "x")
    assert law.status == 2
    assert "conserved is a law of the table and cannot be overridden" in law.err


def test_a_candidate_that_changed_on_disk_is_not_approved(
    command: Command, place: Path, lake: Lake, at: tuple[object, ...]
) -> None:
    recipe(place, gates=CANNOT_HOLD, overridable={"cleaned": [LAW]})
    (one,) = command("gate", "show", *at, "--json").json["candidates"]
    assert one["can_be_approved"]
    folder = Path(one["location"])
    kept = place / "kept"
    shutil.copytree(folder, kept)
    fewer = lake.spark.read.parquet(str(kept)).limit(5)
    fewer.write.mode("overwrite").parquet(str(folder))
    done = command("gate", "approve", "cleaned", "one", *at, "--reason", "we meant it")
    assert done.status == 1
    assert "are not those that were audited" in done.err
    assert lake.current("cleaned", "one") is None
    shutil.rmtree(folder)
    kept.rename(folder)


def test_an_approved_candidate_is_published_and_the_override_is_in_the_lineage(
    command: Command, place: Path, lake: Lake, at: tuple[object, ...]
) -> None:
    report = command("gate", "approve", "cleaned", "one", *at, "--reason", "we meant it", "--json").json
    (override,) = report["overrides"]
    assert (override["expectation"], override["reason"]) == (LAW, "we meant it")
    lake.refresh()
    published = lake.current("cleaned", "one")
    assert published is not None
    assert published.id == report["publication"]
    assert list(published.record["overrides"]) == [override]
    assert materialized(place, "cleaned", "one").metadata["publication"].value == published.id
    assert command("status", *at, "--json").json["failed_gates"] == []
    assert command("gate", "show", *at, "--json").json["candidates"] == []


def test_a_release_that_was_mixed_but_not_registered_is_registered_by_the_next_run(
    command: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_words: Any, **_keys: Any) -> None:
        raise TransientError("the connection broke")

    def lost_with_the_release(workshop: Workshop, candidate: Candidate, *words: Any, **keys: Any) -> None:
        if candidate.table == "mixed":
            lost()
        keep_outcomes(workshop, candidate, *words, **keys)

    path = place / "recipe.yaml"
    with monkeypatch.context() as patch:
        patch.setattr("assets.build.keep_outcomes", lost_with_the_release)
        patch.setattr("assets.mixed.register_release", lost)
        assert run(command, place, path).status == 3
    done = run(command, place, path, "--json").json
    assert done["built"] == [], "the approved cleaned and all after it are there"
    assert done["release"]["documents"] > 0
    judged = command("gate", "history", "mixed", "--home", place / "home", "--recipe", path, "--json").json
    assert [len(one["outcomes"]) for one in judged["expectations"]] == [1] * len(MIXED_LAWS)
    assert {o["version"] for one in judged["expectations"] for o in one["outcomes"]} == {1}
    event = materialized(place, "mixed", done["release"]["name"])
    assert event.metadata["counts balance"].value is True
    assert event.metadata["tokens"].value == done["release"]["tokens"]
    assert f"**{done['release']['name']}**" in event.metadata["lineage"].value
    tree = command("lineage", "latest", "--home", place / "home", "--recipe", path, "--json").json
    cleaned = next(n for n in tree["snapshots"][0]["tables"] if n["table"] == "cleaned")
    assert cleaned["overrides"][0]["reason"] == "we meant it"
    text = command("lineage", "latest", "--home", place / "home", "--recipe", path).out
    assert f"OVERRIDDEN {LAW}" in text


def test_the_history_of_an_expectation_holds_the_refusal_and_the_override(
    command: Command, at: tuple[object, ...]
) -> None:
    found = command("gate", "history", "cleaned", *at, "--expectation", LAW, "--json").json["expectations"]
    (one,) = found
    refused, overridden = one["outcomes"]
    assert (refused["success"], refused["publication"]) == (False, None)
    assert overridden["publication"] is not None
    assert overridden["version"] == 1
    text = command("gate", "history", *at, "--failed").out
    assert re.search(rf"cleaned\.{LAW} +Fo\n", text)
    assert "columns_are_there" not in text
    assert "columns_are_there" in command("gate", "history", *at).out
    models = command("gate", "history", "models", *at, "--json").json["expectations"]
    assert {one["expectation"] for one in models} >= {"separates_held_out_sources"}


# verification -----------------------------------------------------------------------------------------------------


def test_a_release_and_its_export_are_verified(command: Command, place: Path, at: tuple[object, ...]) -> None:
    assert command("export", "latest", *at, "--format", "jsonl", "--out", place / "export").status == 0
    report = command("verify", "latest", *at, "--json").json
    assert report["ok"]
    assert report["mismatches"] == []
    assert report["exports"] == [str(place / "export")]
    assert report["models"] == 1
    assert report["publications"] == 8
    text = command("verify", "latest", *at).out
    assert "is what was published" in text


def test_a_lost_file_and_a_changed_export_are_named_and_the_exit_status_is_1(
    command: Command, place: Path, lake: Lake, at: tuple[object, ...]
) -> None:
    cleaned = lake.current("cleaned", "one")
    assert cleaned is not None
    data = Path(location_of(lake, files_of(lake, cleaned)[0]))
    (exported,) = (place / "export").glob("*.jsonl.gz")
    kept, bytes_of_export = data.read_bytes(), exported.read_bytes()
    data.unlink()
    exported.write_bytes(bytes_of_export[:-1])
    done = command("verify", "latest", *at, "--json")
    assert done.status == 1
    found = json.loads(done.out)["mismatches"]
    assert {(m["table"], m["check"]) for m in found} == {("cleaned", "file"), (None, "export")}
    text = command("verify", "latest", *at).out
    assert f"MISMATCH cleaned/one version {cleaned.version}: " in text
    assert data.name in text
    assert str(exported) in text
    data.write_bytes(kept)
    exported.write_bytes(bytes_of_export)
    first = Path(lake.location("cleaned")) / "_delta_log" / f"{0:020d}.json"
    first.rename(first.with_suffix(".away"))
    done = command("verify", "latest", *at, "--json")
    assert done.status == 1
    found = json.loads(done.out)["mismatches"]
    assert [(m["table"], m["check"], m["version"]) for m in found] == [
        ("cleaned", "log", 0), ("cleaned", "log", cleaned.version),
    ]  # fmt: skip
    first.with_suffix(".away").rename(first)
    assert command("verify", "latest", *at).status == 0
    assert command("verify", "no-such-release", *at).status == 2


# rebuild ----------------------------------------------------------------------------------------------------------


def test_a_release_is_made_again_equal_without_asking_a_model(
    command: Command, place: Path, at: tuple[object, ...], fake: Fake
) -> None:
    asked = len(fake.requests)
    assert asked > 0
    done = command("rebuild", "latest", *at, "--into", place / "again", "--json")
    report = done.json
    assert report["ok"]
    assert report["pinned_code"]
    assert {(one["table"], one["equal"]) for one in report["tables"]} == {
        (table, True) for table in ("raw", "cleaned", "scored", "deduped", "rewritten", "mixed")
    }
    assert len(fake.requests) == asked, "rewrites came from the cache"
    assert command("verify", "latest", "--home", place / "again", "--recipe", place / "recipe.yaml").status == 0
    refused = command("rebuild", "latest", *at, "--into", place / "again")
    assert refused.status == 2
    assert "not empty" in refused.err


def test_other_code_is_refused_unless_it_is_wanted(
    command: Command, place: Path, at: tuple[object, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestration.workshop.code_state", lambda: {"commit": "d" * 40, "dirty": True})
    done = command("rebuild", "latest", *at, "--into", place / "other")
    assert done.status == 1
    for told in (f"commit {'d' * 40} with uncommitted changes", f"made by commit {'c' * 40}", "--anyway"):
        assert told in done.err
    assert not (place / "other").exists()
    report = command("rebuild", "latest", *at, "--into", place / "other", "--anyway", "--json").json
    assert report["pinned_code"] is False
    assert len(report["code_differs"]) == 2
    assert report["ok"], "what calls itself other code is the same"


# rollback and retention -------------------------------------------------------------------------------------------


def test_a_rollback_makes_what_follows_stale_in_the_ledger_and_in_dagster(
    command: Command, place: Path, lake: Lake, at: tuple[object, ...]
) -> None:
    first = lake.current("cleaned", "one")
    assert first is not None
    recipe(place, gates=CANNOT_HOLD, overridable={"cleaned": [LAW]}, fraction=5000)
    assert run(command, place, place / "recipe.yaml").status == 1
    command("gate", "approve", "cleaned", "one", *at, "--reason", "again", "--json").json  # noqa: B018 - it was done
    assert run(command, place, place / "recipe.yaml").status == 0
    lake.refresh()
    assert len(lake.publications("mixed")) == 2
    report = command("rollback", "cleaned", "one", *at, "--reason", "a test", "--json").json
    assert report["to"]["publication"] == first.id
    assert report["digest"] == first.digest
    assert report["stale_itself"] == "its part of the recipe, a model or a package changed"
    assert report["stale"]["scored/one"] == "cleaned/one was published again"
    event = materialized(place, "cleaned", "one")
    assert event.metadata["publication"].value == report["publication"]
    assert event.tags["dagster/data_version"] == first.digest
    status = command("status", *at, "--json").json
    assert status["snapshots"][0]["tables"]["scored"]["stale"] == "cleaned/one was published again"
    assert command("verify", "latest", *at).status == 0, "releases are what they were"
    assert command("rollback", "mixed", "one", *at).status == 2


def test_a_vacuum_frees_what_the_kept_release_does_not_need(
    command: Command, place: Path, lake: Lake, at: tuple[object, ...]
) -> None:
    first, second = lake.publications("mixed")
    dry = command("vacuum", "--keep", second, *at, "--dry-run", "--json").json
    assert dry["freed_bytes"] > 0
    assert dry["retired"] == [first]
    assert command("verify", first, *at).status == 0
    done = command("vacuum", "--keep", second, *at, "--json").json
    assert {key: done[key] for key in done if key != "dry_run"} == {key: dry[key] for key in dry if key != "dry_run"}
    assert not any((place / "home" / path).exists() for path in done["files"])
    assert command("verify", second, *at).status == 0
    gone = command("verify", first, *at)
    assert gone.status == 2
    assert f"the release {first} is retired: a vacuum removed its documents" in gone.err
    tree = command("lineage", first, *at, "--json").json
    assert (tree["release"], tree["state"], tree["balance"]["balanced"]) == (first, "retired", True)
    assert f"{first} (retired)" in command("lineage", first, *at).out
    assert command("vacuum", *at).status == 2
    assert command("vacuum", "--keep", "no-such-release", *at).status == 2
    assert run(command, place, place / "recipe.yaml").status == 1, "runs go on: the gate judges what is stale again"

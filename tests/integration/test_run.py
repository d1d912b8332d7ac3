"""The whole length, as a person uses it: two snapshots, nothing new, a poisoned crawl, a killed run, wrong input."""

import hashlib
import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from pyspark.sql import SparkSession

from orchestration.instance import open_instance, reconcile
from orchestration.settings import Settings
from orchestration.workshop import WorkshopResource
from spark_jobs.lake import ledger
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.releases import find_release
from spark_jobs.lake.tables import FLOW
from spark_jobs.operators.filters.gopher_quality import GopherQuality
from tests.integration.conftest import Command, small_crawl, write_crawl, write_recipe


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One lake for the module; the tests follow one another as a person's days do."""
    place = tmp_path_factory.mktemp("a place")
    write_recipe(place / "recipe.yaml")
    write_crawl(place / "first", 0)
    write_crawl(place / "second", 1)
    return place


def options(place: Path) -> tuple[object, ...]:
    return ("--home", place / "home", "--recipe", place / "recipe.yaml")


@pytest.fixture(autouse=True)
def _openlineage(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events go to a file."""
    monkeypatch.setenv("PROVENDER_OPENLINEAGE", str(place / "events.jsonl"))


@pytest.fixture
def lake(spark: SparkSession, place: Path) -> Lake:
    return Lake(spark, str(place / "home"))


def versions(lake: Lake) -> dict[str, Any]:
    lake.refresh()
    return {f"{table}/{key}": p.id for table in FLOW for key, p in lake.publications(table).items()}


def test_a_crawl_becomes_a_release_and_the_next_only_adds(command: Command, place: Path, spark: SparkSession) -> None:
    lake = Lake(spark, str(place / "home"))
    first = command("run", *options(place), "--input", place / "first", "--snapshot", "one", "--json").json
    assert first["release"]["documents"] > 5
    before = versions(lake)
    assert {key.split("/")[0] for key in before} == set(FLOW)

    again = command("run", *options(place), "--input", place / "first", "--snapshot", "one", "--json").json
    assert again["built"] == []
    assert again["release"]["name"] == first["release"]["name"]
    assert versions(lake) == before, "nothing new, nothing published"

    second = command("run", *options(place), "--input", place / "second", "--snapshot", "two", "--json").json
    after = versions(lake)
    assert {key: value for key, value in after.items() if key in before} == before, "the first snapshot stands"
    assert {row["partition"] for row in second["built"]} == {"two", second["release"]["name"]}
    assert second["release"]["documents"] > first["release"]["documents"]
    survivors = lake.published("deduped", ["two"]).where("survivor_snapshot = 'one'")
    assert survivors.count() > 0, "pages that stayed the same are duplicates of the first snapshot's"


def test_clusters_of_the_later_snapshot_are_those_of_the_earlier(command: Command, place: Path) -> None:
    told = command("clusters", "two", *options(place), "--top", "3", "--json").json
    assert told["all"]["of_earlier"] > 0
    assert len(told["largest"]) <= 3
    assert sum(row["documents"] for row in told["sizes"]) == told["all"]["documents"]
    assert sum(row["documents"] for row in told["steps"]) == told["all"]["documents"] - told["all"]["kept"]
    assert "clusters by size" in command("clusters", "one", *options(place), "--with-text").out
    for wanted in ((), ("--with-text", "2")):
        page_file = place / f"page {len(wanted)}.html"
        assert command("report", "two", *options(place), "--out", page_file, *wanted).status == 0
        assert 'id="clusters"' in page_file.read_text("utf-8")
    missing = command("clusters", "onne", *options(place))
    assert (missing.status, missing.out) == (2, "")
    assert missing.err.splitlines()[-1].endswith("onne: no such snapshot in deduped; did you mean one?")


def test_dagster_was_told_that_no_snapshot_is_behind(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    key = dg.AssetCheckKey(dg.AssetKey("deduped"), "later_snapshots_follow")
    with open_instance(Settings.read(str(place / "home"), str(place / "recipe.yaml"))) as instance:
        records = instance.event_log_storage.get_asset_check_execution_history(key, limit=5)
        event = instance.get_latest_materialization_event(dg.AssetKey("deduped"))
    assert records
    assert all(record.status.value == "SUCCEEDED" for record in records)
    assert event is not None
    assert event.asset_materialization is not None
    assert event.asset_materialization.metadata["stale later snapshots"].value == "none"


def test_the_laws_hold_from_the_files_to_the_release(lake: Lake) -> None:
    assert ledger.sync(lake, [*FLOW, "snapshots"]) == 0, "a run leaves nothing of what it built from to be noted"
    for snapshot, number in (("one", 0), ("two", 1)):
        records = len(small_crawl(number))
        raw, cleaned = lake.published("raw", [snapshot]), lake.published("cleaned", [snapshot])
        assert raw.count() == records
        assert cleaned.count() == records
        kept = cleaned.where("kept").count()
        assert lake.published("scored", [snapshot]).count() == kept
        assert lake.published("deduped", [snapshot]).count() == kept


def test_what_dagster_shows_is_what_the_ledger_holds(lake: Lake, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    settings = Settings.read(str(place / "home"), str(place / "recipe.yaml"))
    with open_instance(settings) as instance:
        for table in FLOW:
            for partition, publication in lake.publications(table).items():
                (record,) = instance.fetch_materializations(
                    dg.AssetRecordsFilter(asset_key=dg.AssetKey(table), asset_partitions=[partition]), limit=1
                ).records
                event = record.asset_materialization
                assert event is not None
                assert event.metadata["publication"].value == publication.id
                assert event.tags is not None
                assert event.tags["dagster/data_version"] == publication.digest


def test_publications_that_dagster_missed_are_reported(
    lake: Lake, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", "")
    settings = Settings.read(str(place / "home"), str(place / "recipe.yaml"))
    workshop = WorkshopResource(settings).get()
    with dg.DagsterInstance.local_temp(str(tmp_path)) as blank:
        published = sum(len(lake.publications(table)) for table in FLOW)
        assert reconcile(blank, workshop) == published
        assert reconcile(blank, workshop) == 0


def test_lineage_explain_and_status_tell_the_story(command: Command, place: Path) -> None:
    tree = command("lineage", "latest", *options(place), "--json").json
    assert [s["snapshot"] for s in tree["snapshots"]] == ["one", "two"]
    cleaned = next(n for n in tree["snapshots"][0]["tables"] if n["table"] == "cleaned")
    assert {o["name"] for o in cleaned["operators"]} >= {"gopher_quality", "c4_quality", "mask_pii"}
    assert cleaned["counts"]["by_reason"]["gopher_quality.too_short"] > 0
    counts = cleaned["counts"]
    assert counts["kept"] + counts["dropped"] == counts["rows"]
    assert tree["models"], "the model is named by its digest"

    text = command("lineage", "latest", *options(place)).out
    assert f"gopher_quality v{GopherQuality.version}" in text
    assert "min_words=50" in text

    dropped = command("explain", "https://odds-and-ends.example/short", *options(place), "--json").json
    assert [c["snapshot"] for c in dropped["captures"]] == ["one", "two"]
    reasons = dropped["captures"][0]["stages"]["cleaned"]["row"]["drop_reasons"]
    assert {"annotator": "gopher_quality", "reason": "too_short"}.items() <= next(
        r for r in reasons if r["reason"] == "too_short"
    ).items()
    kept = command("explain", "https://harbour-post.example/2026/glass-road", *options(place)).out
    assert "in release" in kept
    assert "gopher_quality.words" in kept
    by_id = command("explain", dropped["captures"][0]["doc_id"], *options(place), "--json").json
    assert by_id["captures"][0]["doc_id"] == dropped["captures"][0]["doc_id"]

    status = command("status", *options(place), "--json").json
    assert not any(row["stale"] for s in status["snapshots"] for row in s["tables"].values())
    assert status["failed_gates"] == []


def events(place: Path) -> list[dict[str, Any]]:
    """The OpenLineage events so far."""
    return [json.loads(line) for line in (place / "events.jsonl").read_text("utf-8").splitlines()]


def test_openlineage_was_told_of_every_publication(lake: Lake, place: Path) -> None:
    told = events(place)
    completed = {
        (event["run"]["facets"]["provender_publication"]["publication"], event["run"]["runId"])
        for event in told if event["eventType"] == "COMPLETE"
    }  # fmt: skip
    assert {publication for publication, _run in completed} == {p.id for table in FLOW for p in lake.history(table)}
    started = [event["run"]["runId"] for event in told if event["eventType"] == "START"]
    assert sorted(started) == sorted(run for _publication, run in completed)
    mixed = [e for e in told if e["eventType"] == "COMPLETE" and e["outputs"][0]["name"].endswith("/tables/mixed")]
    versions = {(i["name"].rpartition("/")[2], i["facets"]["version"]["datasetVersion"]) for i in mixed[-1]["inputs"]}
    (latest,) = [p for p in lake.publications("mixed").values() if p.version == lake.history("mixed")[-1].version]
    assert versions == {(str(pin["table"]), str(pin["version"])) for pin in latest.inputs}
    fields = mixed[-1]["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert any(origin["field"].startswith("fasttext_quality__") for origin in fields["quality"]["inputFields"])
    text = (place / "events.jsonl").read_text("utf-8")
    sentences = [row["text"][:40] for row in lake.published("mixed").select("text").limit(50).collect()]
    assert not [sentence for sentence in sentences if sentence in text], "no event holds text"
    assert "harbour-post" not in text, "no event names a host"


def test_the_release_has_a_dataset_card(command: Command, place: Path, lake: Lake) -> None:
    name = find_release(lake, "latest").name
    told = command("card", "latest", *options(place), "--json").json
    assert told["release"] == name
    assert (place / "home" / "releases" / name / "README.md").read_text("utf-8") == told["card"]
    head = yaml.safe_load(told["card"].split("---\n")[1])
    assert "en" in head["language"]
    assert head["size_categories"] == ["n<1K"]
    lineage = command("lineage", "latest", *options(place), "--json").json
    dropped = sum(
        node["counts"]["by_reason"]["gopher_quality.too_short"]
        for snapshot in lineage["snapshots"] for node in snapshot["tables"] if node["table"] == "cleaned"
    )  # fmt: skip
    assert f"too_short {dropped:,}" in told["card"]
    for model in lineage["models"]:
        assert model["digest"] in told["card"]
    assert str(place) not in told["card"], "no path of a machine"
    assert command("card", "unheard-of", *options(place)).status == 2


def test_the_release_is_exported_with_digests(command: Command, place: Path, spark: SparkSession) -> None:
    for fmt in ("parquet", "jsonl"):
        report = command("export", "latest", *options(place), "--format", fmt, "--out", place / fmt, "--json").json
        assert report["files"]
        read = spark.read.parquet if fmt == "parquet" else spark.read.json
        frame = read(str(place / fmt / ("*.parquet" if fmt == "parquet" else "*.jsonl.gz")))
        assert frame.count() > 0
        manifest = json.loads((place / fmt / "_manifest.json").read_text("utf-8"))
        for file in (*manifest["files"], manifest["card"]):
            assert hashlib.sha256((place / fmt / file["name"]).read_bytes()).hexdigest() == file["sha256"]
        assert "text" in frame.columns
    refused = command("export", "latest", *options(place), "--format", "jsonl", "--out", place / "jsonl")
    assert refused.status == 2


def test_personal_addresses_do_not_reach_the_release(lake: Lake) -> None:
    raw = lake.published("raw").where("contains(string(payload), 'letters@harbour-post.provender-sample.net')")
    assert raw.count() > 0
    assert lake.published("mixed").where("contains(text, 'letters@harbour-post')").isEmpty()
    assert lake.published("cleaned").where("contains(text, '93.184.216.34')").isEmpty()


def test_a_poisoned_crawl_fails_at_the_gate_and_the_old_release_stands(
    command: Command, place: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = versions(lake)
    folder = write_crawl(place / "third", 0, small_crawl(0)[:20])
    from orchestration import registration

    real = registration.register

    def register_then_lose_a_record(*words: Any, **keys: Any) -> Any:
        done = real(*words, **keys)
        write_crawl(folder, 0, small_crawl(0)[:18])
        return done

    with monkeypatch.context() as patch:
        patch.setattr(registration, "register", register_then_lose_a_record)
        failed = command("run", *options(place), "--input", folder, "--snapshot", "three")
    assert failed.status == 1
    assert failed.err.splitlines()[-1].startswith("provender: raw/three: nothing published")
    assert "every_record_is_accounted_for" in failed.err
    told = events(place)[-1]
    assert told["eventType"] == "FAIL"
    assert "every_record_is_accounted_for" in told["run"]["facets"]["errorMessage"]["message"]
    assert "version" not in told["outputs"][0]["facets"]
    assert "Traceback" not in failed.err
    assert versions(lake) == before

    lake.refresh()
    status = command("status", *options(place), "--json").json
    (gate,) = [g for g in status["failed_gates"] if g["partition"] == "three"]
    assert gate["expectation"] == "every_record_is_accounted_for"
    assert lake.spark.read.parquet(gate["candidate"]).count() == 18, "the candidate lies there for inspection"
    settings = Settings.read(str(place / "home"), str(place / "recipe.yaml"))
    with open_instance(settings) as instance:
        key = dg.AssetKey("raw")
        assert not instance.fetch_materializations(
            dg.AssetRecordsFilter(asset_key=key, asset_partitions=["three"]), limit=1
        ).records
        checks = instance.event_log_storage.get_asset_check_execution_history(
            dg.AssetCheckKey(key, "every_record_is_accounted_for"), limit=1
        )
        assert checks[0].status.value == "FAILED"
    mended = command("run", *options(place), "--input", folder, "--snapshot", "three", "--json").json
    assert "three" in mended["snapshots"]


def test_a_killed_run_goes_on_where_it_was(
    command: Command, place: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = versions(lake)
    folder = write_crawl(place / "fourth", 1, small_crawl(1)[:25])

    def killed(*_words: Any, **_keys: Any) -> None:
        raise KeyboardInterrupt

    words = ("run", *options(place), "--input", folder, "--snapshot", "four")
    with monkeypatch.context() as patch:
        patch.setattr("spark_jobs.stages.score.Score.run", killed)
        stopped = command(*words)
    assert stopped.status == 3
    halfway = versions(lake)
    assert {key for key in halfway if key.endswith("/four")} == {"raw/four", "cleaned/four"}
    done = command(*words, "--json").json
    assert {row["asset"] for row in done["built"]} == {"scored", "deduped", "rewritten", "mixed"}
    after = versions(lake)
    assert {key: after[key] for key in halfway} == halfway
    assert {key: after[key] for key in before} == before


def test_one_moved_threshold_builds_again_what_depends_on_it(command: Command, place: Path, lake: Lake) -> None:
    before = versions(lake)
    recipe = yaml.safe_load((place / "recipe.yaml").read_text(encoding="utf-8"))
    recipe["mixed"]["select"] = {"top_fraction": {"fraction": 0.5}}
    moved = place / "moved.yaml"
    moved.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    crawl = ("--input", place / "first", "--snapshot", "one")
    done = command("run", "--home", place / "home", "--recipe", moved, *crawl, "--json").json
    assert [row["asset"] for row in done["built"]] == ["mixed"]
    after = versions(lake)
    assert {key: after[key] for key in before} == before, "the earlier release is untouched"


def test_releases_are_compared_and_every_difference_has_its_cause(command: Command, place: Path) -> None:
    names = [row["release"] for row in command("status", *options(place), "--json").json["releases"]]
    second = command("diff", names[0], names[1], *options(place), "--examples", "2", "--json").json
    assert second["balance"]["balanced"]
    assert second["recipe"] == [], "one recipe made both"
    told = {(row["kind"], row["cause"], row["detail"]) for row in second["causes"]}
    assert ("added", "snapshot", "snapshot two") in told
    assert {cause for _, cause, _ in told} <= {"snapshot", "dedup", "selection", "capture", "model", "rewriting"}
    moved = command("diff", names[-2], "latest", *options(place), "--json").json
    assert moved["balance"]["balanced"]
    assert {(row["kind"], row["cause"], row["detail"]) for row in moved["causes"]} == {
        ("removed", "selection", "top_fraction.fraction 0.9 -> 0.5")
    }
    across = command("diff", f"{place / 'home'}:{names[-2]}", "latest", *options(place)).out
    assert "top_fraction.fraction 0.9 -> 0.5" in across
    missing = command("diff", "latest", f"{place / 'nowhere'}:latest", *options(place))
    assert missing.status == 2
    assert "no lake here" in missing.err
    assert command("diff", "latest", "latest", *options(place), "--with-text").status == 2


def test_the_counts_of_a_release_balance_and_it_can_be_drawn(command: Command, place: Path) -> None:
    files = ("--dot", place / "flow.dot", "--html", place / "flow.html")
    tree = command("lineage", "latest", *options(place), *files, "--json").json
    assert tree["balance"]["balanced"], tree["balance"]["unbalanced"]
    assert tree["balance"]["documents"] == tree["totals"]["documents"]
    assert (place / "flow.dot").read_text(encoding="utf-8").startswith("digraph lineage {")
    assert "Every record is accounted for" in (place / "flow.html").read_text(encoding="utf-8")
    refused = command("lineage", "latest", *options(place), "--html", place / "flow.dot" / "x.html")
    assert refused.status == 2
    assert "cannot be written" in refused.err


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"surprise": 1}, "surprise: no such key"),
        ({"cleaned": {"steps": ["gopher_qualitty"]}}, "gopher_quality"),
        ({"cleaned": {"steps": [{"gopher_quality": {"min_wrods": 3}}]}}, "min_wrods"),
        ({"mixed": {"rewritten_share": 7}}, "mixed.rewritten_share"),
    ],
)
def test_a_wrong_recipe_is_told_in_one_line(
    command: Command, place: Path, tmp_path: Path, change: dict[str, Any], told: str
) -> None:
    path = write_recipe(tmp_path / "wrong.yaml", **change)
    done = command("run", "--home", place / "home", "--recipe", path)
    assert done.status == 2
    assert told in done.err
    assert len(done.err.strip().splitlines()) <= 2
    assert "Traceback" not in done.err


def test_wrong_input_is_told_in_one_line(command: Command, place: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    blank = tmp_path / "blank.warc.gz"
    blank.write_bytes(b"")
    noise = tmp_path / "noise.warc"
    noise.write_bytes(b"this is not a crawl file\n" * 50)
    for given in (tmp_path / "missing", empty, blank, noise):
        done = command("run", *options(place), "--input", given, "--snapshot", "bad")
        assert done.status == 2, (given, done.err)
        assert str(given) in done.err.splitlines()[-1]
    assert command("run", *options(place), "--snapshot", "no-input").status == 2
    assert command("run", *options(place), "--input", place / "first", "--snapshot", "no/slash").status == 2
    assert command("explain", "https://nowhere.example/", *options(place)).status == 2
    assert command("lineage", "no-such-release", *options(place)).status == 2
    assert command("no-such-command").status == 2
    assert command("lineage", "latest", "--home", tmp_path / "no-lake").status == 2


@pytest.mark.heavy
def test_a_file_that_vanishes_is_told_in_one_line(
    command: Command, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_crawl(place / "vanishing", 0, small_crawl(0)[:4])
    from orchestration import registration

    real = registration.register

    def register_then_lose_the_files(*words: Any, **keys: Any) -> Any:
        done = real(*words, **keys)
        for path in folder.iterdir():
            path.unlink()
        return done

    with monkeypatch.context() as patch:
        patch.setattr(registration, "register", register_then_lose_the_files)
        done = command("run", *options(place), "--input", folder, "--snapshot", "vanishing")
    assert done.status == 2
    assert ".warc.gz: no such file" in done.err.splitlines()[-1]
    write_crawl(folder, 0, small_crawl(0)[:4])
    assert command("run", *options(place), "--input", folder, "--snapshot", "vanishing").status == 0


def test_a_lake_serves_one_recipe(command: Command, place: Path, tmp_path: Path) -> None:
    other = write_recipe(tmp_path / "other.yaml", name="other")
    done = command("run", "--home", place / "home", "--recipe", other)
    assert done.status == 2
    assert "serves the recipe 'default'" in done.err


def test_a_full_disk_is_told_and_nothing_is_lost(
    command: Command, place: Path, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = versions(lake)
    folder = write_crawl(place / "fifth", 1, small_crawl(1)[:10])

    def full(*_words: Any, **_keys: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("assets.build.write_candidate", full)
        done = command("run", *options(place), "--input", folder, "--snapshot", "five")
    assert done.status == 3
    assert "no space left" in done.err
    assert versions(lake) == before


def test_an_endpoint_that_does_not_answer_is_told(
    command: Command, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_recipe(tmp_path / "rewriting.yaml", rewritten={"budget": {"documents": 1}, "select": {"min_words": 1}})
    monkeypatch.setenv("PROVENDER_REWRITE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("PROVENDER_REWRITE_MODEL", "some-model")
    monkeypatch.setenv("PROVENDER_REWRITE_KEY", "a-key-nobody-may-see")
    crawl = ("--input", place / "first", "--snapshot", "one")
    done = command("run", "--home", place / "home", "--recipe", path, *crawl)
    assert done.status == 3
    assert "127.0.0.1:9" in done.err.splitlines()[-1]
    assert "a-key-nobody-may-see" not in done.err


def test_json_is_one_object_on_standard_output(command: Command, place: Path) -> None:
    done = command("status", *options(place), "--json")
    assert set(json.loads(done.out)) >= {"home", "snapshots", "releases", "failed_gates"}

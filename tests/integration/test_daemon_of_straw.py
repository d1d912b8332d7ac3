"""The scheduled refresh by the real daemon, over stages of straw: what appears, what is refused, what dies, and many.

`test_daemon.py` does the same with Spark, in minutes.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from orchestration.instance import open_instance
from orchestration.settings import Settings
from tests.integration.served import Hook, Served, served
from tests.integration.straw_home import StrawServed, place_of

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(1_800)]

FLOW = ("raw", "cleaned", "scored", "deduped", "rewritten")


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, hook: Hook) -> Iterator[Served]:
    place = place_of(tmp_path_factory.mktemp("straw"))
    with served(place, StrawServed, PROVENDER_WATCH=place / "crawls", PROVENDER_ALERT_WEBHOOK=hook.url) as program:
        yield program


def arrives(program: Served, name: str, *more: str) -> Path:
    folder = program.place / "crawls" / name
    folder.mkdir(exist_ok=True)
    for extra in more:
        (folder / extra).touch()
    (folder / "part-0.warc.gz").write_bytes(os.urandom(50))
    return folder


def release_of(program: Served, name: str, after: int) -> str:
    return program.until(
        lambda: next((r for r in program.releases()[after:] if f"-{name}-" in r), ""), f"a release of {name}", 400
    )


def of_snapshots(program: Served) -> dict[str, int]:
    """How often each table of each snapshot was published."""
    program.lake.refresh()
    found: dict[str, int] = {}
    for table in FLOW:
        for publication in program.lake.history(table):
            key = f"{table}/{publication.partition}"
            found[key] = found.get(key, 0) + 1
    return found


def test_a_crawl_that_appears_becomes_a_release_once_it_has_settled(program: Served) -> None:
    folder = arrives(program, "one", "part-1.warc.gz.tmp")
    time.sleep(12)
    assert program.runs() == [], "a file is still written"
    (folder / "part-1.warc.gz.tmp").rename(folder / "part-1.warc.gz")
    release_of(program, "one", 0)
    assert of_snapshots(program) == dict.fromkeys((f"{table}/one" for table in FLOW), 1)
    assert {run["jobName"] for run in program.runs()} == {"register_snapshot", "__ASSET_JOB", "build_release"}
    assert len(program.runs()) == 3, "a run for all tables of a snapshot"


def test_a_poisoned_crawl_alerts_once_and_the_old_release_is_served(program: Served, hook: Hook) -> None:
    before, releases = of_snapshots(program), program.releases()
    arrives(program, "two", "poison")
    (told,) = program.until(lambda: hook.got, "an alert", 300)
    assert told["partition"] == "two"
    assert told["reason"] == "cleaned/two: nothing published, 1 of 1 expectations failed"
    assert told["served"] == releases[-1]
    assert program.answers()
    time.sleep(15)
    assert len(hook.got) == 1
    assert len(program.runs(**{"dagster/partition": "two"})) == 1, "what the gate refused is not tried again"
    assert of_snapshots(program) == before | {"raw/two": 1}
    assert program.releases() == releases


def test_mended_files_are_taken_again(program: Served, hook: Hook) -> None:
    releases = len(program.releases())
    folder = arrives(program, "two")
    (folder / "poison").unlink()
    release_of(program, "two", releases)
    assert of_snapshots(program)["raw/two"] == 2
    assert len(hook.got) == 1


def test_a_changed_recipe_builds_what_is_stale_and_no_more_while_the_program_runs(program: Served) -> None:
    before, releases = of_snapshots(program), len(program.releases())
    path = program.place / "recipe.yaml"
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    recipe["deduped"]["steps"] = ["exact_bytes", "exact_text"]
    path.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    release_of(program, "two", releases)
    again = {f"{table}/{name}" for table in ("deduped", "rewritten") for name in ("one", "two")}
    assert of_snapshots(program) == {key: number + (key in again) for key, number in before.items()}
    assert [p.partition for p in program.lake.history("deduped")][-2:] == ["one", "two"]


def test_a_process_that_dies_between_commit_and_event_loses_and_doubles_nothing(program: Served, hook: Hook) -> None:
    releases, alerts = len(program.releases()), len(hook.got)
    arrives(program, "three", "die")
    program.until(lambda: len(hook.got) > alerts, "the alert on the run that died", 300)
    assert "its process ended before it could say why" in hook.got[-1]["reason"]
    assert {key for key in of_snapshots(program) if key.endswith("/three")} == {f"{t}/three" for t in FLOW[:3]}
    program.kill()
    program.start()
    release_of(program, "three", releases)
    assert {of_snapshots(program)[f"{table}/three"] for table in FLOW} == {1}
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PROVENDER_HOME", "PROVENDER_RECIPE", "DAGSTER_HOME"):
            patch.setenv(name, "")
        with open_instance(Settings.read(str(program.home), str(program.place / "recipe.yaml"))) as instance:

            def told(key: str) -> list[Any]:
                table, _, partition = key.partition("/")
                wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(table), asset_partitions=[partition])
                events = [r.asset_materialization for r in instance.fetch_materializations(wanted, limit=9).records]
                return [e.metadata["publication"].value for e in events if e is not None]

            # The event of the release's table comes a moment after its commit.
            program.until(lambda: all(map(told, program.publications())), "Dagster to know every publication", 120)
            for key, publication in program.publications().items():
                assert told(key)[0] == publication.id, key
                assert told(key).count(publication.id) == 1, key


def test_120_snapshots_at_once_are_all_requested(tmp_path: Path) -> None:
    """Nothing is executed: the runs are queued behind one that never starts, and counted."""
    place = place_of(tmp_path)
    from spark_jobs.lake.log_lake import LogLake
    from tests.integration.straw_location import register_input

    names = [f"s{number:03d}" for number in range(120)]
    with pytest.MonkeyPatch.context() as patch, dg.DagsterInstance.ephemeral() as blank:
        for name in ("PROVENDER_HOME", "PROVENDER_RECIPE", "DAGSTER_HOME"):
            patch.setenv(name, "")
        settings = Settings.read(str(place / "home"), str(place / "recipe.yaml"))

        class Bare:
            lake = LogLake(settings.home)

        for name in names:
            (place / name).mkdir()
            (place / name / "part-0.warc.gz").write_bytes(b"x")
            register_input(Bare, blank, name, [str(place / name)])  # type: ignore[arg-type]
        with open_instance(settings) as instance:
            instance.add_dynamic_partitions("snapshots", names)
            configuration = place / "home" / "dagster" / "dagster.yaml"
            own = (
                configuration.read_text().split("\n", 1)[1].replace("max_concurrent_runs: 1", "max_concurrent_runs: 0")
            )
            configuration.write_text(own)
    with served(place, StrawServed, PROVENDER_AUTOMATION="on", PROVENDER_REFRESH_LIMIT=120) as program:
        program.until(lambda: len(program.runs()) >= len(names), "120 runs", 300)
        time.sleep(10)
        runs = program.runs()
        partitions = [next(t["value"] for t in run["tags"] if t["key"] == "dagster/partition") for run in runs]
        assert sorted(partitions) == names, "each once, none left out"
        assets = {tuple(sorted(key["path"][0] for key in run["assetSelection"])) for run in runs}
        assert assets == {tuple(sorted(FLOW)), ("cleaned", "raw", "scored")}
        assert {run["status"] for run in runs} == {"QUEUED"}

"""The scheduled refresh as it runs for weeks: the real program with its daemon, on a place where crawls appear.

The tests follow one another as days do: a crawl, the next, a poisoned one, its mending, another recipe, a power cut.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml

from orchestration.instance import open_instance
from orchestration.settings import Settings
from spark_jobs.sample.volume import Page
from tests.integration.conftest import small_crawl, write_crawl, write_recipe
from tests.integration.served import Hook, Served, served

pytestmark = [pytest.mark.heavy, pytest.mark.timeout(3_000)]

TABLES = {"raw", "cleaned", "scored", "deduped", "rewritten"}
EMPTY = "<html><head><title>{n}</title></head><body></body></html>"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory, hook: Hook) -> Iterator[Served]:
    place = tmp_path_factory.mktemp("weeks")
    write_recipe(place / "recipe.yaml")
    (place / "crawls").mkdir()
    with served(place, PROVENDER_WATCH=place / "crawls", PROVENDER_ALERT_WEBHOOK=hook.url) as program:
        yield program


def arrives(program: Served, name: str, number: int, pages: list[Page] | None = None) -> None:
    """A crawl is written beside the watched place and moved there, one file after the other."""
    made = write_crawl(program.place / "staging" / name, number, pages)
    target = program.place / "crawls" / name
    target.mkdir(exist_ok=True)
    for file in sorted(made.iterdir()):
        part = target / f"{file.name}.part"
        shutil.copy(file, part)
        time.sleep(0.5)
        part.rename(target / file.name)


def release_of(program: Served, name: str, after: int) -> str:
    """The next release, which this snapshot is the newest of."""
    return program.until(
        lambda: next((r for r in program.releases()[after:] if f"-{name}-" in r), ""), f"a release of {name}"
    )


def test_a_crawl_that_appears_becomes_a_release(program: Served) -> None:
    arrives(program, "one", 0, small_crawl(0)[:60])
    release_of(program, "one", 0)
    published = program.publications()
    assert {key for key in published if not key.startswith("mixed/")} == {f"{table}/one" for table in TABLES}
    assert all(p.sequence == 1 for p in published.values()), "each was published once"


def test_the_next_crawl_adds_its_own_and_leaves_the_rest(program: Served) -> None:
    before, releases = program.publications(), len(program.releases())
    arrives(program, "two", 1, small_crawl(1)[:60])
    release_of(program, "two", releases)
    after = program.publications()
    assert {key: after[key].id for key in before} == {key: p.id for key, p in before.items()}
    assert {key for key in after if key not in before and not key.startswith("mixed/")} == {f"{t}/two" for t in TABLES}


def test_a_poisoned_crawl_alerts_once_and_the_old_release_is_served(program: Served, hook: Hook) -> None:
    before, releases = program.publications(), program.releases()
    assert hook.got == []
    arrives(program, "three", 0, [Page(f"https://empty.example/{n}", EMPTY.format(n=n)) for n in range(150)])
    (told,) = program.until(lambda: hook.got, "an alert")
    assert told["partition"] == "three"
    assert told["reason"].startswith("cleaned/three: nothing published")
    assert "most_documents_are_extracted" in told["reason"]
    assert told["served"] == releases[-1]
    assert Path(told["candidate"]).is_dir()
    assert told["run_id"] in told["url"]
    after = program.publications()
    assert {key for key in after if key not in before} == {"raw/three"}
    time.sleep(15)
    assert len(hook.got) == 1
    failed = [run for run in program.runs(**{"dagster/partition": "three"}) if run["status"] == "FAILURE"]
    assert len(failed) == 1, "what the gate refused is not tried again"
    assert program.releases() == releases
    assert "no-one-may-see-this" not in program.told()


def test_mended_files_are_taken_again(program: Served, hook: Hook) -> None:
    releases = len(program.releases())
    arrives(program, "three", 0, small_crawl(0)[:70])
    release_of(program, "three", releases)
    assert len(hook.got) == 1


def test_a_changed_recipe_builds_what_is_stale_and_no_more(program: Served) -> None:
    before, releases = program.publications(), len(program.releases())
    path = program.place / "recipe.yaml"
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    recipe["deduped"]["steps"] = ["exact_bytes", "exact_text"]
    path.write_text(yaml.safe_dump(recipe, sort_keys=False), encoding="utf-8")
    release_of(program, "three", releases)
    after = program.publications()
    again = {key for key in before if after[key].id != before[key].id}
    assert again == {f"{table}/{name}" for table in ("deduped", "rewritten") for name in ("one", "two", "three")}
    assert all(after[key].sequence == before[key].sequence + 1 for key in again if not key.startswith("deduped/"))
    order = [p.partition for p in program.lake.history("deduped")][-3:]
    assert order == ["one", "two", "three"]


def test_after_a_power_cut_it_goes_on_and_dagster_knows_every_publication(program: Served, hook: Hook) -> None:
    before, releases, alerts = program.publications(), len(program.releases()), len(hook.got)
    log = program.home / "tables" / "cleaned" / "_delta_log"
    commits = len(list(log.glob("*.json")))
    arrives(program, "four", 1, small_crawl(1)[:50])
    # The commit is there, the event is not yet: between them lie the ledger's rows and the report.
    program.until(lambda: len(list(log.glob("*.json"))) > commits, "a commit")
    program.kill()
    program.start()
    release_of(program, "four", releases)
    # Dagster is told of a release when its row, card and lineage are written: a while after the row is seen.
    program.until(lambda: not {"QUEUED", "STARTING", "STARTED"} & {run["status"] for run in program.runs()}, "its end")
    after = program.publications()
    assert {key: after[key].id for key in before} == {key: p.id for key, p in before.items()}
    assert [p.sequence for key, p in after.items() if key.endswith("/four") and "deduped" not in key] == [1, 1, 1, 1]
    with pytest.MonkeyPatch.context() as patch:
        for name in ("PROVENDER_HOME", "PROVENDER_RECIPE", "DAGSTER_HOME"):
            patch.setenv(name, "")
        settings = Settings.read(str(program.home), str(program.place / "recipe.yaml"))
        with open_instance(settings) as instance:
            for key, publication in after.items():
                table, _, partition = key.partition("/")
                (record,) = instance.fetch_materializations(
                    dg.AssetRecordsFilter(asset_key=dg.AssetKey(table), asset_partitions=[partition]), limit=1
                ).records
                assert record.asset_materialization is not None
                assert record.asset_materialization.metadata["publication"].value == publication.id, key
            lost = [run for run in instance.get_runs() if run.status == dg.DagsterRunStatus.STARTED]
            assert lost == []
    program.until(lambda: len(hook.got) > alerts, "the alert on the lost run", 60)
    assert "its process ended before it could say why" in hook.got[-1]["reason"]
    assert program.stop() is not None

"""The job that a schedule starts: what is due of the watched place, what is asked for, what is told, and when again."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from fsspec.implementations.local import LocalFileSystem

import orchestration.registration
from orchestration.definitions import register_watched
from orchestration.registration import REGISTER, SNAPSHOT_TAG
from orchestration.runs import InstanceRuns, Subject
from orchestration.sensors import schedules
from orchestration.settings import Settings
from spark_jobs.errors import UnreachableError
from spark_jobs.lake.registry import registered
from tests.integration import straw_location
from tests.integration.straw_home import LISTED, index_crawl
from tests.unit.straw_ledger import recipe_of


@dataclass
class Place:
    """An index of crawls on a local disk, a lake of straw, and the job on an instance."""

    root: Path
    instance: dg.DagsterInstance
    registrations: list[str] = field(default_factory=list)

    @property
    def settings(self) -> Settings:
        return Settings(home=str(self.root / "home"), watch=str(self.root / "collinfo.json"), settle_seconds=0,
                        watch_since="CC-1", refresh_cron="* * * * *")  # fmt: skip

    def get(self) -> Any:
        """As the resource's; there is no Spark."""
        return straw_location.workshop_of(self)  # type: ignore[arg-type]

    def look(self) -> dg.ExecuteInProcessResult:
        """What the schedule starts."""
        return register_watched.execute_in_process(
            instance=self.instance, resources={"workshop": self}, raise_on_error=False
        )

    def failures(self) -> list[str]:
        """What the failed runs said, oldest first."""
        found = []
        for run in reversed(self.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE]))):
            for entry in self.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
                failure = entry.get_dagster_event().step_failure_data.user_failure_data
                found.append(str(failure.description) if failure is not None else "a traceback")
        return found

    @property
    def registry(self) -> list[str]:
        return list(registered(self.get().lake))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    for name in ("PROVENDER_HOME", "PROVENDER_RECIPE", "DAGSTER_HOME"):
        monkeypatch.setenv(name, "")
    straw_location.make_lake(tmp_path / "home", recipe_of(tmp_path))
    with dg.DagsterInstance.ephemeral() as instance:
        made = Place(tmp_path, instance)

        def register_input(workshop: Any, instance: dg.DagsterInstance, name: str, uris: list[str]) -> str:
            made.registrations.append(name)
            return straw_location.register_input(workshop, instance, name, uris)

        monkeypatch.setattr(orchestration.registration, "register_input", register_input)
        yield made


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the file system was asked about a file, by the file's name."""
    found: Counter[str] = Counter()
    real = LocalFileSystem.info

    def info(self: LocalFileSystem, path: str, **options: Any) -> Any:
        found[str(path).rsplit("/", 1)[-1]] += 1
        return real(self, path, **options)

    monkeypatch.setattr(LocalFileSystem, "info", info)
    return found


def test_the_files_of_a_list_are_asked_for_once_and_then_the_list_alone(place: Place, asked: Counter[str]) -> None:
    index_crawl(place.root, "CC-1")
    assert place.look().success
    assert place.registry == ["CC-1"]
    assert {name: number for name, number in asked.items() if name in LISTED}.keys() == set(LISTED)
    asked.clear()
    for _ in range(3):
        assert place.look().success
    assert {name: number for name, number in asked.items() if name in LISTED} == {}
    assert asked["warc.paths.gz"] > 0
    assert place.registrations == ["CC-1"]


def test_each_new_crawl_is_registered_in_a_run_of_its_own_in_order(place: Place) -> None:
    for name in ("CC-1", "CC-2", "CC-3"):
        index_crawl(place.root, name)
    assert place.look().success
    assert place.registry == place.registrations == ["CC-1", "CC-2", "CC-3"]
    runs = place.instance.get_runs(dg.RunsFilter(job_name=REGISTER))
    assert [run.tags[SNAPSHOT_TAG] for run in reversed(runs)] == ["CC-1", "CC-2", "CC-3"]


def test_a_list_that_is_as_it_was_two_changes_ago_has_changed(place: Place) -> None:
    for at in (1, 2, 1):
        index_crawl(place.root, "CC-1", at=at)
        assert place.look().success
    assert place.registrations == ["CC-1"] * 3


def test_where_nothing_is_due_nobody_waits_and_no_session_is_made(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_crawl(place.root, "CC-1")
    place.look()
    monkeypatch.setattr(Place, "settings", Settings(**{**vars(place.settings), "settle_seconds": 3600}))
    monkeypatch.setattr(Place, "get", lambda _self: pytest.fail("Spark is not needed to look"))
    assert place.look().success


def test_what_is_listed_and_gone_is_told_once_and_the_rest_is_registered(place: Place) -> None:
    index_crawl(place.root, "CC-1", gone=LISTED[1:2])
    index_crawl(place.root, "CC-2")
    for _ in range(2):
        assert place.look().success
    assert place.registry == place.registrations == ["CC-1", "CC-2"]
    (told,) = place.failures()
    assert told.startswith("CC-1: 1 of 3 files are listed but not there, such as ")
    assert "CC-1/warc/part-1.warc.gz; the others are registered" in told
    index_crawl(place.root, "CC-1", at=1)
    assert place.look().success
    assert place.registrations == ["CC-1", "CC-2", "CC-1"]
    assert len(place.failures()) == 1


def test_a_place_that_does_not_answer_now_is_tried_again_and_one_that_is_empty_is_not(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = index_crawl(place.root, "CC-1", gone=LISTED)
    place.look()
    (told,) = place.failures()
    assert "none of its 3 files is there" in told
    runs, subject = InstanceRuns(place.instance), Subject(frozenset(), registers="CC-1")
    assert [bool(failed.refused) for failed in runs.failures(subject)] == [True]

    def unreachable(*_all: Any) -> str:
        raise UnreachableError("s3://bucket: cannot be read (timeout)")

    monkeypatch.setattr(orchestration.registration, "register_input", unreachable)
    os.utime(folder / "warc.paths.gz", (1, 1))
    place.look()
    assert [bool(failed.refused) for failed in runs.failures(subject)] == [False, True]
    assert place.failures()[1:] == ["s3://bucket: cannot be read (timeout)"]
    place.look()
    assert len(place.failures()) == 2, "after a pause, as any other failure"


def test_a_place_that_is_not_there_fails_the_look_in_one_line(place: Place) -> None:
    assert not place.look().success
    (told,) = place.failures()
    assert told == f"{place.root}/collinfo.json: no such file; check the path"
    index_crawl(place.root, "CC-1")
    assert place.look().success
    assert place.registry == ["CC-1"]


def test_a_schedule_does_not_queue_a_look_behind_a_look(tmp_path: Path) -> None:
    (schedule,) = schedules(Settings(home=str(tmp_path), watch=str(tmp_path), refresh_cron="* * * * *"))
    with dg.instance_for_test(temp_dir=str(tmp_path)) as instance:

        def tick() -> int:
            with dg.build_schedule_context(instance=instance) as context:
                return len(schedule.evaluate_tick(context).run_requests or ())

        assert tick() == 1
        run = instance.create_run_for_job(register_watched, status=dg.DagsterRunStatus.STARTED)
        assert tick() == 0
        instance.report_run_canceled(run)
        assert tick() == 1

"""Input that cannot be used is told before Spark starts."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.progress import Progress
from orchestration.run import Refresh
from orchestration.settings import Settings
from orchestration.workshop import WorkshopResource
from spark_jobs.errors import InputError, UsageError


class NoSpark(WorkshopResource):
    """A resource that must not be asked."""

    def get(self) -> Any:
        raise AssertionError("Spark would start")


@pytest.fixture
def refresh(tmp_path: Path) -> Refresh:
    resource = NoSpark(Settings.read(str(tmp_path / "home")))
    return Refresh(resource, dg.DagsterInstance.ephemeral(), Progress())


def test_a_missing_input_is_told_at_once(refresh: Refresh, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        refresh.run([str(tmp_path / "nothing")], None)


def test_a_name_that_is_none_is_told_at_once(refresh: Refresh, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="letters, digits"):
        refresh.run([str(tmp_path)], "no good name!")


def test_usable_input_comes_as_far_as_spark(refresh: Refresh, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n')
    with pytest.raises(AssertionError, match="Spark would start"):
        refresh.run([str(tmp_path / "a.jsonl")], None)

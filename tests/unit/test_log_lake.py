"""Small tables from their logs alone: adds, removes, partition values, and what cannot be read so."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from spark_jobs.errors import LakeError
from spark_jobs.lake.log_lake import LogLake


class Log:
    """A Delta table of `snapshots`, written by hand."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "tables" / "snapshots"
        (self.folder / "_delta_log").mkdir(parents=True)

    def add(self, snapshot: str, sequence: int, **more: Any) -> dict[str, Any]:
        name = f"snapshot={snapshot.replace(' ', '%20')}/part-{sequence}.parquet"
        path = self.folder / f"snapshot={snapshot}" / f"part-{sequence}.parquet"
        path.parent.mkdir(exist_ok=True)
        table = pa.table(
            {"sequence": [sequence], "inputs": [[{"uri": "u", "bytes": 3}]], "source": ["s"], "licence": [None]}
        )
        pq.write_table(table, path)
        return {"add": {"path": name, "partitionValues": {"snapshot": snapshot}, "size": 3, **more}}

    def commit(self, version: int, *actions: dict[str, Any]) -> None:
        lines = [json.dumps(action) for action in ({"commitInfo": {"timestamp": 1, "userMetadata": "{}"}}, *actions)]
        (self.folder / "_delta_log" / f"{version:020d}.json").write_text("\n".join(lines))


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path)


def test_rows_are_those_of_the_files_that_were_added_and_not_removed(log: Log, tmp_path: Path) -> None:
    lake = LogLake(str(tmp_path))
    assert not lake.is_there()
    one, two = log.add("one", 1), log.add("a b", 2)
    log.commit(0, {"metaData": {"configuration": {}}})
    assert lake.rows("snapshots") == []
    log.commit(1, one)
    log.commit(2, two)
    rows = lake.rows("snapshots")
    assert [(row["snapshot"], row["sequence"]) for row in rows] == [("one", 1), ("a b", 2)]
    assert rows[0]["inputs"] == [{"uri": "u", "bytes": 3}]
    log.commit(3, {"remove": {"path": one["add"]["path"]}}, log.add("one", 5))
    assert sorted((row["snapshot"], row["sequence"]) for row in lake.rows("snapshots")) == [("a b", 2), ("one", 5)]


def test_rows_are_handed_out_as_copies(log: Log, tmp_path: Path) -> None:
    lake = LogLake(str(tmp_path))
    log.commit(0, log.add("one", 1))
    lake.rows("snapshots")[0]["sequence"] = 9
    assert lake.rows("snapshots")[0]["sequence"] == 1


def test_what_a_log_cannot_tell_is_said(log: Log, tmp_path: Path) -> None:
    log.commit(0, log.add("one", 1, deletionVector={"storageType": "u"}))
    with pytest.raises(LakeError, match="deletion vectors"):
        LogLake(str(tmp_path)).rows("snapshots")
    log.commit(2, log.add("two", 2))
    with pytest.raises(LakeError, match="commits are missing"):
        LogLake(str(tmp_path)).rows("snapshots")
    with pytest.raises(LakeError, match="without Spark"):
        LogLake(str(tmp_path)).at("snapshots")

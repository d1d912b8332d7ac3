"""Which publication a stage may decide again from: one of its current inputs that lacks none of their rows."""

from types import SimpleNamespace
from typing import Any

import pytest

from assets.build import _earlier
from spark_jobs.lake.pins import Pins
from spark_jobs.stages.clean import Clean
from spark_jobs.stages.stage import Redecidable

RAW = SimpleNamespace(table="raw", partition="s", id="r1", version=3, digest="d")


def lake(head: Any, raw: Any = RAW) -> Any:
    current = {("cleaned", "s"): head, ("raw", "s"): raw}
    return SimpleNamespace(current=lambda table, partition: current.get((table, partition)))


def cleaned(**record: Any) -> Any:
    inputs = [{"table": "raw", "partition": "s", "version": 3, "publication": "r1"}]
    return SimpleNamespace(id="c1", version=4, record={"suppressed": 0, "columns": [], **record}, inputs=inputs)


class Measuring:
    """A stage that only runs."""


@pytest.mark.parametrize(
    ("stage", "made"),
    [
        (Clean(), lake(None)),
        (Clean(), lake(cleaned(suppressed=1))),
        (Clean(), lake(cleaned(), SimpleNamespace(**{**vars(RAW), "id": "r2"}))),
        (Clean(), lake(cleaned(), None)),
        (Measuring(), lake(cleaned())),
    ],
)
def test_nothing_to_decide_from(stage: Any, made: Any) -> None:
    table = "cleaned"
    if not isinstance(stage, Clean):
        stage.table = table
    pins = Pins(made)
    assert _earlier(SimpleNamespace(lake=made), stage, pins, "s") is None  # type: ignore[arg-type]


def test_the_inputs_are_pinned_because_the_rows_stand_for_them() -> None:
    assert isinstance(Clean(), Redecidable)
    made = lake(cleaned())
    made.read = lambda _listed: SimpleNamespace(select=lambda *_columns: "rows")
    pins = Pins(made)
    earlier = _earlier(SimpleNamespace(lake=made), Clean(), pins, "s")  # type: ignore[arg-type]
    assert earlier is not None
    assert (earlier.publication, earlier.version, earlier.rows) == ("c1", 4, "rows")
    assert [(i["table"], i["publication"]) for i in pins.inputs] == [("raw", "r1")]

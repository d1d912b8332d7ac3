"""The factory tells of every attempt: START, and COMPLETE, FAIL or ABORT; and whoever listens can spoil nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from assets.announce import announce_again
from assets.build import Built, GateFailedError, build
from expectations.common_laws import no_row
from spark_jobs.errors import NotFoundError
from spark_jobs.lake.openlineage import Names
from tests.spark.dedup_lake import DedupLake, Given, Page, doc_id

REFUSED = no_row("nothing_is_kept", "no row may be kept", "kept")
MARKER = "a sentence that no event may hold"


class Heard:
    """A sink that remembers."""

    def __init__(self, home: str) -> None:
        self.names = Names(home=home, namespace="tests")
        self.events: list[dict[str, Any]] = []

    def send(self, event: Mapping[str, Any]) -> None:
        self.events.append(dict(event))

    def flush(self) -> None:
        """Nothing is kept."""

    def states(self) -> list[str]:
        return [event["eventType"] for event in self.events]


class Deaf(Heard):
    """A sink that fails whatever it is told."""

    def send(self, event: Mapping[str, Any]) -> None:
        raise ConnectionError(MARKER)


@pytest.fixture(scope="module")
def small(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> DedupLake:
    made = DedupLake(spark, tmp_path_factory.mktemp("announced"))
    made.crawl("s", {"kept": Page(f"{MARKER} one"), "dropped": Page(f"{MARKER} two", kept=False)})
    return made


def rows(small: DedupLake) -> list[dict[str, Any]]:
    return [{"snapshot": "s", "doc_id": doc_id(name), "q__p": 0.5} for name in ("kept", "dropped")]


def attempt(small: DedupLake, sink: Heard, said: list[str] | None = None, **options: Any) -> Built:
    workshop = replace(
        small.workshop, lineage=sink, say=(said if said is not None else []).append,
        provenance={"code": {"commit": "c0ffee", "dirty": False}, "packages": {"pyspark": "4.2.0"}},
    )  # fmt: skip
    stage: Any = options.pop("stage", None) or Given("scored", rows(small), ["cleaned"])
    return build(workshop, stage, options.pop("laws", ()), partition="s", fingerprint="f", run_id=options.pop("run_id"))


def test_a_publication_is_told_with_what_it_was_made_from(small: DedupLake) -> None:
    sink = Heard(small.lake.home)
    built = attempt(small, sink, run_id="a run")
    assert sink.states() == ["START", "COMPLETE"]
    assert sink.events[0]["run"]["runId"] == sink.events[1]["run"]["runId"]
    complete = sink.events[1]
    (given,) = complete["inputs"]
    cleaned = small.lake.current("cleaned", "s")
    assert cleaned is not None
    assert given["name"] == small.lake.location("cleaned")
    assert given["facets"]["version"]["datasetVersion"] == str(cleaned.version)
    facets = complete["outputs"][0]["facets"]
    assert facets["version"]["datasetVersion"] == str(built.publication.version)
    assert facets["dataQualityMetrics"]["rowCount"] == 1
    types = {field["name"]: field["type"] for field in facets["schema"]["fields"]}
    published = dict(small.lake.at("scored").dtypes)
    assert types == published, "the schema is that of the table"
    assert MARKER not in json.dumps(sink.events)
    # Told once more from the ledger, as after a crash between commit and event: the same run, the same publication.
    announce_again(small.lake, sink, built.publication, print)
    again = sink.events[2]
    assert again["run"]["runId"] == complete["run"]["runId"]
    assert again["outputs"][0]["facets"]["columnLineage"] == facets["columnLineage"]
    assert again["run"]["facets"]["provender_publication"] == complete["run"]["facets"]["provender_publication"]


def test_a_refused_candidate_is_told_with_the_laws_that_refused_it(small: DedupLake) -> None:
    sink = Heard(small.lake.home)
    cleaned = Given("cleaned", [{"snapshot": "s", "doc_id": doc_id("new"), "text": MARKER, "kept": True,
                                 "drop_reasons": [], "edits": []}])  # fmt: skip
    before = small.lake.current("cleaned", "s")
    with pytest.raises(GateFailedError):
        attempt(small, sink, run_id="refused", stage=cleaned, laws=[REFUSED])
    assert sink.states() == ["START", "FAIL"]
    told = sink.events[1]
    assert told["run"]["facets"]["errorMessage"]["message"] == "1 of 1 expectations failed: nothing_is_kept"
    (assertion,) = told["outputs"][0]["facets"]["dataQualityAssertions"]["assertions"]
    assert (assertion["name"], assertion["success"], assertion["severity"]) == ("nothing_is_kept", False, "error")
    assert MARKER not in json.dumps(sink.events)
    small.lake.refresh()
    assert small.lake.current("cleaned", "s") == before


class Breaking(Given):
    """A stage that breaks, quoting what it read."""

    error: BaseException = ValueError(MARKER)

    def run(self, context: Any) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "state", "message"),
    [
        (ValueError(MARKER), "FAIL", "ValueError"),
        (NotFoundError("scored: no fitted model"), "FAIL", "NotFoundError: scored: no fitted model"),
        (KeyboardInterrupt(), "ABORT", "KeyboardInterrupt"),
    ],
)
def test_what_breaks_is_told_without_what_it_had_in_hand(
    small: DedupLake, error: BaseException, state: str, message: str
) -> None:
    sink, stage = Heard(small.lake.home), Breaking("scored", [])
    stage.error = error
    with pytest.raises(type(error)):
        attempt(small, sink, run_id="broken", stage=stage)
    assert sink.states() == ["START", state]
    assert sink.events[1]["run"]["facets"]["errorMessage"]["message"] == message
    assert MARKER not in json.dumps(sink.events)


def test_nobody_who_listens_can_fail_a_publication(small: DedupLake) -> None:
    said: list[str] = []
    built = attempt(small, Deaf(small.lake.home), said, run_id="deaf")
    small.lake.refresh()
    assert small.lake.current("scored", "s") == built.publication
    assert said == ["OpenLineage: no event was made (ConnectionError); the data is not affected"] * 2


def test_without_a_sink_the_client_is_not_even_loaded(tmp_path: Path) -> None:
    program = tmp_path / "program.py"  # a file: Spark ends programs that have none
    program.write_text("import sys\nimport assets.build\nprint(any(n.startswith('openlineage') for n in sys.modules))")
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, str(program)], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    )  # fmt: skip
    assert done.stdout.strip() == "False"

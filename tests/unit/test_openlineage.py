"""OpenLineage events of an attempt: what the spec asks for, what the record says, and nothing of any document."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from spark_jobs.errors import LostRaceError
from spark_jobs.lake.openlineage import PRODUCER, Attempt, Names, completed, failed, started
from spark_jobs.lake.records import Publication

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RUN = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
NAMES = Names(home="/lakes/one", namespace="corpora", repository="https://git.example/corpus")
CODE = {"commit": "c0ffee", "dirty": True}


def attempt(**said: Any) -> Attempt:
    base: dict[str, Any] = {
        "names": NAMES, "recipe": "default", "stage": "clean", "module": "spark_jobs.stages.clean", "table": "cleaned",
        "partition": "2026-09", "sequence": 2, "run_id": RUN, "code": CODE,
    }  # fmt: skip
    return Attempt(**{**base, **said})


def publication(table: str = "cleaned", **said: Any) -> Publication:
    record: dict[str, Any] = {
        "publication": "p" * 32, "fingerprint": "f" * 64, "sequence": 2, "digest": "3:0a", "stage": "clean",
        "columns": ["snapshot", "doc_id", "text", "kept", "gopher_quality__words"], "run_id": RUN,
        "inputs": [{"table": "raw", "partition": "2026-09", "version": 4, "publication": "r" * 32, "digest": "3:0b"}],
        "counts": {"rows": 3, "kept": 1, "dropped": 2, "suppressed": 0, "by_reason": {"gopher_quality.too_short": 2},
                   "by": {"host": {"secret.example": 3}}},
        "audit": [{"name": "ids_are_set", "severity": "error", "success": True},
                  {"name": "ids_are_unique", "severity": "error", "success": True},
                  {"name": "hosts_are_dropped_as_before", "severity": "warning", "success": False}],
        "operators": [{"name": "gopher_quality", "kind": "filters", "version": 1, "fingerprint": "g",
                       "params": {"min_words": 50}, "artefact": None, "rules": []}],
        "recipe": {"name": "default", "fingerprint": "e" * 64}, "suppressed": 1, "suppressions_version": 3,
        "provenance": {"code": CODE, "packages": {"pyspark": "4.2.0"}}, "side": ["read_errors"], **said,
    }  # fmt: skip
    return Publication(table, "2026-09", 7, NOW, record)


RAW = Publication("raw", "2026-09", 4, NOW, {"publication": "r" * 32, "columns": ["payload", "url"]})
OUTCOMES = [
    {"name": "hosts_are_dropped_as_before", "says": "hosts are dropped as before", "severity": "warning",
     "success": False, "expected": "expect_aggregate_to_hold:{'aggregate': 'x'}",
     "found": "did not hold (observed 0.5): secret.example 0.9"},
]  # fmt: skip


def facets(value: Any) -> list[dict[str, Any]]:
    """Every facet of an event, wherever it is."""
    if isinstance(value, list):
        return [facet for item in value for facet in facets(item)]
    if not isinstance(value, dict):
        return []
    return [*([value] if "_schemaURL" in value else []), *(f for item in value.values() for f in facets(item))]


@pytest.mark.parametrize(
    "event",
    [
        started(attempt(), NOW), completed(attempt(), publication(), NOW, inputs=[RAW], outcomes=OUTCOMES),
        failed(attempt(), NOW, message="no", outcomes=OUTCOMES), failed(attempt(), NOW, message="stop", aborted=True),
    ],
    ids=["START", "COMPLETE", "FAIL", "ABORT"],
)  # fmt: skip
def test_an_event_is_whole_and_json(event: dict[str, Any]) -> None:
    assert json.loads(json.dumps(event, allow_nan=False)) == event
    assert event["eventTime"] == "2026-03-01T12:00:00+00:00"
    assert event["producer"] == PRODUCER
    assert event["schemaURL"].startswith("https://openlineage.io/spec/2-0-2/")
    assert uuid.UUID(event["run"]["runId"])
    assert event["job"]["namespace"] == "corpora"
    assert event["job"]["name"] == "default.clean"
    main = event["outputs"][0]
    assert (main["namespace"], main["name"]) == ("file", "/lakes/one/tables/cleaned")
    found = facets(event)
    assert found
    assert {facet["_producer"] for facet in found} == {PRODUCER}
    assert all(":" in facet["_schemaURL"] for facet in found)


def test_the_events_of_an_attempt_are_one_run_whoever_tells_it() -> None:
    made = publication()
    again = Attempt.of_record(NAMES, made)
    assert started(attempt(), NOW)["run"]["runId"] == completed(again, made, NOW)["run"]["runId"]
    assert attempt(sequence=3).id != attempt().id
    assert attempt(run_id="another").id != attempt().id
    assert attempt(partition="2026-10").id != attempt().id


def test_complete_says_what_was_published_from_what() -> None:
    event = completed(attempt(), publication(), NOW, inputs=[RAW], outcomes=OUTCOMES)
    assert event["eventType"] == "COMPLETE"
    (given,) = event["inputs"]
    assert (given["name"], given["facets"]["version"]["datasetVersion"]) == ("/lakes/one/tables/raw", "4")
    assert given["inputFacets"]["subset"]["inputCondition"]["partitions"] == [
        {"dimensions": {"snapshot": "2026-09"}, "identifier": "2026-09"}
    ]
    main, side = event["outputs"]
    assert side["name"] == "/lakes/one/tables/read_errors"
    told = main["facets"]
    assert told["version"]["datasetVersion"] == "7"
    assert told["storage"]["storageLayer"] == "delta"
    types = {field["name"]: field["type"] for field in told["schema"]["fields"]}
    assert types["text"] == "string"
    assert types["gopher_quality__words"] == "double"
    assert types["drop_reasons"].startswith("array<struct<annotator: string")
    lineage = told["columnLineage"]["fields"]
    assert [(i["name"], i["field"]) for i in lineage["doc_id"]["inputFields"]] == [("/lakes/one/tables/raw", "doc_id")]
    assert lineage["doc_id"]["inputFields"][0]["transformations"] == [{"type": "DIRECT", "subtype": "IDENTITY"}]
    assert "payload" in {i["field"] for i in lineage["gopher_quality__words"]["inputFields"]}
    metrics = told["dataQualityMetrics"]
    assert metrics["rowCount"] == 3
    assert metrics["columnMetrics"]["doc_id"] == {"nullCount": 0, "distinctCount": 3, "count": 3, "quantiles": {}}
    assert metrics["columnMetrics"]["kept"]["sum"] == 1
    assert told["provender_decisions"]["byReason"] == {"gopher_quality.too_short": 2}
    assert told["provender_decisions"]["suppressed"] == 1
    assert main["outputFacets"]["outputStatistics"]["rowCount"] == 3
    run = event["run"]["facets"]
    assert run["parent"]["run"]["runId"] == RUN
    assert run["processing_engine"]["version"] == "4.2.0"
    assert run["provender_publication"]["digest"] == "3:0a"
    assert run["provender_publication"]["operators"][0]["fingerprint"] == "g"
    source = event["job"]["facets"]["sourceCodeLocation"]
    assert (source["version"], source["path"], source["dirty"]) == ("c0ffee", "spark_jobs/stages/clean.py", True)
    assert source["url"] == "https://git.example/corpus"


def test_assertions_are_those_of_the_audit_without_what_they_saw() -> None:
    full = completed(attempt(), publication(), NOW, outcomes=OUTCOMES)
    (told,) = full["outputs"][0]["facets"]["dataQualityAssertions"]["assertions"]
    assert told["assertion"] == "expect_aggregate_to_hold"
    assert (told["success"], told["severity"], told["actual"]) == (False, "warn", "did not hold (observed 0.5)")
    short = completed(attempt(), publication(), NOW)
    names = [a["name"] for a in short["outputs"][0]["facets"]["dataQualityAssertions"]["assertions"]]
    assert names == ["ids_are_set", "ids_are_unique", "hosts_are_dropped_as_before"]
    for event in (full, short, failed(attempt(), NOW, message="m", outcomes=OUTCOMES)):
        assert "secret.example" not in json.dumps(event), "hosts stay in the lake"


def test_a_key_is_measured_only_where_its_laws_held() -> None:
    audit = [{"name": "ids_are_unique", "severity": "error", "success": False}]
    metrics = completed(attempt(), publication(audit=audit), NOW)["outputs"][0]["facets"]["dataQualityMetrics"]
    assert "doc_id" not in metrics["columnMetrics"]


def test_failure_says_why_and_promises_no_version() -> None:
    event = failed(attempt(), NOW, message="x" * 5_000, outcomes=OUTCOMES)
    assert event["eventType"] == "FAIL"
    assert len(event["run"]["facets"]["errorMessage"]["message"]) == 1_000
    assert "stackTrace" not in event["run"]["facets"]["errorMessage"]
    assert "version" not in event["outputs"][0]["facets"]
    assert failed(attempt(), NOW, message="stop", aborted=True)["eventType"] == "ABORT"
    assert (
        LostRaceError.__name__
        in failed(attempt(), NOW, message="LostRaceError")["run"]["facets"]["errorMessage"]["message"]
    )


@pytest.mark.parametrize(
    ("home", "expected"),
    [
        ("/lakes/one", ("file", "/lakes/one/tables/mixed")),
        ("s3://bucket/lakes/one", ("s3://bucket", "lakes/one/tables/mixed")),
        ("abfss://user:secret@account.example/lake", ("abfss://account.example", "lake/tables/mixed")),
    ],
)
def test_datasets_are_named_by_the_rules_of_the_spec(home: str, expected: tuple[str, str]) -> None:
    assert Names(home=home, namespace="n").dataset("mixed") == expected


def test_what_is_not_known_is_left_out() -> None:
    bare = Publication("scored", "s", 1, NOW, {"publication": "p", "fingerprint": "f", "sequence": 1, "digest": "0:00"})
    event = completed(Attempt.of_record(NAMES, bare), bare, NOW)
    assert "parent" not in event["run"]["facets"], "an id that is no UUID is no run of Dagster's"
    assert "sourceCodeLocation" not in event["job"]["facets"]
    assert "dataQualityMetrics" not in event["outputs"][0]["facets"]
    assert "outputStatistics" not in event["outputs"][0]["outputFacets"]

"""The story of a document is found by key: captures, signals, scores, duplicates, rewrites, releases. And lineage."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from assets.lineage_metadata import lineage_metadata, release_metadata
from orchestration.explain import render_story, story_of
from orchestration.instance import reconcile
from orchestration.lineage import render_lineage
from spark_jobs.errors import LakeError, NotFoundError
from spark_jobs.lake.explain import locate
from spark_jobs.lake.lineage import lineage
from spark_jobs.lake.releases import find_release
from spark_jobs.lake.score_ranks import cell_of, count_cells
from spark_jobs.stages.tally import as_counts, tally
from tests.spark.published import frame
from tests.spark.releases_lake import FIRST, ONE, SECOND, TWO, ReleasesLake, doc, url
from tests.spark.two_releases import SUPPRESSED, before


def story(made: ReleasesLake, asked: str) -> dict[str, Any]:
    workshop: Any = SimpleNamespace(lake=made)
    return story_of(workshop.lake, asked)


def the_capture(made: ReleasesLake, number: int) -> dict[str, Any]:
    (capture,) = story(made, doc(number))["captures"]
    return capture


def test_all_captures_of_a_page_are_told_whether_asked_by_url_or_by_id(made: ReleasesLake) -> None:
    by_url = story(made, url(1).replace("https", "http") + "#part")
    assert [(c["snapshot"], c["doc_id"]) for c in by_url["captures"]] == [(ONE, doc(1)), ("three", doc(1))]
    assert [c["snapshot"] for c in story(made, doc(1))["captures"]] == [ONE, "three"]
    assert by_url["captures"][1]["verdict"] == "in raw, not cleaned yet"
    assert [row["reason"] for row in by_url["captures"][1]["left_out_of"]] == ["snapshot_not_in_release"] * 2
    assert "2 captures of" in render_story(by_url)


def test_stages_name_their_publication_run_and_recipe(made: ReleasesLake) -> None:
    stages = the_capture(made, 2)["stages"]
    assert list(stages) == ["raw", "cleaned", "scored", "deduped"]
    current = made.current("cleaned", ONE)
    assert current is not None
    assert stages["cleaned"]["publication"] == current.id
    assert stages["cleaned"]["version"] == current.version
    assert stages["cleaned"]["recipe_fingerprint"] == "f" * 64
    assert stages["cleaned"]["run_id"] == "run of cleaned"
    assert stages["cleaned"]["row"]["text_length"] == len("The text of document 2.")
    assert "text" not in stages["cleaned"]["row"]
    assert stages["raw"]["row"]["payload_length"] == len("<p>2")
    assert stages["scored"]["row"] is None


def test_every_signal_has_its_rules_with_bounds_and_verdict(made: ReleasesLake) -> None:
    signals = {f"{s['annotator']}.{s['signal']}": s for s in the_capture(made, 2)["stages"]["cleaned"]["signals"]}
    words = signals["gopher_quality.words"]
    assert words["value"] == 60.0
    rules = {rule["reason"]: rule for rule in words["rules"]}
    assert (rules["too_short"]["minimum"], rules["too_short"]["broken"]) == (80, True)
    assert (rules["too_long"]["maximum"], rules["too_long"]["broken"]) == (1000, False)
    text = render_story(story(made, doc(2)))
    assert "gopher_quality.words = 60  BROKEN too_short: >= 80; ok too_long: <= 1000" in text
    assert "edited by ftfy_repair v1: 1 times" in text


def test_a_score_has_its_percentile_from_the_record(made: ReleasesLake) -> None:
    low, middle = (the_capture(made, n)["stages"]["scored"]["scores"]["quality__score"] for n in (7, 8))
    scored = made.published("scored", [ONE]).count()
    assert (low["score"], low["of"]) == (0.2, scored)
    assert low["percentile"] == pytest.approx(100 * 0.5 / scored, abs=0.01), "the lowest of all"
    assert middle["percentile"] > low["percentile"]


def test_a_duplicate_names_its_survivor_and_how_to_ask_for_it(made: ReleasesLake) -> None:
    capture = the_capture(made, 5)
    assert capture["verdict"] == f"duplicate (minhash, similarity 0.900) of {doc(30)} in {TWO}"
    survivor = capture["stages"]["deduped"]["survivor"]
    assert survivor == {"snapshot": TWO, "doc_id": doc(30), "explain": f"./provender explain {doc(30)}"}
    told = {row["release"]: row for row in capture["left_out_of"]}
    assert set(told) == {SECOND}
    assert (told[SECOND]["reason"], told[SECOND]["instead_id"]) == ("duplicate", doc(30))
    assert survivor["explain"] in render_story({"asked": "", "captures": [capture], "suppressions": []})


def test_what_was_cut_of_a_text_is_told(made: ReleasesLake) -> None:
    text = render_story(story(made, doc(13)))
    assert f"cut by lines: 4 characters from 0, which stand in {doc(1)} of {ONE}" in text
    assert "kept, without 4 characters" in text


def test_releases_hold_it_with_copies_and_tokens_as_they_were_made(made: ReleasesLake) -> None:
    held = {row["release"]: row for row in the_capture(made, 14)["releases"]}
    assert {name: (row["copies"], row["tokens"]) for name, row in held.items()} == {FIRST: (1, 100), SECOND: (2, 100)}
    # Dropped by the recipe as it is, but the first release was made before.
    capture = the_capture(made, 2)
    assert {row["release"] for row in capture["releases"]} == {FIRST}, "itself and its rewrite"
    assert {row["origin"] for row in capture["releases"]} == {"original", "rewire"}
    (out,) = (row for row in capture["left_out_of"] if row["origin"] == "original")
    assert (out["release"], out["reason"], out["drop_reasons"]) == (SECOND, "dropped", ["gopher_quality.too_short"])


def test_a_release_that_pins_an_earlier_publication_says_why_it_was_out_then(made: ReleasesLake) -> None:
    out = {row["release"]: row for row in the_capture(made, 3)["left_out_of"]}
    assert out[FIRST]["drop_reasons"] == ["c4_quality.braces"]
    duplicate = {row["release"]: row for row in the_capture(made, 16)["left_out_of"]}
    assert (duplicate[FIRST]["reason"], duplicate[FIRST]["instead_id"]) == ("duplicate", doc(1))


@pytest.mark.parametrize(
    ("number", "reason", "told"),
    [(9, "contaminated", "holds gsm item 1 (20 words)"), (7, "not_selected", "quality 0.2"),
     (6, "other_capture", f"(instead: {doc(31)} in {TWO})")],
)  # fmt: skip
def test_the_selection_says_why_a_kept_document_is_not_in_a_release(
    made: ReleasesLake, number: int, reason: str, told: str
) -> None:
    (out,) = the_capture(made, number)["left_out_of"]
    assert (out["release"], out["reason"]) == (SECOND, reason)
    assert told in render_story(story(made, doc(number)))


def test_rewrites_are_told_from_the_parent_and_from_their_own_id(made: ReleasesLake) -> None:
    capture = story(made, doc(103))["captures"][0]
    assert capture["doc_id"] == doc(20)
    assert [row["doc_id"] for row in capture["rewrites"]] == [doc(103)]
    assert {row["doc_id"] for row in capture["releases"] if row["origin"] == "rewire"} == {doc(103)}
    parent = story(made, doc(1))["captures"][0]
    (out,) = (row for row in parent["left_out_of"] if row["origin"] == "rewire")
    assert (out["release"], out["doc_id"], out["reason"]) == (SECOND, doc(101), "over_share")


def test_suppressions_are_told_with_what_is_left_and_where_nothing_is(made: ReleasesLake) -> None:
    told = story(made, doc(SUPPRESSED))
    assert [(row["kind"], row["value"]) for row in told["suppressions"]] == [("doc", doc(SUPPRESSED))]
    assert f"suppressed: doc {doc(SUPPRESSED)}: request, receipt r1" in render_story(told)
    assert story(made, doc(1))["suppressions"] == []
    gone = story(made, "https://www.gone.example/page")
    assert (gone["captures"], gone["suppressions"][0]["value"]) == ([], "gone.example")
    assert "nothing of it is held any more" in render_story(gone)
    with pytest.raises(NotFoundError, match="no published snapshot holds it"):
        story(made, "https://notgone.example/page")


def test_a_document_is_found_by_its_id_and_an_unknown_id_is_not(made: ReleasesLake) -> None:
    assert locate(made, doc_id=doc(4)) == [(ONE, doc(4))]
    assert locate(made, doc_id="f" * 32) == []


def test_what_pages_say_is_no_markup_and_moves_no_cursor(made: ReleasesLake) -> None:
    told = story(made, doc(4))
    told["captures"][0]["stages"]["raw"]["row"]["url"] = "https://a.example/[red]\x1b[2J\u202e"
    text = render_story(told)
    assert "https://a.example/[red]␛[2J\ufffd" in text


def test_the_cells_that_a_record_counts_are_those_that_a_score_is_looked_up_in(spark: SparkSession) -> None:
    scores = [0.0, 1e-12, 0.25, 0.5, 0.5, 0.99, 1.0, None, float("nan")]
    rows = spark.createDataFrame([(score,) for score in scores], "q__p DOUBLE")
    counted = dict(count_cells(rows, ["q__p"])["q__p"])
    wanted: dict[int, int] = {}
    for score in scores[:-2]:
        wanted[cell_of(score)] = wanted.get(cell_of(score), 0) + 1
    assert counted == wanted
    assert count_cells(rows, []) == {}


def test_first_reasons_add_up_to_what_was_dropped(spark: SparkSession) -> None:
    def reason(name: str) -> tuple[str, int, str, float, float]:
        return (name, 1, "bad", 1.0, 2.0)

    given = [[], [reason("a")], [reason("a"), reason("b")], [reason("b"), reason("a")]]
    rows = [{"doc_id": str(n), "kept": not own, "drop_reasons": own, "edits": []} for n, own in enumerate(given)]
    counts = as_counts(tally(frame(spark, "cleaned", rows).withColumn("text", F.lit("x"))))
    assert counts["by_first_reason"] == {"a.bad": 2, "b.bad": 1}
    assert counts["by_reason"] == {"a.bad": 3, "b.bad": 2}


# lineage ----------------------------------------------------------------------------------------------------------


def test_the_counts_balance_from_the_records_in_the_files_to_the_release(made: ReleasesLake) -> None:
    tree = lineage(made, find_release(made, FIRST))
    balance = tree["balance"]
    assert balance["balanced"], balance["unbalanced"]
    documents = before().documents
    assert balance["records"] == len(documents) + 1
    lost = {(row["table"], row["reason"]): row["documents"] for row in balance["lost"]}
    assert lost == {
        ("raw", "unreadable: bad_gzip"): 1, ("cleaned", "c4_quality.braces"): 1, ("deduped", "minhash"): 1,
        ("mixed", "not_selected"): 1, ("mixed", "other_capture"): 1,
    }  # fmt: skip
    assert balance["originals"] == sum(d.released for d in documents)
    assert (balance["rewrites"], balance["documents"]) == (2, balance["originals"] + 2)
    assert "the counts balance" in render_lineage(tree)


def test_a_document_that_vanished_is_told_and_one_that_was_suppressed_is_not(made: ReleasesLake) -> None:
    tree = lineage(made, find_release(made, SECOND))
    assert not tree["balance"]["balanced"]
    (told,) = tree["balance"]["unbalanced"]
    assert re.match(r"cleaned/one: 20 in, 14 out, 5 lost", told), told
    assert {"table": "cleaned", "reason": "taken down before", "documents": 1} in tree["balance"]["lost"]
    assert "THE COUNTS DO NOT BALANCE: cleaned/one" in render_lineage(tree)


def test_lineage_names_what_a_release_was_made_with(made: ReleasesLake) -> None:
    tree = lineage(made, find_release(made, FIRST))
    digests = {(model["operator"], model["digest"]) for model in tree["models"]}
    assert {("quality", "a" * 64), ("rewire", "p" * 64), ("language lid.176", "l" * 64)} <= digests
    assert tree["code"][0]["commit"] == "c" * 40
    assert tree["packages"] == [{"package": "numpy", "versions": [{"version": "2", "publications": None}]}]
    nodes = {node["publication"]: node for s in tree["snapshots"] for node in s["tables"]}
    assert {nodes[name]["table"] for name in tree["mixed"]["inputs"]} == {"cleaned", "scored", "deduped", "rewritten"}
    assert tree["snapshots"][0]["input"]["files"][0]["uri"] == "one.warc"
    second = lineage(made, find_release(made, SECOND))
    assert {"operator": "decontamination", "kind": "benchmark", "name": "gsm", "digest": "g" * 64, "entries": 3,
            "tables": ["mixed"]} in second["lists"]  # fmt: skip


def test_dagster_is_told_the_lineage_of_a_release(made: ReleasesLake) -> None:
    metadata = lineage_metadata(made, find_release(made, SECOND))
    assert metadata["counts balance"] is False
    rows = [record.data for record in metadata["from records to documents"].records]
    assert rows[0] == {"table": "files", "reason": "document records", "documents": 23}
    assert any(record.data["name"] == "gsm" for record in metadata["models and lists"].records)
    assert "cleaned version" in metadata["lineage"].md_str


def materialized(instance: dg.DagsterInstance, release: str) -> dg.AssetMaterialization:
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey("mixed"), asset_partitions=[release])
    event = instance.fetch_materializations(wanted, limit=1).records[0].asset_materialization
    assert event is not None
    return event


def test_a_release_that_dagster_missed_is_reported_with_its_lineage(made: ReleasesLake, tmp_path: Path) -> None:
    workshop: Any = SimpleNamespace(lake=made, lineage=None, say=print)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        reconcile(instance, workshop)
        release = find_release(made, FIRST)  # type: ignore[arg-type]
        told = materialized(instance, FIRST).metadata
        for label, value in release_metadata(made, release).items():  # type: ignore[arg-type]
            assert told[label] == dg.MetadataValue.text(value) if isinstance(value, str) else told[label] is not None
        assert told["counts balance"] == dg.MetadataValue.bool(True)
        assert told["documents"] == dg.MetadataValue.int(release.manifest["totals"]["documents"])
        assert reconcile(instance, workshop) == 0


def test_who_cannot_tell_the_lineage_reports_the_release_and_who_can_does_it_again(
    made: ReleasesLake, tmp_path: Path
) -> None:
    class WithoutSpark:
        """As the daemon sees it: read errors are rows that only Spark reads."""

        def __getattr__(self, name: str) -> Any:
            return getattr(made, name)

        def side(self, *_words: Any) -> Any:
            raise LakeError("a lake that was opened without Spark")

    said: list[str] = []
    daemon: Any = SimpleNamespace(lake=WithoutSpark(), lineage=None, say=said.append)
    command: Any = SimpleNamespace(lake=made, lineage=None, say=said.append)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        assert reconcile(instance, daemon) > 2
        assert "lineage" not in materialized(instance, FIRST).metadata
        assert any(
            f"{FIRST}: Dagster is not told its lineage: LakeError: a lake that was opened without Spark" in s
            for s in said
        )
        assert reconcile(instance, daemon) == 0
        assert reconcile(instance, command) == 2, "both releases"
        assert "lineage" in materialized(instance, FIRST).metadata
        assert reconcile(instance, daemon) == reconcile(instance, command) == 0

"""A takedown on a lake of few rows: rewrites, torn files, releases, exports and reports, and what killed runs leave."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from assets.mixed import register_missing
from assets.workshop import Workshop
from orchestration.progress import Progress
from orchestration.takedown import render, retell
from spark_jobs.crawl.url import url_hash
from spark_jobs.errors import UsageError, VerificationError
from spark_jobs.lake import receipts, storage
from spark_jobs.lake.candidate import write_candidate
from spark_jobs.lake.contents import by_licence, summarise
from spark_jobs.lake.exports import exports_of, note_export
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.publish import append
from spark_jobs.lake.registry import register
from spark_jobs.lake.releases import Release, find_release, register_state, releases
from spark_jobs.lake.tables import FLOW
from spark_jobs.recipe.sections.deduped import DedupedSection
from spark_jobs.stages.manifest import build_manifest
from spark_jobs.stages.takedown import Takedown
from spark_jobs.stages.takedown_request import Request
from tests.decoded import places
from tests.spark import published
from tests.spark.published import RELEASE, SNAPSHOT, doc, frame
from tests.spark.released import copy_of, publish_rows

pytestmark = pytest.mark.heavy

LATER = "s3"
# Rewrite 1001 is of document 1 and in the release, 1002 of document 2; document 30 is in another snapshot.
REWRITE, ELSEWHERE = doc(1001), doc(30)
TEXT, ANSWER = "better 1", "answer 1 m 0"


@pytest.fixture(scope="module")
def full(whole: Lake, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The lake of one release with answers of a model, a second snapshot, and a manifest that counts."""
    lake = copy_of(whole, tmp_path_factory.mktemp("full") / "home")
    answers = [
        {"request_digest": f"q{n}{model}{sample}", "strategy": "rewire", "model": model, "parent_snapshot": SNAPSHOT,
         "parent_id": doc(n), "sample": sample, "output": f"answer {n} {model} {sample}"}
        for n in range(3) for model in ("m", "other/m") for sample in (0, 1)
    ]  # fmt: skip
    append(lake, "rewrite_cache", frame(lake.spark, "rewrite_cache", answers))
    register(lake, LATER, [published.input_file("f3.warc", 1)], source="s", licence=None)
    row = {**published.raw_rows()[0], "snapshot": LATER, "doc_id": ELSEWHERE, "url": "https://z.example",
           "canonical_url": "z.example", "source_file": "f3.warc", "licence": "L1"}  # fmt: skip
    side = {"snapshot": LATER, "url_hash": url_hash("z.example"), "doc_id": ELSEWHERE, "url": "https://z.example"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.spark.released.SIDE", {"raw": {"locator": [side]}})
        publish_rows(lake, "raw", [row], LATER)
    mixed = lake.current("mixed", RELEASE)
    assert mixed is not None
    rows = lake.read([mixed])
    summary, licences = ([one.asDict() for one in part.collect()] for part in (summarise(rows), by_licence(rows)))
    manifest = build_manifest(
        release=RELEASE, recipe_name="test", pins=[dict(pin) for pin in mixed.inputs], summary=summary,
        publication=mixed.id, digest=mixed.digest, fingerprint=mixed.fingerprint, licences=licences,
    )  # fmt: skip
    register_state(lake, Release(RELEASE, "test", "published", mixed.id, manifest))
    return lake


@pytest.fixture
def lake(full: Lake, tmp_path: Path) -> Lake:
    return copy_of(full, tmp_path / "home")


def takedown(lake: Lake, **rules: tuple[str, ...]) -> Takedown:
    recipe: Any = SimpleNamespace(deduped=DedupedSection())
    return Takedown(
        lake=Lake(lake.spark, lake.home), recipe=recipe, request=Request(rules, "a test"),
        scratch=f"{lake.home}/../scratch",
    )  # fmt: skip


def home(lake: Lake) -> Path:
    return Path(lake.home)


def file_of(lake: Lake, table: str, partition: str = f"snapshot={SNAPSHOT}") -> Path:
    (found, *_) = sorted((home(lake) / "tables" / table / partition).rglob("*.parquet"))
    return found


@pytest.mark.parametrize("more", [{}, {"url": ("z.example/",)}], ids=["alone", "with a page of another snapshot"])
def test_a_rewrite_goes_by_its_own_id_with_its_answer_and_no_other(lake: Lake, more: dict[str, Any]) -> None:
    assert {name.split("/")[1] for name in places(home(lake), TEXT)} >= {"rewritten", "mixed"}
    assert places(home(lake), ANSWER)
    receipt = takedown(lake, doc=(REWRITE,), **more).run()
    assert receipt["left"] == 0
    assert (places(home(lake), TEXT), places(home(lake), ANSWER)) == ([], [])
    for other in ("better 2", "answer 1 m 1", "answer 1 other/m 0", "answer 2 m 0"):
        assert places(home(lake), other), other
    found = {(one["snapshot"], one["doc_id"]) for one in receipt["document_ids"]}
    assert found == {(SNAPSHOT, REWRITE)} | ({(LATER, ELSEWHERE)} if more else set())
    assert receipt["hit_nothing"] == []
    removed = {row["table"]: row["removed"] for row in receipt["tables"]}
    assert {table: removed.get(table) for table in ("rewritten", "mixed", "rewrite_cache")} == {
        "rewritten": 1, "mixed": 1, "rewrite_cache": 1,
    }  # fmt: skip


def test_a_document_goes_with_all_its_answers(lake: Lake) -> None:
    assert takedown(lake, doc=(doc(1),)).run()["left"] == 0
    assert places(home(lake), "answer 1 ") == []
    assert places(home(lake), "answer 2 ")


def test_rules_that_hit_nothing_are_named(lake: Lake) -> None:
    planned = takedown(
        lake, doc=(doc(999), REWRITE), url=("z.example", "a.example/none"), domain=("b.example", "z.example"),
        licence=("L1", "L2"),
    ).plan()  # fmt: skip
    assert planned["hit_nothing"] == [
        {"kind": "doc", "value": doc(999)}, {"kind": "url", "value": "a.example/none"},
        {"kind": "domain", "value": "b.example"}, {"kind": "licence", "value": "L2"},
    ]  # fmt: skip


def test_another_takedown_waits_for_one_that_was_killed(lake: Lake) -> None:
    asked = [{"kind": "domain", "value": f"{name}.example"} for name in "abcd"]
    receipts.write(lake.home, {"receipt": "takedown-first", "state": receipts.BEGUN, "asked": asked, "destroyed": [],
                               "tables": None})  # fmt: skip
    versions = {table: lake.version(table) for table in (*FLOW, "suppressions")}
    with pytest.raises(
        UsageError, match=r"takedown-first is unfinished.*domain a.example, .*, \.\.\.; .*takedown-first"
    ):
        takedown(lake, doc=(doc(1),)).run()
    lake.refresh()
    assert {table: lake.version(table) for table in versions} == versions


# torn files -------------------------------------------------------------------------------------------------------


def torn(path: Path) -> Path:
    data = path.read_bytes()
    cut = path.with_name("part-00009-torn.c000.snappy.parquet")
    cut.write_bytes(data[: len(data) // 2])
    return cut


@pytest.mark.parametrize("rules", [{"doc": (doc(7),)}, {"domain": ("z.example",)}], ids=["by id", "by domain"])
def test_a_torn_file_that_no_version_lists_is_counted_and_goes(lake: Lake, rules: dict[str, Any]) -> None:
    partition = SNAPSHOT if "doc" in rules else LATER
    cuts = [
        torn(file_of(lake, "raw", f"snapshot={partition}")),
        torn(file_of(lake, "locator", f"snapshot={partition}")),
    ]
    planned = takedown(lake, **rules).plan()
    assert planned["files"]["unreadable"] == 2
    assert planned["documents"] == 1
    receipt = takedown(lake, **rules).run()
    assert (receipt["left"], receipt["documents"]) == (0, 1)
    assert not any(cut.exists() for cut in cuts)


def test_a_listed_file_that_cannot_be_read_is_named(lake: Lake) -> None:
    path, before = file_of(lake, "cleaned"), {table: lake.version(table) for table in FLOW}
    path.write_bytes(path.read_bytes()[:-50])
    for crc in path.parent.glob(".*.crc"):
        crc.unlink()
    for asked in (lambda: takedown(lake, doc=(doc(7),)).plan(), lambda: takedown(lake, doc=(doc(7),)).run()):
        with pytest.raises(VerificationError, match=f"{path.name}: cannot be read.*version 1 lists it.*restore it"):
            asked()
    assert path.exists()
    assert {table: lake.version(table) for table in FLOW} == before, "nothing was published"


# given again ------------------------------------------------------------------------------------------------------


def test_what_a_killed_run_left_does_not_begin_another_receipt(lake: Lake) -> None:
    first = takedown(lake, doc=(doc(3),)).run()
    candidate = home(lake) / "candidates" / "raw" / SNAPSHOT / "killed" / "main" / "part.parquet"
    candidate.parent.mkdir(parents=True)
    candidate.write_bytes(b"PAR1")
    cut = torn(file_of(lake, "raw"))
    page = home(lake) / "reports" / "cleaned" / SNAPSHOT / "p-with-text.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("made since, without them", "utf-8")
    again = takedown(lake, doc=(doc(3),)).run()
    assert not candidate.exists()
    assert not cut.exists()
    assert page.exists()
    candidates = sorted([*first["candidates"], f"raw/{SNAPSHOT}/killed"])
    assert again == {**first, "candidates": candidates, "files": again["files"]}
    assert again["files"]["deleted"] == first["files"]["deleted"] + 1
    assert receipts.read(lake.home, again["receipt"]) == again
    assert takedown(lake, doc=(doc(3),)).run() == again


def test_what_came_back_from_a_copy_is_another_time_and_all_times_are_kept(lake: Lake) -> None:
    (path,) = (home(lake) / name for name in places(home(lake), doc(3)) if name.startswith("tables/raw/snapshot"))
    data, times = path.read_bytes(), []
    for time in range(3):
        receipt = takedown(lake, doc=(doc(3),)).run()
        assert receipt["left"] == 0
        assert [one["begun_at"] for one in receipt.get("before", ())] == times
        assert all("before" not in one for one in receipt.get("before", ()))
        assert len(receipt["releases"]) == (time == 0), "a release is revised once"
        assert not path.exists()
        times.append(receipt["begun_at"])
        path.write_bytes(data)


# releases ---------------------------------------------------------------------------------------------------------


def killed(*_words: Any, **_keys: Any) -> None:
    raise KeyboardInterrupt


def workshop_of(lake: Lake, write_card: Callable[..., str] | None = None) -> Workshop:
    recipe: Any = SimpleNamespace(name="test")
    return Workshop(
        lake=Lake(lake.spark, lake.home), recipe=recipe, recipe_fingerprint="f", provenance={}, scratch="",
        write_card=write_card,
    )  # fmt: skip


def test_a_takedown_killed_before_the_revision_revises_when_it_goes_on(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = find_release(lake, RELEASE)
    with monkeypatch.context() as patch:
        patch.setattr(Takedown, "_revise", killed)
        with pytest.raises(KeyboardInterrupt):
            takedown(lake, doc=(doc(3),)).run()
    assert register_missing(workshop_of(lake)) == 0, "./provender run leaves it to the takedown"
    receipt = takedown(lake, doc=(doc(3),)).run()
    lake.refresh()
    states = {release.name: (release.state, release.publication) for release in releases(lake)}
    (told,) = receipt["releases"]
    assert states == {RELEASE: ("published", told["publication"]), f"{RELEASE}-r1": ("withdrawn", before.publication)}
    assert (told["revision"], told["removed_documents"]) == (2, 1)


def test_a_release_that_was_never_registered_is_registered_after_a_takedown(lake: Lake) -> None:
    rows = [{**row, "release": "r9"} for row in published.mixed_rows()]
    publish_rows(lake, "mixed", rows, "r9")
    takedown(lake, doc=(doc(3),)).run()
    assert register_missing(workshop_of(lake)) == 1
    lake.refresh()
    assert find_release(lake, "r9").manifest["totals"]["documents"] == len(rows) - 1


def test_a_revised_release_keeps_its_licences_manifest_and_card(lake: Lake) -> None:
    def write_card(lake: Lake, release: Release) -> str:
        storage.write_text(storage.join(lake.home, "releases", release.name, "README.md"), release.publication)
        storage.write_text(storage.join(lake.home, "releases", release.name, "manifest.json"), "{}")
        return ""

    write_card(lake, find_release(lake, RELEASE))
    folder = home(lake) / "releases" / RELEASE
    receipt = takedown(lake, doc=(doc(3),)).run()
    assert not list(folder.glob("*.*")), "what speaks of the revision before"
    retell(workshop_of(lake, write_card), [one["release"] for one in receipt["releases"]], Progress())
    lake.refresh()
    release = find_release(lake, RELEASE)
    rows = lake.read([p for p in lake.history("mixed") if p.id == release.publication])
    for name, counted in (("licences", by_licence(rows)), ("contents", summarise(rows))):
        assert release.manifest[name] == [row.asDict() for row in counted.collect()], name
    assert release.manifest["licences"]
    assert (folder / "README.md").read_text("utf-8") == release.publication


def test_a_manifest_that_never_counted_licences_counts_them_now(whole: Lake, tmp_path: Path) -> None:
    lake = copy_of(whole, tmp_path / "home")
    takedown(lake, doc=(doc(3),)).run()
    lake.refresh()
    (row,) = find_release(lake, RELEASE).manifest["licences"]
    assert (row["licence"], row["documents"]) == (None, len(published.mixed_rows()) - 1)


# beside the tables ------------------------------------------------------------------------------------------------


def exported(folder: Path, doc_id: str) -> str:
    folder.mkdir(parents=True)
    (folder / "main-00000-of-00001.jsonl").write_text(json.dumps({"id": doc_id}) + "\n", "utf-8")
    (folder / "_manifest.json").write_text(json.dumps({"files": [], "format": "jsonl", "release": {}}), "utf-8")
    return str(folder)


def test_exports_go_or_are_told(lake: Lake, tmp_path: Path) -> None:
    inside = exported(home(lake) / "exports" / "x", doc(3))
    outside = exported(tmp_path / "outside", doc(3))
    for out in (inside, outside):
        note_export(lake.home, RELEASE, out, "jsonl")
    planned = takedown(lake, doc=(doc(3),)).plan()
    wanted = {"release": RELEASE, "out": outside, "format": "jsonl", "found": True}
    assert (planned["exports"], planned["not_reached"]["exports"]) == (["exports/x"], [wanted])
    assert outside in render(planned)
    receipt = takedown(lake, doc=(doc(3),)).run()
    assert receipt["exports"] == ["exports/x"]
    assert receipt["not_reached"]["exports"] == [{**wanted, "release": f"{RELEASE}-r1"}]
    assert not Path(inside).exists()
    assert Path(outside).exists()
    assert f"export of {RELEASE}-r1: {outside}" in render({**receipt, "file": ""})
    later = exported(tmp_path / "later", doc(4))
    note_export(lake.home, RELEASE, later, "jsonl")
    again = takedown(lake, doc=(doc(4),)).run()
    assert [one["out"] for one in again["not_reached"]["exports"]] == [outside, later], "all revisions held it"
    assert exports_of(lake.home, RELEASE) == ()


def test_a_refused_candidate_of_raw_goes_by_domain(lake: Lake) -> None:
    row = {**published.raw_rows()[5], "doc_id": doc(77), "canonical_url": "www.bad.example/x", "payload": b"bad words"}
    main = frame(lake.spark, "raw", [row])
    write_candidate(lake, table="raw", partition=SNAPSHOT, attempt="refused", main=main, side={})
    assert places(home(lake), "bad words")
    receipt = takedown(lake, domain=("bad.example",)).run()
    assert f"raw/{SNAPSHOT}/refused" in receipt["candidates"]
    assert places(home(lake), "bad words") == []


def test_reports_of_snapshots_that_have_duplicates_of_it_go(lake: Lake) -> None:
    """Document 100 survives in an earlier snapshot for document 9 of this one."""
    reports = home(lake) / "reports" / "cleaned"
    for snapshot in (SNAPSHOT, LATER):
        for name in ("p.html", "p-with-text.html"):
            (reports / snapshot).mkdir(parents=True, exist_ok=True)
            (reports / snapshot / name).write_text("<html>", "utf-8")
    gone = [f"cleaned/{SNAPSHOT}/p-with-text.html", f"cleaned/{SNAPSHOT}/p.html", f"cleaned/{LATER}/p-with-text.html"]
    assert takedown(lake, doc=(doc(100),)).plan()["reports"] == gone
    receipt = takedown(lake, doc=(doc(100),)).run()
    assert receipt["reports"] == gone
    assert [path.relative_to(reports).as_posix() for path in reports.rglob("*.html")] == [f"{LATER}/p.html"]

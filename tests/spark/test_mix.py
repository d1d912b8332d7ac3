"""Mixing a release: who is taken, how often and why, the same under any partitioning; and its export."""

import gzip
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.errors import NotFoundError, UsageError
from spark_jobs.lake.contents import summarise
from spark_jobs.lake.tables import TABLES
from spark_jobs.recipe.sections.mixed import MixedSection
from spark_jobs.recipe.steps import Step
from spark_jobs.stages.export import export_release
from spark_jobs.stages.mix import Mix, benchmark_hits
from spark_jobs.stages.mix_pool import Pools
from spark_jobs.stages.stage import OperatorRecord, StageContext
from tests.spark.published import EARLIER, SNAPSHOT, Reader, doc, frame

ITEM = (
    "A baker on the northern coast sells forty loaves of rye bread each morning and gives away three more to the "
    "gulls. If every loaf costs two coins, how many coins remain after a week of six working days?"
)
SIGNALS = "token_count__tokens DOUBLE, token_count__characters DOUBLE"
SCORE = "q__p DOUBLE"
Rows = list[tuple[Any, ...]]
START = datetime(2024, 1, 1, tzinfo=UTC)
NO_SCORE, NO_TEXT, DIRTY, DIRTY_LOW = 30, 31, 32, 1


def number(doc_id: str) -> int:
    return int(doc_id, 16)


def originals() -> list[dict[str, Any]]:
    """Documents 0..35; 0..4 are captured again, later, as 100..104; 20..22 are duplicates of other documents."""
    rows = []
    for n in [*range(36), *range(100, 105)]:
        page = n % 100
        text = f"Page {n}." + (ITEM if n in (DIRTY, DIRTY_LOW + 100) else "")
        rows.append({
            "snapshot": SNAPSHOT if n >= 100 or n > 25 else EARLIER, "doc_id": doc(n), "url": f"https://a.example/{page}",
            "canonical_url": f"//a.example/{page}", "capture_id": f"{page:032x}", "host": "a.example",
            "text": "" if n == NO_TEXT else text,
            "captured_at": START + timedelta(days=n), "source": "docs" if page % 3 else "blogs", "language": "en",
            "licence": "cc-by", "kept": n not in (20, 21, 22),
            "token_count__tokens": 0.0 if n == NO_TEXT else 10.0 + (n * 7) % 13,
            "token_count__characters": float(len(text)),
            # Scores in pairs, so that there are ties.
            "q__p": None if n == NO_SCORE else (page // 2) / 20,
        })  # fmt: skip
    return rows


def rewrites() -> list[dict[str, Any]]:
    """Accepted rewrites 1000+n of documents, two samples of document 6, and one that was not accepted."""
    parents = [0, 100, 6, 7, 8, 9, DIRTY, DIRTY_LOW + 100, 20]
    rows = [(1000 + p, p, 0, "Better words about it, said again in another way.") for p in parents]
    rows += [(2006, 6, 1, "A second sample."), (2010, 10, 0, f"Leaked. {ITEM}"), (2011, 11, 0, "Not accepted.")]
    by_id = {number(row["doc_id"]): row for row in originals()}
    return [
        {
            "snapshot": by_id[parent]["snapshot"], "doc_id": doc(n), "parent_snapshot": by_id[parent]["snapshot"],
            "parent_id": doc(parent), "strategy": "rewire", "sample": sample, "text": text, "language": "en",
            "kept": n != 2011,
        }
        for n, parent, sample, text in rows
    ]  # fmt: skip


@dataclass(frozen=True)
class World:
    """Published tables, and mixing them."""

    spark: SparkSession
    tmp: Path

    def reader(self, partitions: int = 2) -> Reader:
        rows = originals()
        frames = {
            "cleaned": frame(self.spark, "cleaned", rows, SIGNALS),
            "scored": frame(self.spark, "scored", rows, SCORE),
            "deduped": frame(self.spark, "deduped", rows),
            "rewritten": frame(self.spark, "rewritten", rewrites()),
        }
        return Reader({
            name: table.orderBy(F.xxhash64("doc_id", F.lit(partitions))).repartition(partitions)
            for name, table in frames.items()
        })  # fmt: skip

    def recipe(self, **said: Any) -> Any:
        section = MixedSection.model_validate({"select": {"top_fraction": {"fraction": 0.7}}, **said})
        return SimpleNamespace(mixed=section, cleaned=SimpleNamespace(steps=(Step(name="token_count"),)))

    def mix(
        self, reader: Reader | None = None, partitions: int = 2, services: Mapping[str, Any] | None = None, **said: Any
    ) -> "Mixed":
        name = hashlib.sha256(repr((partitions, services, said)).encode()).hexdigest()[:12]
        context = StageContext(
            spark=self.spark, recipe=self.recipe(**said), partition="r1", inputs=reader or self.reader(partitions),
            scratch=str(self.tmp / name), services=services or {},
        )  # fmt: skip
        output = Mix().run(context)
        return Mixed(
            {row["doc_id"]: row.asDict() for row in output.main.collect()},
            {row["doc_id"]: row.asDict(recursive=True) for row in output.side["selection"].collect()},
            output.facts, output.main, output.side["selection"], output.operators,
        )  # fmt: skip


@dataclass(frozen=True)
class Mixed:
    """A release as Python values."""

    rows: Mapping[str, Mapping[str, Any]]
    selection: Mapping[str, Mapping[str, Any]]
    facts: Mapping[str, Any]
    main: DataFrame
    side: DataFrame
    operators: Sequence[OperatorRecord]

    def reason(self, n: int) -> str | None:
        return self.selection[doc(n)]["reason"]

    def tokens(self, origins: Iterable[str] = ("original", "rewire"), **where: Any) -> int:
        return sum(
            r["tokens"] * r["copies"]
            for r in self.rows.values()
            if r["origin"] in origins and all(r[k] == v for k, v in where.items())
        )


@pytest.fixture(scope="module")
def world(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(spark, tmp_path_factory.mktemp("mix"))


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = tmp_path_factory.mktemp("benchmarks") / "b.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps({"q": q}) + "\n" for q in (ITEM, "Too short?")).encode()))
    return {"name": "bakers", "path": str(path), "fields": ["q"]}


@pytest.fixture(scope="module")
def release(world: World, benchmark: dict[str, Any]) -> Mixed:
    return world.mix(benchmarks=[benchmark])


def test_every_candidate_is_in_or_out_with_a_reason(release: "Mixed") -> None:
    kept = {row["doc_id"] for row in originals() if row["kept"]}
    accepted = {row["doc_id"] for row in rewrites() if row["kept"]}
    assert set(release.selection) == kept | accepted
    assert all(row["kept"] == (row["reason"] is None) for row in release.selection.values())
    assert {name for name, row in release.selection.items() if row["kept"]} == set(release.rows)


def test_each_reason_names_its_cause(release: "Mixed") -> None:
    assert release.reason(NO_SCORE) == "no_score"
    assert release.reason(NO_TEXT) == "no_tokens"
    assert release.reason(DIRTY) == "contaminated"
    assert release.reason(0) == "other_capture"
    assert release.selection[doc(0)]["instead_id"] == doc(100)
    assert release.reason(3) == "other_capture"
    assert release.reason(5) == "not_selected"


def test_a_rewrite_needs_a_clean_parent_that_is_the_capture(release: "Mixed") -> None:
    assert release.reason(1000) == "parent_other_capture"
    assert release.reason(1000 + DIRTY) == "parent_contaminated"
    # Below the quality cut, so not in the release itself, but read all the same.
    assert release.reason(1000 + DIRTY_LOW + 100) == "parent_contaminated"
    assert release.reason(1020) == "parent_not_kept"
    assert release.reason(2006) == "other_sample"
    assert release.reason(2010) == "contaminated"


def test_a_parent_below_the_cut_may_have_a_rewrite(release: "Mixed") -> None:
    assert release.reason(6) == "not_selected"
    assert release.reason(1006) is None
    row = release.rows[doc(1006)]
    assert (row["origin"], row["parent_id"], row["source"], row["url"]) == (
        "rewire", doc(6), "blogs", "https://a.example/6",
    )  # fmt: skip
    assert row["tokens"] > 0


def test_no_document_of_the_release_holds_a_benchmark_item(
    world: World, release: "Mixed", benchmark: dict[str, Any]
) -> None:
    recipe = world.recipe(benchmarks=[benchmark])
    assert benchmark_hits(release.main, recipe).count() == 0
    planted = release.main.withColumn("text", F.when(F.col("doc_id") == doc(1006), ITEM).otherwise(F.col("text")))
    assert [row["doc_id"] for row in benchmark_hits(planted, recipe).where("hit").collect()] == [doc(1006)]


def test_without_benchmarks_nothing_is_a_hit(world: World, release: "Mixed") -> None:
    assert benchmark_hits(release.main, world.recipe()).count() == 0


def test_the_facts_say_what_was_dropped_and_what_cannot_be_checked(release: "Mixed") -> None:
    (facts,) = release.facts["benchmarks"]
    assert (facts["name"], facts["items"], facts["not_checkable"]) == ("bakers", 2, 1)
    assert facts["not_checkable_items"] == ["2"]
    assert facts["documents_dropped"] == 2
    counted = {(row["origin"], row["reason"]): row["documents"] for row in release.facts["decisions"]}
    assert sum(counted.values()) == len(release.selection)
    assert counted["original", None] == sum(row["origin"] == "original" for row in release.rows.values())


def test_facts_are_json_and_planned_tokens_are_what_was_drawn(release: "Mixed") -> None:
    json.dumps(release.facts, allow_nan=False)
    for source, planned in release.facts["planned_tokens"].items():
        assert release.tokens(["original"], source=source) == planned


def test_the_share_of_tokens_is_met_to_one_document(release: "Mixed") -> None:
    fractions = release.facts["selection"]["fractions"]
    pool_tokens = sum(
        row["tokens"] for row in release.selection.values()
        if row["origin"] == "original" and row["reason"] not in ("no_tokens", "other_capture")
    )  # fmt: skip
    # The document without a score is part of the pool that is reported, but not of what is shared out.
    assert 0.7 * (1 - 30 / pool_tokens) - 0.03 <= fractions["tokens"] <= 0.7 + 30 / pool_tokens


def test_the_columns_are_those_of_the_tables(spark: SparkSession, release: "Mixed") -> None:
    for table, got in (("mixed", release.main), ("selection", release.side)):
        declared = [f.name for f in spark.createDataFrame([], TABLES[table].columns).schema if f.name != "publication"]
        assert sorted(got.columns) == sorted(declared)


def test_the_summary_adds_up(release: "Mixed") -> None:
    rows = [row.asDict() for row in summarise(release.main).collect()]
    assert sum(row["documents"] for row in rows) == len(release.rows)
    assert sum(row["tokens"] for row in rows) == release.tokens()


@pytest.mark.parametrize("partitions", [1, 7])
def test_a_release_does_not_depend_on_partitions(
    world: World, release: "Mixed", benchmark: dict[str, Any], partitions: int
) -> None:
    other = world.mix(partitions=partitions, benchmarks=[benchmark])
    assert other.rows == release.rows
    assert other.selection == release.selection
    assert other.facts == release.facts


# the choices of a recipe


def captures(world: World, rule: str, **frames: DataFrame) -> dict[int, Any]:
    section = MixedSection(capture=rule)
    pools = Pools(Reader({**world.reader().frames, **frames}), (EARLIER, SNAPSHOT), section, "q__p")
    return {number(row["doc_id"]): row for row in pools.originals().collect()}


@pytest.mark.parametrize(("rule", "kept", "out"), [("newest", 103, 3), ("oldest", 3, 103), ("best_scored", 103, 3)])
def test_one_capture_a_url(world: World, rule: str, kept: int, out: int) -> None:
    # The captures of a page have one score here, so that best_scored falls back on the newest, as its order says.
    found = captures(world, rule)
    assert (found[kept]["reason"], found[out]["reason"], found[out]["instead_id"]) == (None, "other_capture", doc(kept))
    urls = [row["url"] for row in found.values() if row["reason"] is None]
    assert len(urls) == len(set(urls))


def test_a_better_score_beats_a_newer_capture(world: World) -> None:
    raised = F.when(F.col("doc_id") == doc(3), 0.99).otherwise(F.col("q__p"))
    found = captures(world, "best_scored", scored=world.reader().frames["scored"].withColumn("q__p", raised))
    assert (found[3]["reason"], found[103]["instead_id"]) == (None, doc(3))


def test_an_empty_capture_does_not_stand_for_a_full_one(world: World) -> None:
    emptied = F.when(F.col("doc_id") == doc(100), 0.0).otherwise(F.col("token_count__tokens"))
    cleaned = world.reader().frames["cleaned"].withColumn("token_count__tokens", emptied)
    found = captures(world, "newest", cleaned=cleaned)
    assert (found[0]["reason"], found[100]["reason"]) == (None, "no_tokens")


def cut_of(start: int, length: int) -> Any:
    """A cut of a plain text, as a column."""
    names = ("start", "length", "byte_start", "byte_length")
    places = [F.lit(value).cast("long").alias(name) for name, value in zip(names, (start, length) * 2, strict=True)]
    evidence = [F.lit("lines").alias("step"), F.lit(EARLIER).alias("linked_snapshot"), F.lit(doc(1)).alias("linked_to")]
    rest = [F.lit(None).cast("long").alias("linked_start"), F.lit(1.0).alias("similarity")]
    return F.array(F.struct(*places, *evidence, *rest))


def test_a_release_has_the_text_that_dedup_left_and_counts_it(world: World) -> None:
    deduped = world.reader().frames["deduped"]
    is_12, is_emptied = F.col("doc_id") == doc(12), F.col("doc_id") == doc(13)
    frames = {
        **world.reader().frames,
        "deduped": deduped.withColumns({
            "cuts": F.when(is_12, cut_of(0, 5)).when(is_emptied, cut_of(0, 8)),
            "chars_cut": F.when(is_12, 5).when(is_emptied, 8).otherwise(0),
        }),
    }  # fmt: skip
    mixed, whole = world.mix(Reader(frames), select="everything"), world.mix(select="everything")
    assert (mixed.rows[doc(12)]["text"], whole.rows[doc(12)]["text"]) == ("12.", "Page 12.")
    assert mixed.rows[doc(12)]["tokens"] < whole.rows[doc(12)]["tokens"]
    assert mixed.reason(13) == "no_tokens"
    changed = {doc(12), doc(13)}
    assert {n: row for n, row in mixed.rows.items() if n not in changed and row["origin"] == "original"} == {
        n: row for n, row in whole.rows.items() if n not in changed and row["origin"] == "original"
    }


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_rewrites_never_have_more_than_their_share(world: World, share: float) -> None:
    mixed = world.mix(rewritten_share=share)
    rewritten = mixed.tokens(["rewire"])
    assert rewritten <= share * mixed.tokens() + 1
    assert mixed.facts["rewritten"]["taken_tokens"] == rewritten
    offered = [
        row for row in mixed.selection.values() if row["origin"] == "rewire" and row["reason"] in (None, "over_share")
    ]
    assert sum(row["tokens"] for row in offered) == mixed.facts["rewritten"]["offered_tokens"]
    if share == 0.5:
        # Few rewrites never cost original text: all are taken, and all originals stay.
        assert all(row["kept"] for row in offered)
        assert mixed.tokens(["original"]) > rewritten


def test_a_plan_meets_its_quotas_without_passing_the_cap(world: World) -> None:
    mixed = world.mix(
        select="everything", rewritten_share=0.0, max_epochs=3,
        plan={"budget_tokens": 600, "shares": {"blogs": 0.75, "docs": 0.25}},
    )  # fmt: skip
    assert mixed.facts["planned_tokens"] == {"blogs": 450, "docs": 150}
    largest = max(row["tokens"] for row in mixed.rows.values())
    for source, quota in mixed.facts["planned_tokens"].items():
        assert quota - largest < mixed.tokens(source=source) <= quota
    assert {row["copies"] for row in mixed.rows.values() if row["source"] == "blogs"} <= {1, 2, 3}
    assert any(row["copies"] > 1 for row in mixed.rows.values() if row["source"] == "blogs")
    assert any(row["reason"] == "over_quota" for row in mixed.selection.values())


def test_a_plan_that_asks_too_much_stops_at_the_cap(world: World) -> None:
    mixed = world.mix(
        select="everything",
        rewritten_share=0.0,
        max_epochs=2,
        plan={"budget_tokens": 100_000, "shares": {"blogs": 1.0}},
    )
    assert {row["copies"] for row in mixed.rows.values()} == {2}
    assert {row["source"] for row in mixed.rows.values()} == {"blogs"}
    assert mixed.reason(34) == "not_in_plan"


def test_multiplicity_repeats_and_leaves_out(world: World) -> None:
    mixed = world.mix(select="everything", multiplicity={"copies": {"blogs": 4, "docs": 0}})
    assert {(row["source"], row["copies"]) for row in mixed.rows.values() if row["origin"] == "original"} == {
        ("blogs", 4)
    }
    assert mixed.reason(34) == "left_out"
    assert mixed.reason(1007) == "parent_left_out"


def test_the_final_phase_holds_the_best_up_to_its_share(world: World) -> None:
    mixed = world.mix(select="everything", final_phase={"share": 0.2})
    final = mixed.tokens(phase="final")
    assert 0 < final <= 0.2 * mixed.tokens()
    lowest = min(row["quality"] for row in mixed.rows.values() if row["phase"] == "final")
    main = [row["quality"] for row in mixed.rows.values() if row["phase"] == "main"]
    assert all(quality is None or quality <= lowest for quality in main)


def test_a_seed_changes_ties_and_orders_only(world: World, release: "Mixed", benchmark: dict[str, Any]) -> None:
    other = world.mix(benchmarks=[benchmark], seed=1)
    assert {
        n: r["reason"] for n, r in other.selection.items() if r["reason"] not in (None, "not_selected", "over_share")
    } == {
        n: r["reason"] for n, r in release.selection.items() if r["reason"] not in (None, "not_selected", "over_share")
    }
    assert {r["order_key"] for r in other.rows.values()}.isdisjoint(r["order_key"] for r in release.rows.values())


class Half(Reader):
    """A lake whose second snapshot is registered but not built."""

    def partition(self, table: str, partition: str) -> DataFrame:
        if partition == SNAPSHOT:
            raise NotFoundError("not yet")
        return super().partition(table, partition)


def test_a_snapshot_that_is_not_deduped_yet_is_left_out(world: World) -> None:
    mixed = world.mix(Half(world.reader().frames), select="everything")
    assert mixed.facts["snapshots"] == [EARLIER]
    assert {row["snapshot"] for row in mixed.rows.values()} == {EARLIER}


class Empty(Reader):
    """A lake where nothing is built."""

    def partition(self, table: str, partition: str) -> DataFrame:
        raise NotFoundError("not yet")


def test_nothing_to_mix_is_an_error_that_says_what_to_run(world: World) -> None:
    with pytest.raises(NotFoundError, match="provender run"):
        world.mix(Empty(world.reader().frames))


# export


def read_jsonl(folder: Path) -> list[list[dict[str, Any]]]:
    files = sorted(folder.glob("*.jsonl.gz"))
    return [[json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()] for file in files]


def test_jsonl_holds_every_copy_in_order_with_digests(world: World, tmp_path: Path) -> None:
    mixed = world.mix(select="everything", multiplicity={"copies": {"blogs": 3}}, final_phase={"share": 0.3})
    out = tmp_path / "train data"
    files = export_release(mixed.main, "jsonl", str(out), file_characters=200, manifest={"release": "r1"})
    assert len(files) > 2
    for file in files:
        data = (out / file.name).read_bytes()
        assert (file.bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    parts = read_jsonl(out)
    assert [len(part) for part in parts] == [f.documents for f in sorted(files, key=lambda f: f.name)]
    for part in parts:
        keys = [row["order_key"] for row in part]
        assert keys == sorted(keys)
        assert len({row["phase"] for row in part}) == 1
    rows = [row for part in parts for row in part]
    assert sum(row["tokens"] for row in rows) == mixed.tokens() == sum(file.tokens for file in files)
    assert {(row["id"], row["copy"]) for row in rows} == {
        (name, copy) for name, row in mixed.rows.items() for copy in range(row["copies"])
    }
    assert all(row["text"] == mixed.rows[row["id"]]["text"] for row in rows)
    manifest = json.loads((out / "_manifest.json").read_text())
    assert manifest["release"] == {"release": "r1"}
    assert [file["sha256"] for file in manifest["files"]] == [file.sha256 for file in files]
    assert sorted(p.name for p in out.iterdir()) == sorted(["_manifest.json", *(file.name for file in files)])


def test_parquet_keeps_copies_as_a_column_and_repeats_byte_for_byte(
    spark: SparkSession, release: "Mixed", tmp_path: Path
) -> None:
    first = export_release(release.main, "parquet", str(tmp_path / "a"), expand_copies=False)
    shuffled = release.main.repartition(5)
    second = export_release(shuffled, "parquet", str(tmp_path / "b"), expand_copies=False)
    assert first == second
    rows = spark.read.parquet(str(tmp_path / "a" / first[0].name)).collect()
    assert {row["id"]: row["copies"] for row in rows} == {name: row["copies"] for name, row in release.rows.items()}


def test_an_export_never_touches_what_it_did_not_write(release: "Mixed", tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_release(release.main, "jsonl", str(out))
    with pytest.raises(UsageError, match="an export lies there already"):
        export_release(release.main, "jsonl", str(out))
    export_release(release.main, "parquet", str(out), overwrite=True)
    assert not list(out.glob("*.jsonl.gz"))
    (out / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"notes\.txt"):
        export_release(release.main, "parquet", str(out), overwrite=True)
    assert (out / "notes.txt").read_text() == "mine"
    assert list(out.glob("*.parquet"))


def test_an_export_says_what_it_cannot_do(release: "Mixed", tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown format 'csv'"):
        export_release(release.main, "csv", str(tmp_path / "x"))
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(UsageError, match="is a file"):
        export_release(release.main, "jsonl", str(file))

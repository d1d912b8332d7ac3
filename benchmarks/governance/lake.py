"""A lake of a million made-up documents: `python -m benchmarks.governance.lake --home DIR [--rows N]`.

Published as a run does it: candidates, records with counts and operators, side tables, and releases that the real mix
made. But the rows of the other tables are columns of a number, so no page is parsed and it takes minutes. `VARIANTS`
are two states of one recipe, each with its release, for comparisons.
"""

import argparse
import hashlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from assets.build import build
from assets.mixed import TABLE as MIXED
from assets.workshop import Workshop
from orchestration.environment import delta_jars
from orchestration.spark_session import build_session
from spark_jobs.crawl.url import canonical_url, url_hash
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.registry import register
from spark_jobs.lake.releases import release_name
from spark_jobs.lake.tables import CUTS, DROP_REASONS, EDITS
from spark_jobs.operators import registry
from spark_jobs.recipe.sections.mixed import MixedSection
from spark_jobs.recipe.steps import Step
from spark_jobs.stages.mix import Mix
from spark_jobs.stages.stage import OperatorRecord, StageContext, StageOutput

RECIPE = "governance"
_HASH_CHARS = 65


@dataclass(frozen=True)
class Variant:
    """One state of the recipe: what of it the verdicts depend on. `edited` in a thousand texts have another form."""

    name: str
    min_words: int = 50
    edited: int = 0
    model: str = "a" * 64
    duplicates: int = 100  # in a thousand
    fraction: float = 0.9


VARIANTS = (
    Variant("first"),
    Variant("second", min_words=90, edited=20, model="b" * 64, duplicates=110, fraction=0.85),
)


@dataclass(frozen=True)
class Shape:
    """How large the lake is."""

    rows: int = 1_000_000
    snapshots: int = 4
    text_bytes: int = 1_000

    @property
    def each(self) -> int:
        """Documents of one snapshot."""
        return self.rows // self.snapshots

    @property
    def names(self) -> tuple[str, ...]:
        """The snapshots, in order."""
        return tuple(f"s{number}" for number in range(self.snapshots))


def doc_id(number: int | Column) -> Any:
    """The id of a document, of a column of numbers or of one."""
    if isinstance(number, int):
        return hashlib.md5(f"doc {number}".encode(), usedforsecurity=False).hexdigest()
    return F.md5(F.concat(F.lit("doc "), number.cast("string")))


def url_of(number: int, shape: Shape) -> str:
    """The URL of a document. One in ten is the page of a document of the snapshot before."""
    page = number - shape.each if number % 10 == 3 and number >= shape.each else number
    return f"https://h{page % 997}.example/{page}"


def _url(shape: Shape) -> Column:
    again = (F.col("n") % 10 == 3) & (F.col("n") >= shape.each)
    page = F.when(again, F.col("n") - shape.each).otherwise(F.col("n"))
    host = F.concat(F.lit("h"), (page % 997).cast("string"), F.lit(".example"))
    return F.concat(F.lit("https://"), host, F.lit("/"), page.cast("string"))


def _drawn(purpose: str, below: int = 1000) -> Column:
    """A whole number below a bound, by the document's number."""
    return F.pmod(F.xxhash64(F.lit(purpose), F.col("n")), F.lit(below))


class Made:
    """A stage whose rows are made of the numbers of a snapshot's documents."""

    upstream: ClassVar[tuple[str, ...]] = ()
    scope: ClassVar[str] = "snapshot"

    def __init__(
        self, table: str, main: Callable[[DataFrame, StageContext], DataFrame], shape: Shape, *,
        operators: tuple[OperatorRecord, ...] = (), facts: Mapping[str, Any] | None = None, reads: tuple[str, ...] = (),
        **side: Callable[[DataFrame, StageContext], DataFrame],
    ) -> None:  # fmt: skip
        self.name, self.table, self.main, self.shape, self.side = table, table, main, shape, side
        self.operators, self.facts, self.reads, self.side_tables = operators, facts or {}, reads, tuple(side)

    def fingerprint_parts(self, recipe: Any) -> Mapping[str, Any]:
        """Nothing: the variant is the fingerprint."""
        del recipe
        return {}

    def run(self, context: StageContext) -> StageOutput:
        """Rows, and those of the side tables."""
        place = self.shape.names.index(context.partition)
        for table in self.reads:
            context.inputs.partition(table, context.partition)
        start = place * self.shape.each
        numbers = context.spark.range(start, start + self.shape.each, numPartitions=8).withColumnRenamed("id", "n")
        rows = numbers.withColumns({
            "snapshot": F.lit(context.partition), "doc_id": doc_id(F.col("n")), "url": _url(self.shape)
        })  # fmt: skip
        side = {name: frame(rows, context) for name, frame in self.side.items()}
        return StageOutput(main=self.main(rows, context), side=side, operators=self.operators, facts=self.facts)


def _text(shape: Shape, variant: Variant) -> Column:
    parts = [F.sha2(F.concat(F.col("n").cast("string"), F.lit(f" {k}")), 256)
             for k in range(max(1, shape.text_bytes // _HASH_CHARS))]  # fmt: skip
    body = F.concat_ws(" ", *parts)
    return F.when(_drawn("edited") < variant.edited, F.concat(body, F.lit(" edited"))).otherwise(body)


def _raw(shape: Shape) -> Made:
    def main(rows: DataFrame, _context: StageContext) -> DataFrame:
        payload = _text(shape, VARIANTS[0]).cast("binary")
        return rows.select(
            "snapshot", "doc_id", "url", F.substring("url", 9, 100).alias("canonical_url"),
            F.timestamp_seconds(F.lit(1_700_000_000) + F.col("n")).alias("captured_at"),
            F.lit(200).alias("http_status"), F.lit("text/html").alias("content_type"),
            F.lit(None).cast("array<struct<name: string, value: string>>").alias("http_headers"),
            payload.alias("payload"), F.concat(F.lit("sha256:"), F.sha2(payload, 256)).alias("payload_digest"),
            F.lit(None).cast("string").alias("truncated"), _source().alias("source"), F.lit("cc-by").alias("licence"),
            F.lit("part-0.warc.gz").alias("source_file"), F.col("n").alias("source_offset"),
            F.lit(None).cast("string").alias("source_id"), F.lit("response").alias("record_type"),
        )  # fmt: skip

    def locator(rows: DataFrame, _context: StageContext) -> DataFrame:
        schema = "snapshot STRING, url_hash BIGINT, doc_id STRING, url STRING"
        return rows.select("snapshot", "doc_id", "url").mapInArrow(_hashed, schema)

    def read_errors(rows: DataFrame, _context: StageContext) -> DataFrame:
        nothing = rows.where(F.lit(False)).select("snapshot", F.lit("").alias("source_file"))
        return nothing.withColumns({
            "source_offset": F.lit(0), "bytes": F.lit(0), "is_document": F.lit(False), "cause": F.lit(""),
            "detail": F.lit(""),
        })  # fmt: skip

    return Made("raw", main, shape, locator=locator, read_errors=read_errors, reads=("snapshots",))


def _hashed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        urls = batch.column("url").to_pylist()
        hashes = pa.array([url_hash(canonical_url(url)) for url in urls], pa.int64())
        yield pa.RecordBatch.from_arrays(
            [batch.column("snapshot"), hashes, batch.column("doc_id"), batch.column("url")],
            names=["snapshot", "url_hash", "doc_id", "url"],
        )


def _source() -> Column:
    return F.element_at(F.array(*map(F.lit, ("web", "web", "blogs", "docs"))), (_drawn("source", 4) + 1).cast("int"))


def _language() -> Column:
    return F.when(_drawn("language") < 800, "en").when(_drawn("language") < 900, "de").otherwise("fr")


def _words() -> Column:
    return (20 + _drawn("words", 981)).cast("double")


def _kept(variant: Variant) -> Column:
    return _words() >= variant.min_words


def _cleaned(shape: Shape, variant: Variant) -> Made:
    def main(rows: DataFrame, _context: StageContext) -> DataFrame:
        text = _text(shape, variant)
        reason = F.struct(
            F.lit("gopher_quality"), F.lit(2), F.lit("too_short"), _words(), F.lit(float(variant.min_words))
        )
        none = F.array().cast(DROP_REASONS)
        edits = F.array(F.struct(F.lit("whitespace"), F.lit(1), _drawn("edits", 5).cast("int"), _drawn("edits", 50)))
        return rows.select(
            "snapshot", "doc_id", "url", F.substring("url", 9, 100).alias("canonical_url"),
            F.regexp_extract("url", "//([^/]+)", 1).alias("host"),
            F.timestamp_seconds(F.lit(1_700_000_000) + F.col("n")).alias("captured_at"),
            _source().alias("source"), F.lit("cc-by").alias("licence"), F.lit("main_text").alias("extractor"),
            F.lit("utf-8").alias("encoding"), text.alias("text"), _language().alias("language"),
            F.lit(0.9).alias("language_score"),
            F.lit(None).cast("array<struct<language: string, score: double>>").alias("language_alternatives"),
            F.lit("Latn").alias("script"), _kept(variant).alias("kept"),
            F.when(_kept(variant), none).otherwise(F.array(reason).cast(DROP_REASONS)).alias("drop_reasons"),
            edits.cast(EDITS).alias("edits"), *signals,
            _words().alias("token_count__tokens"), F.length(text).cast("double").alias("token_count__characters"),
        )  # fmt: skip

    # The real filter, so that its verdicts can be asked about; all its measures but the words are fine.
    quality = registry.build("filters", "gopher_quality", {"min_words": variant.min_words})
    rules = quality.rules()
    fine = {rule.signal: 0.0 for rule in rules} | {r.signal: r.minimum for r in rules if r.minimum is not None}
    measures = {signal: F.lit(float(least)) + _drawn(signal) / 20_000 for signal, least in fine.items()}
    signals = [value.alias(f"gopher_quality__{name}") for name, value in {**measures, "words": _words()}.items()]
    operators = (
        _operator("main_text", "extractors", {"links": False}),
        _operator("whitespace", "editors", {"version_of_rules": 1 + bool(variant.edited)}),
        _operator(
            "gopher_quality",
            "filters",
            quality.params.model_dump(mode="json"),
            version=quality.version,
            rules=tuple(rule.record() for rule in rules),
        ),
        _operator("token_count", "filters", {}),
    )
    facts = {"signals": ["gopher_quality__words"], "language": {"model": "lid.176", "digest": "c" * 64}}
    return Made("cleaned", main, shape, operators=operators, facts=facts, reads=("raw",))


def _operator(name: str, kind: str, params: Mapping[str, Any], version: int = 1, **more: Any) -> OperatorRecord:
    fingerprint = f"{name} {params}"
    return OperatorRecord(name=name, kind=kind, version=version, params=params, fingerprint=fingerprint, **more)


def _scored(shape: Shape, variant: Variant) -> Made:
    def main(rows: DataFrame, _context: StageContext) -> DataFrame:
        score = _drawn(f"score {variant.model}", 1_000_000) / 1_000_000
        return rows.where(_kept(variant)).select("snapshot", "doc_id", score.alias("quality__score"))

    operators = (_operator("quality", "scorers", {}, artefact=variant.model),)
    return Made("scored", main, shape, operators=operators, reads=("cleaned",))


def _deduped(shape: Shape, variant: Variant) -> Made:
    def main(rows: DataFrame, _context: StageContext) -> DataFrame:
        again = (_drawn("duplicate") < variant.duplicates) & (F.col("n") % 10 != 0)
        survivor = doc_id(F.col("n") - F.col("n") % 10)
        null = F.lit(None).cast("string")
        return rows.where(_kept(variant)).select(
            "snapshot", "doc_id", (~again).alias("kept"), F.when(again, survivor).otherwise(F.col("doc_id")).alias(
                "cluster_id"), F.lit(1).alias("cluster_size"), F.when(again, "minhash").alias("duplicate_step"),
            F.when(again, F.col("snapshot")).alias("survivor_snapshot"), F.when(again, survivor).alias("survivor_id"),
            F.when(again, F.col("snapshot")).alias("linked_snapshot"), F.when(again, survivor).alias("linked_to"),
            F.when(again, 0.9).alias("similarity"), F.lit(None).cast("array<string>").alias("joined_clusters"),
            F.col("n").alias("place"), F.lit(None).cast(CUTS).alias("cuts"), F.lit(0).alias("chars_cut"),
            F.md5("url").alias("capture_id"), F.lit(1).alias("capture_number"), null.alias("previous_snapshot"),
            null.alias("previous_id"),
        )  # fmt: skip

    def signatures(rows: DataFrame, _context: StageContext) -> DataFrame:
        form = F.when(_drawn("edited") < variant.edited, "edited").otherwise("plain")
        digest = F.md5(F.concat(F.col("n").cast("string"), form))
        none = F.lit(None)
        return rows.select(
            "snapshot", F.lit("p").alias("params_id"), none.cast("string").alias("text_params_id"), "doc_id",
            digest.alias("text_hash"), digest.alias("content_hash"), F.lit(100).alias("words"),
            F.lit(shape.text_bytes).alias("chars"), none.cast("string").alias("cluster_id"),
            none.cast("binary").alias("signature"), none.cast("binary").alias("shingles"),
        )  # fmt: skip

    operators = (_operator("dedup", "dedup", {"minhash": {"min_similarity": 0.9 - variant.duplicates / 10_000}}),)
    return Made("deduped", main, shape, operators=operators, signatures=signatures, reads=("cleaned", "scored"))


def _rewritten(shape: Shape, variant: Variant) -> Made:
    def main(rows: DataFrame, _context: StageContext) -> DataFrame:
        first = (_drawn("rewritten") < 5) & _kept(variant) & ~((_drawn("duplicate") < 200) & (F.col("n") % 10 != 0))
        return rows.where(first).select(
            "snapshot", F.md5(F.concat(F.lit("rewrite "), "doc_id")).alias("doc_id"),
            F.col("snapshot").alias("parent_snapshot"), F.col("doc_id").alias("parent_id"),
            F.lit("rewire").alias("strategy"), F.lit("m").alias("model"), F.lit("p").alias("prompt_digest"),
            F.lit(0).alias("sample"), F.concat(F.lit("It is said again: "), "url").alias("text"),
            F.lit("en").alias("language"), F.lit(12).alias("tokens"), F.lit("ok").alias("parse_status"),
            F.lit(1.0).alias("length_ratio"), F.lit(0.9).alias("similarity"), F.lit(True).alias("kept"),
            F.array().cast(DROP_REASONS).alias("drop_reasons"),
        )  # fmt: skip

    operators = (_operator("rewire", "strategies", {"thinking": False}, artefact="d" * 64),)
    return Made("rewritten", main, shape, operators=operators, facts={"model": "m"}, reads=("deduped",))


@dataclass(frozen=True)
class Maker:
    """Makes the lake, one variant after the other; `say` is told what is being made."""

    spark: SparkSession
    home: str
    shape: Shape = Shape()
    say: Callable[[str], None] = lambda _message: None

    def make(self, variants: tuple[Variant, ...] = VARIANTS) -> tuple[Lake, list[str]]:
        """The lake and the names of its releases, one a variant."""
        lake = Lake(self.spark, self.home).make(RECIPE)
        files = {"uri": "part-0.warc.gz", "name": "part-0.warc.gz", "format": "warc", "bytes": 1, "modified": "",
                 "sha256": "0" * 64, "documents": self.shape.each, "ignored": 0, "ignored_kinds": "{}",
                 "unreadable": 0, "error_bytes": 0}  # fmt: skip
        for snapshot in self.shape.names:
            register(lake, snapshot, [files], source="web", licence="cc-by")
            self._build(lake, _raw(self.shape), snapshot, variants[0])
        return lake, [self.release(lake, variant) for variant in variants]

    def release(self, lake: Lake, variant: Variant) -> str:
        """Every table of a variant, and its release."""
        for snapshot in self.shape.names:
            for stage in (_cleaned, _scored, _deduped, _rewritten):
                self._build(lake, stage(self.shape, variant), snapshot, variant)
        name = release_name(RECIPE, self.shape.names, {"variant": variant.name})
        built = self._build(lake, Mix(), name, variant)
        if MIXED.after is not None:
            MIXED.after(self._workshop(lake, variant), built.publication)
        return name

    def _build(self, lake: Lake, stage: Any, partition: str, variant: Variant) -> Any:
        started = time.monotonic()
        built = build(self._workshop(lake, variant), stage, (), partition=partition, fingerprint=f"{variant}",
                      run_id=f"{stage.table} {variant.name}")  # fmt: skip
        self.say(f"{stage.table}/{partition}: {time.monotonic() - started:.1f} s")
        return built

    def _workshop(self, lake: Lake, variant: Variant) -> Workshop:
        mixed = MixedSection.model_validate({"select": {"top_fraction": {"fraction": variant.fraction}}})
        steps = (Step(name="token_count"),)
        recipe: Any = SimpleNamespace(mixed=mixed, cleaned=SimpleNamespace(steps=steps), name=RECIPE)
        return Workshop(
            lake=lake, recipe=recipe, recipe_fingerprint=f"{variant}", scratch=f"{self.home}/scratch",
            provenance={"code": {"commit": "0" * 40, "dirty": False}, "packages": {"pyspark": "4"}},
        )  # fmt: skip


def session(home: str, memory: str = "3g") -> SparkSession:
    """A session as the program has it."""
    return build_session(jars=delta_jars(), driver_memory=memory, scratch=f"{home}/spark")


def releases_of(lake: Lake) -> list[str]:
    """The releases of the variants, in their order."""
    return [p.partition for p in lake.history("mixed")]


def main() -> int:
    """Make the lake where it is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", required=True)
    parser.add_argument("--rows", type=int, default=Shape.rows)
    parser.add_argument("--snapshots", type=int, default=Shape.snapshots)
    parser.add_argument("--text-bytes", type=int, default=Shape.text_bytes)
    said = parser.parse_args()
    shape = Shape(said.rows, said.snapshots, said.text_bytes)
    started = time.monotonic()
    home = str(Path(said.home).resolve())
    maker = Maker(session(home), home, shape, lambda message: print(message, flush=True))
    _lake, names = maker.make()
    print(f"{asdict(shape)}: releases {', '.join(names)} in {time.monotonic() - started:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Rewrites and the scorer of their own: fitted on accepted ones, gated, and what of them a release takes by it."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from expectations.gate import Audited, audit
from expectations.models import LAWS, figures, required
from spark_jobs.errors import InputError, NotFoundError
from spark_jobs.operators import registry
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.stages.fit import FittedModel, fit_scorer
from spark_jobs.stages.fit_plan import fit_of
from spark_jobs.text.snippets import hash64
from tests.spark.published import EARLIER, SNAPSHOT, Reader, doc, frame
from tests.spark.test_mix import Mixed, World, number, originals

NAME = "rewrites_fasttext_quality"
SCORER = {"fasttext_quality": {"dim": 8, "bucket": 4096, "lr": 0.5, "epoch": 10}}
PAGES = 240


def text(topic: str, key: str, words: int = 90) -> str:
    return " ".join(f"{topic}{hash64(f'{key}.{i}', 0) % 300}" for i in range(words))


# the fit


def pages(spark: SparkSession) -> DataFrame:
    """Pages of six hosts in two snapshots."""
    rows = [
        {
            "snapshot": f"s{n % 2 + 1}", "doc_id": doc(n), "canonical_url": f"//h{n % 6}.org/{n}",
            "host": f"h{n % 6}.org", "source": "crawl", "kept": True, "language": "en", "text": text("page", f"p{n}"),
        }
        for n in range(PAGES)
    ]  # fmt: skip
    return frame(spark, "cleaned", rows)


def rewritten(spark: SparkSession, topic: str = "model", documents: int = PAGES) -> DataFrame:
    """A rewrite a page: every fifth is refused, every seventh German; page 1 has a second sample."""
    rows = [
        {
            "snapshot": f"s{parent % 2 + 1}", "doc_id": doc(n), "parent_snapshot": f"s{parent % 2 + 1}",
            "parent_id": doc(parent), "strategy": "rewire", "sample": 0, "kept": parent % 5 != 0,
            "language": "de" if parent % 7 == 0 else "en", "text": text(topic, f"r{n}"),
        }
        for n, parent in [*((1000 + n, n) for n in range(documents)), (2001, 1)]
    ]  # fmt: skip
    return frame(spark, "rewritten", rows)


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("references")
    rows = [{"text": text("fine", f"r{i}"), "from": f"book {i % 4}"} for i in range(120)]
    (folder / "fine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def recipe(folder: Path, **fit: Any) -> Recipe:
    shared = {
        "positives": [{"files": {"paths": ["fine.jsonl"], "source_field": "from"}}], "repeats": 1,
        "proxy": {"max_words": 4000}, "limits": {"min_auc": 0.01, "min_spread": 0.0001},
    }  # fmt: skip
    return Recipe.model_validate(
        {
            "name": "t", "cleaned": {"steps": ["token_count"]}, "scored": {"scorers": [SCORER], "fit": shared},
            "deduped": {}, "rewritten": {}, "mixed": {"rewrites": {"score": SCORER, "fit": fit}},
        },
        context={"folder": folder},
    )  # fmt: skip


def fitted(of: Recipe, inputs: Mapping[str, DataFrame], folder: Path, name: str = NAME) -> FittedModel:
    return fit_scorer(fit_of(of, name), inputs=Reader(inputs), snapshots=(EARLIER, SNAPSHOT), folder=str(folder))


def test_negatives_are_accepted_rewrites_held_out_by_the_host_of_their_parents(
    spark: SparkSession, references: Path, tmp_path: Path
) -> None:
    of, cleaned, rows = recipe(references), pages(spark), rewritten(spark)
    found = [
        fitted(of, {"cleaned": cleaned.repartition(n), "rewritten": rows.repartition(n, "text")}, tmp_path / str(n))
        for n in (1, 3)
    ]
    assert found[0].digest == found[1].digest
    assert found[0].metrics == found[1].metrics
    assert (found[0].name, found[0].fitted_on) == (NAME, (EARLIER, SNAPSHOT))
    metrics = found[0].metrics
    # Accepted and English, one a page: the second sample of a page tells nothing that the first did not.
    assert metrics["sizes"]["pool_documents"] == sum(n % 5 != 0 and n % 7 != 0 for n in range(PAGES))
    assert metrics["sizes"]["held_out_by"] == {"references": "source", "pool": "source"}
    assert set(metrics["sizes"]["held_out_sources"]["pool"]) < {f"h{n}.org" for n in range(6)}
    assert metrics["separation"]["auc"] > 0.8

    first = fitted(of, {"cleaned": cleaned}, tmp_path / "first", "fasttext_quality")
    assert first.digest != found[0].digest, "other negatives, another model"
    assert first.metrics["references"] == metrics["references"], "the same references"
    scorer = registry.build("scorers", "fasttext_quality", SCORER["fasttext_quality"])
    a_rewrite = [text("model", f"new{i}") for i in range(20)]
    own, other = (scorer.score(a_rewrite, model.path)["reference"].mean() for model in (found[0], first))
    assert own < other, "only its own model has learned how a model writes"


def test_rewrites_of_pages_named_as_references_are_no_negatives(
    spark: SparkSession, references: Path, tmp_path: Path
) -> None:
    of = recipe(references, positives=[{"pool": {"hosts": ["h0.org", "h1.org"]}}])
    metrics = fitted(of, {"cleaned": pages(spark), "rewritten": rewritten(spark)}, tmp_path).metrics
    assert set(metrics["references"]["documents"]) == {"h0.org", "h1.org"}
    assert metrics["sizes"]["pool_documents"] == sum(
        n % 5 != 0 and n % 7 != 0 and n % 6 not in (0, 1) for n in range(PAGES)
    )


def test_too_few_rewrites_are_counted_and_the_key_is_named(
    spark: SparkSession, references: Path, tmp_path: Path
) -> None:
    inputs = {"cleaned": pages(spark), "rewritten": rewritten(spark, documents=20)}
    with pytest.raises(InputError, match=r": 14 accepted.*mixed\.rewrites\.fit\.min_pool_documents asks for 50"):
        fitted(recipe(references), inputs, tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_model_that_learned_nothing_is_refused_by_the_limits_of_its_own_fit(
    spark: SparkSession, references: Path, tmp_path: Path
) -> None:
    of = recipe(references, limits={"min_auc": 0.9, "min_spread": 0.0001})
    outcomes = {}
    for topic in ("model", "fine"):
        inputs = {"cleaned": pages(spark), "rewritten": rewritten(spark, topic)}
        model = fitted(of, inputs, tmp_path / topic)
        fit = fit_of(of, NAME)
        audited = Audited(
            candidate=figures(spark, model.metrics), side={}, inputs=Reader(inputs), recipe=of, partition=NAME
        )
        outcomes[topic] = {o.name for o in audit(required(LAWS, fit.section.limits), audited) if o.blocks}
    assert outcomes["model"] == set()
    assert "separates_held_out_sources" in outcomes["fine"], "the first scorer's limits would have let it pass"


# the release

# So many texts that the model tells them apart clearly: after 40 of them its scores all lay at one half.
FITTED_ON = 300


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    path = str(tmp_path_factory.mktemp("model") / "m")
    scorer = registry.build("scorers", "fasttext_quality", SCORER["fasttext_quality"])
    fine, dull = ([text(topic, f"{topic}{i}") for i in range(FITTED_ON)] for topic in ("fine", "dull"))
    scorer.train(fine, dull, path)
    return {"models": {NAME: "d" * 64}, "model_path": {"d" * 64: path}.__getitem__}


@pytest.fixture(scope="module")
def world(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(spark, tmp_path_factory.mktemp("filter"))


def rewrites() -> dict[str, dict[str, Any]]:
    """A rewrite of each document by id, finer with its number; 10 to 19 are one text, so that they are ties."""
    rows = {}
    for parent in originals():
        n = number(parent["doc_id"])
        fine = 10 if n in range(10, 20) else n % 100
        words = f"{text('fine', str(fine), fine)} {text('dull', str(fine), 40 - fine)}"
        rows[doc(1000 + n)] = {
            "snapshot": parent["snapshot"], "doc_id": doc(1000 + n), "parent_snapshot": parent["snapshot"],
            "parent_id": parent["doc_id"], "strategy": "rewire", "sample": 0, "text": words, "language": "en",
            "kept": True,
        }  # fmt: skip
    return rows


def mix(world: World, services: dict[str, Any] | None, partitions: int = 2, **said: Any) -> Mixed:
    rows = frame(world.spark, "rewritten", list(rewrites().values())).repartition(partitions)
    reader = Reader({**world.reader(partitions).frames, "rewritten": rows})
    return world.mix(reader, partitions, services, **said)


@pytest.fixture(scope="module")
def release(world: World, services: dict[str, Any]) -> Mixed:
    return mix(world, services, rewrites={"score": SCORER, "fraction": 0.3})


def eligible(release: Mixed) -> dict[str, Mapping[str, Any]]:
    return {
        name: row for name, row in release.selection.items()
        if row["origin"] == "rewire" and not str(row["reason"]).startswith("parent_")
    }  # fmt: skip


def taken_by_the_filter(pool: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """What the filter let pass; the share of rewrites in the release may still leave some of it out (`over_share`)."""
    assert {row["reason"] for row in pool.values()} <= {None, "over_share", "not_selected"}
    return {name for name, row in pool.items() if row["reason"] != "not_selected"}


def tie(row: Mapping[str, Any]) -> str:
    return hashlib.sha256("\x1f".join(["tie", "0", row["snapshot"], row["doc_id"]]).encode()).hexdigest()[:32]


def test_quality_is_the_score_of_their_own_model(release: Mixed, services: dict[str, Any]) -> None:
    scorer = registry.build("scorers", "fasttext_quality", SCORER["fasttext_quality"])
    rows = [(name, row) for name, row in release.selection.items() if row["origin"] == "rewire"]
    made = rewrites()
    scores = scorer.score([made[name]["text"] for name, _ in rows], services["model_path"]("d" * 64))["reference"]
    assert [row["quality"] for _, row in rows] == scores.tolist()
    assert len({round(row["quality"], 3) for _, row in rows}) > 10
    in_release = [row for row in release.rows.values() if row["origin"] == "rewire"]
    assert all(row["quality"] == release.selection[row["doc_id"]]["quality"] for row in in_release)


def test_the_best_share_by_tokens_enters_ties_by_hash(release: Mixed) -> None:
    pool, spent, expected = eligible(release), 0, set()
    total = sum(row["tokens"] for row in pool.values())
    for name, row in sorted(pool.items(), key=lambda item: (-item[1]["quality"], tie(item[1]), item[0])):
        if spent >= 0.3 * total:
            break
        spent += row["tokens"]
        expected.add(name)
    assert taken_by_the_filter(pool) == expected
    lowest = min(pool[name]["quality"] for name in expected)
    assert release.facts["rewrite_selection"]["cut"] == lowest
    assert release.facts["rewrite_selection"]["fractions"]["tokens"] == pytest.approx(spent / total, abs=1e-6)


def test_equal_scores_are_told_apart_by_hash(world: World, services: dict[str, Any]) -> None:
    # Documents 10 to 19 have one text, a third of all tokens, from about .4 to .7 by quality.
    ties = {doc(1000 + n) for n in range(10, 20)}
    pool = eligible(mix(world, services, rewrites={"score": SCORER, "fraction": 0.55}))
    kept = taken_by_the_filter(pool) & ties
    assert set() < kept < ties
    assert len({pool[name]["quality"] for name in ties}) == 1
    assert max(tie(pool[name]) for name in kept) < min(tie(pool[name]) for name in ties - kept)


def test_the_record_names_the_model_and_the_score(release: Mixed) -> None:
    assert release.facts["models"] == {NAME: "d" * 64}
    assert release.facts["rewrite_selection"]["score"] == f"{NAME}__reference"
    assert {o.name: o.artefact for o in release.operators if o.kind == "scorers"} == {NAME: "d" * 64}
    json.dumps(release.facts, allow_nan=False)


def test_the_recycled_share_counts_source_documents(release: Mixed) -> None:
    out = ("not_selected", "no_score")
    raw = {
        row["doc_id"] for row in release.selection.values()
        if row["origin"] == "original" and row["reason"] not in ("no_tokens", "other_capture", *out)
    }  # fmt: skip
    seen = sum(
        row["origin"] == "original" and row["reason"] not in ("no_tokens", "other_capture")
        for row in release.selection.values()
    )
    sources = {row["parent_id"] for row in eligible(release).values() if row["reason"] not in out}
    found = release.facts["rewrite_selection"]["recycled"]
    assert sources - raw
    assert (found["sources"], found["not_selected_themselves"]) == (len(sources), len(sources - raw))
    assert found["share"] == pytest.approx(len(sources - raw) / len(sources), abs=1e-6)
    assert found["share_if_independent"] == pytest.approx(1 - len(raw) / seen, abs=1e-6)


def test_a_release_with_the_filter_does_not_depend_on_partitions(
    world: World, services: dict[str, Any], release: Mixed
) -> None:
    other = mix(world, services, 5, rewrites={"score": SCORER, "fraction": 0.3})
    assert (other.rows, other.selection, other.facts) == (release.rows, release.selection, release.facts)


def test_scores_of_rewrites_do_not_compete_with_those_of_originals(world: World, services: dict[str, Any]) -> None:
    found = mix(world, services, rewrites={"score": SCORER, "fraction": 1.0}, final_phase={"share": 0.2})
    assert {row["origin"] for row in found.rows.values() if row["phase"] == "final"} == {"original"}


def test_without_the_filter_every_accepted_rewrite_is_a_candidate(world: World) -> None:
    found = mix(world, None)
    assert all(row["quality"] is None for row in eligible(found).values())
    assert not {row["reason"] for row in eligible(found).values()} & {"not_selected", "no_score"}
    assert not {"models", "rewrite_selection"} & set(found.facts)


def test_a_missing_model_stops_the_release(world: World) -> None:
    with pytest.raises(NotFoundError, match="no fitted model rewrites_fasttext_quality"):
        mix(world, {"models": {}}, rewrites={"score": SCORER})

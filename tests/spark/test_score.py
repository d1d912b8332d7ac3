"""The stage `score`, the fit on a pool in Spark, and weighted cuts: the same under any partitioning."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from spark_jobs.errors import NotFoundError
from spark_jobs.operators import registry
from spark_jobs.recipe.sections.mixed import MixedSection
from spark_jobs.recipe.sections.scored import ScoredSection
from spark_jobs.stages.fit import FittedModel, fit_scorer
from spark_jobs.stages.fit_plan import fit_of
from spark_jobs.stages.score import Score
from spark_jobs.stages.stage import StageContext
from spark_jobs.text.snippets import hash64
from tests.spark.published import Reader, doc, frame

NAME = "fasttext_quality"
COLUMN = f"{NAME}__reference"
SCORER = {NAME: {"dim": 8, "bucket": 4096, "lr": 0.5, "epoch": 10}}


def text(topic: str, key: str, words: int = 90) -> str:
    return " ".join(f"{topic}{hash64(f'{key}.{i}', 0) % 300}" for i in range(words))


def cleaned(spark: Any) -> Any:
    """Documents of six hosts; every fifth was dropped, every seventh is German; host 0 is a reference host."""
    rows = [
        {
            "snapshot": f"s{i % 2}", "doc_id": doc(i), "canonical_url": f"//h{i % 6}.org/{i}", "host": f"h{i % 6}.org",
            "source": "crawl", "kept": i % 5 != 0, "language": "de" if i % 7 == 0 else "en",
            "text": text("fine" if i % 6 == 0 else "dull", str(i)),
        }
        for i in range(360)
    ]  # fmt: skip
    return frame(spark, "cleaned", rows)


def recipe(folder: Path, positives: list[dict[str, Any]]) -> Any:
    fit = {"positives": positives, "min_pool_documents": 10, "repeats": 1, "proxy": {"max_words": 4000}}
    section = ScoredSection.model_validate({"scorers": [SCORER], "fit": fit}, context={"folder": folder})
    return SimpleNamespace(scored=section, mixed=MixedSection())


def fit(of: Any, pool: Any, folder: Path, **said: Any) -> FittedModel:
    inputs = Reader({"cleaned": pool})
    return fit_scorer(fit_of(of, NAME), inputs=inputs, snapshots=("s0", "s1"), folder=str(folder), **said)


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("references")
    rows = [{"text": text("fine", f"r{i}"), "from": f"book {i % 4}"} for i in range(120)]
    (folder / "fine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


FILES = [{"files": {"paths": ["fine.jsonl"], "source_field": "from"}}]


def test_a_fit_is_the_same_under_any_partitioning_and_judged_on_other_sources(
    spark: Any, references: Path, tmp_path: Path
) -> None:
    pool = cleaned(spark)
    fitted = [fit(recipe(references, FILES), pool.repartition(n, "text"), tmp_path / str(n)) for n in (1, 3)]
    assert fitted[0].digest == fitted[1].digest
    assert fitted[0].metrics == fitted[1].metrics
    metrics = fitted[0].metrics
    # Of 360 documents 288 are kept, and 247 of these are English.
    assert metrics["sizes"]["pool_documents"] == 247
    assert metrics["sizes"]["held_out_by"] == {"references": "source", "pool": "source"}
    assert metrics["separation"]["auc"] > 0.8
    assert metrics["drift"] is None
    again = fit(recipe(references, FILES), pool, tmp_path, previous=fitted[0].path)
    assert again.metrics["drift"]["largest_gap"] == 0


def test_pages_named_as_references_are_not_in_the_pool(spark: Any, tmp_path: Path) -> None:
    named = recipe(tmp_path, [{"pool": {"hosts": ["h0.org", "h1.org"]}}])
    found = fit(named, cleaned(spark), tmp_path).metrics
    assert set(found["references"]["documents"]) == {"h0.org", "h1.org"}
    hosts = set(found["separation"]["by_pool_source"])
    assert hosts
    assert not hosts & {"h0.org", "h1.org"}
    assert found["sizes"]["pool_documents"] + found["sizes"]["reference_documents"] == 247


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = str(tmp_path_factory.mktemp("model") / "m")
    scorer = registry.build("scorers", NAME, SCORER[NAME])
    scorer.train([text("fine", str(i)) for i in range(30)], [text("dull", str(i)) for i in range(30)], path)
    return path


def run(spark: Any, pool: Any, services: dict[str, Any]) -> Any:
    context = StageContext(
        spark=spark, recipe=recipe(Path(), [{"installed": {}}]), partition="s1", inputs=Reader({"cleaned": pool}),
        scratch="", services=services,
    )  # fmt: skip
    return Score().run(context)


def test_kept_documents_are_scored_the_same_under_any_partitioning(spark: Any, model: str) -> None:
    services = {"models": {NAME: "d" * 64}, "model_path": lambda _digest: model}
    pool = cleaned(spark)
    outputs = [run(spark, pool.repartition(n), services) for n in (1, 7)]
    rows = [sorted(tuple(row) for row in output.main.toLocalIterator()) for output in outputs]
    assert rows[0] == rows[1]
    assert outputs[0].main.columns == ["snapshot", "doc_id", COLUMN]
    assert {(snapshot, doc_id) for snapshot, doc_id, _ in rows[0]} == {
        ("s1", doc(i)) for i in range(360) if i % 2 == 1 and i % 5 != 0
    }
    assert all(0 <= score <= 1 for _, _, score in rows[0])
    assert outputs[0].facts == {"models": {NAME: "d" * 64}}
    assert [(o.name, o.kind, o.artefact) for o in outputs[0].operators] == [(NAME, "scorers", "d" * 64)]


def test_a_scorer_without_a_model_is_named(spark: Any) -> None:
    with pytest.raises(NotFoundError, match="no fitted model for fasttext_quality"):
        run(spark, cleaned(spark), {"models": {}})

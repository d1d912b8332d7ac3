"""Rewriting from kept documents to rows: what is planned, what is asked and when, and what becomes of it."""

import socket
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from spark_jobs.errors import RecipeError, TransientError, UsageError
from spark_jobs.generation.endpoint import Endpoint
from spark_jobs.lake.tables import TABLES
from spark_jobs.operators.strategies.rewire import IMPROVED
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.stages.generate import FIRST_CHUNK, fill_for
from spark_jobs.stages.rewrite import Rewrite
from spark_jobs.stages.rewrite_plan import eligible, generator_of, plan
from spark_jobs.stages.stage import StageContext
from tests.fake_endpoint import Fake, Reply, serve
from tests.spark.published import SNAPSHOT, Reader, doc, frame

KEY = "sk-very-secret"
SENTENCE = (
    "A context manager wraps a block of code: number {n} is entered before the block starts and left when it ends, "
    "even when an error is raised in between, so that files are closed and locks are given back at the right moment."
)
LONGER = " In other words, cleaning up is written once, by the author of the manager, and never forgotten afterwards."
DUPLICATE, SHORT, GERMAN, FIRST_TWIN, SECOND_TWIN = 17, 18, 19, 14, 15


def text_of(n: int) -> str:
    if n == SHORT:
        return "Too few words."
    return SENTENCE.format(n=FIRST_TWIN if n == SECOND_TWIN else n)


def recipe(**rewritten: Any) -> Recipe:
    section = {"budget": {"documents": 6}, "select": {"min_words": 20, "languages": ["en"]}, **rewritten}
    section.setdefault("strategy", {"rewire": {"personas": ["an editor"]}})
    section.setdefault("sampling", {"max_tokens": 100})
    return Recipe.model_validate({
        "name": "t", "cleaned": {"steps": ["token_count"]}, "scored": {}, "deduped": {}, "mixed": {},
        "rewritten": section,
    })  # fmt: skip


@dataclass
class Lake:
    """A reader over twenty documents, and a publisher that keeps what it gets."""

    spark: SparkSession
    scratch: Path
    shuffle: Callable[[DataFrame], DataFrame] = lambda rows: rows
    published: list[DataFrame] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    suppressed: list[str] = field(default_factory=list)

    @property
    def reader(self) -> Reader:
        rows = {
            "cleaned": [
                {"snapshot": SNAPSHOT, "doc_id": doc(n), "text": text_of(n), "kept": True,
                 "language": "de" if n == GERMAN else "en"}
                for n in range(20)
            ],
            "deduped": [{"snapshot": SNAPSHOT, "doc_id": doc(n), "kept": n != DUPLICATE} for n in range(20)],
            "rewrite_cache": [], "suppressions": [{"kind": "doc", "value": value} for value in self.suppressed],
        }  # fmt: skip
        frames = {name: self.shuffle(frame(self.spark, name, listed)) for name, listed in rows.items()}
        scores = [{"snapshot": SNAPSHOT, "doc_id": doc(n), "q__p": (n + 0.5) / 20} for n in range(19)]
        unscored = {"snapshot": SNAPSHOT, "doc_id": doc(GERMAN), "q__p": float("nan")}
        frames["scored"] = self.shuffle(frame(self.spark, "scored", [*scores, unscored], "q__p DOUBLE"))
        frames["rewrite_cache"] = reduce(DataFrame.unionByName, self.published, frames["rewrite_cache"])
        return Reader(frames)

    def publish(self, rows: DataFrame) -> None:
        place = str(self.scratch / f"published-{len(self.published)}")
        rows.write.parquet(place)
        self.published.append(self.spark.read.parquet(place))

    def fill(self, recipe: Recipe, endpoint: Endpoint, publish: Callable[[DataFrame], None] | None = None) -> Any:
        return fill_for(
            recipe=recipe, partition=SNAPSHOT, inputs=self.reader, spark=self.spark,
            scratch=str(self.scratch / "scratch"), endpoint=lambda: endpoint, publish=publish or self.publish,
            say=self.said.append,
        )  # fmt: skip

    def rows(self, recipe: Recipe, services: Mapping[str, Any]) -> list[dict[str, Any]]:
        context = StageContext(
            spark=self.spark, recipe=recipe, partition=SNAPSHOT, inputs=self.reader, scratch="", services=services
        )
        output = Rewrite().run(context)
        assert output.facts["planned_attempts"] == services["planned_attempts"]
        assert output.main.schema == self.spark.createDataFrame([], TABLES["rewritten"].columns).schema
        return [row.asDict(recursive=True) for row in output.main.orderBy("parent_id", "sample").collect()]


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, tmp_path)


def to(fake: Fake, **changed: Any) -> Endpoint:
    return Endpoint(**{
        "url": fake.url, "model": "m", "key": KEY, "timeout_s": 10.0, "max_retries": 0, "concurrency": 2, **changed,
    })  # fmt: skip


def draft_in(body: dict[str, Any]) -> str:
    return str(body["messages"][0]["content"]).rpartition("The draft:\n")[2]


def better(draft: str) -> str:
    return draft.replace("A context manager wraps", "Every context manager surrounds") + LONGER


def good(body: dict[str, Any], _before: int) -> Reply:
    return Reply(text=f"{IMPROVED[0]}\n{better(draft_in(body))}\n{IMPROVED[1]}")


def planned(lake: Lake, section: Any) -> list[dict[str, Any]]:
    rows = plan(lake.reader, SNAPSHOT, section, generator_of(section, "m@1", None))
    return [row.asDict() for row in rows.orderBy("rank").collect()]


def test_accepted_rewrites_name_their_parents_and_nothing_is_paid_twice(lake: Lake) -> None:
    wanted = recipe(budget={"documents": 100}, samples=2)
    with serve(good) as fake:
        services = lake.fill(wanted, to(fake))
        # 20 documents less a duplicate, a short one and a German one; two of them have one text, which is asked once.
        assert services["planned_attempts"] == 34
        assert len(fake.requests) == services["generation"]["asked"] == services["generation"]["answered"] == 32
        rows = lake.rows(wanted, services)
        again = lake.fill(wanted, to(fake))
        assert len(fake.requests) == 32
        assert again["generation"]["asked"] == 0
        lake.fill(wanted, to(fake, identity="another model"))
        assert len(fake.requests) == 64, "another model's answers are other answers"
    assert len(rows) == len({row["doc_id"] for row in rows}) == 34
    assert all(row["kept"] and row["parse_status"] == "ok" and row["drop_reasons"] == [] for row in rows)
    assert Counter(row["parent_id"] for row in rows) == {
        doc(n): 2 for n in range(20) if n not in (DUPLICATE, SHORT, GERMAN)
    }
    for row in rows:
        assert row["text"] == better(text_of(int(row["parent_id"], 16)))
        assert (row["snapshot"], row["parent_snapshot"], row["model"]) == (SNAPSHOT, SNAPSHOT, "m")
        assert row["tokens"] > 40
    assert lake.said[-1].startswith("rewriting: 32/32 requests, 96 tokens written")
    assert not (lake.scratch / "scratch" / f"generate-{SNAPSHOT}").exists()


def test_a_rewrite_that_was_taken_down_is_not_asked_for_again(lake: Lake) -> None:
    wanted = recipe(samples=2)
    with serve(good) as fake:
        rows = lake.rows(wanted, lake.fill(wanted, to(fake)))
        taken = next(row for row in rows if row["sample"] == 1)
        after = Lake(lake.spark, lake.scratch / "after", suppressed=[taken["doc_id"]])
        services = after.fill(wanted, to(fake))
    assert services["generation"]["asked"] == len(rows) - 1
    again = {row["doc_id"]: row["parse_status"] for row in after.rows(wanted, services)}
    assert again == {row["doc_id"]: "failed" if row is taken else "ok" for row in rows}, "publishing leaves it out"


def test_the_plan_is_the_same_however_the_inputs_lie(lake: Lake, spark: SparkSession) -> None:
    section = recipe(samples=2).rewritten
    first = planned(lake, section)
    lake.shuffle = lambda rows: rows.repartition(5).orderBy(F.rand(7))
    assert planned(lake, section) == first
    assert [row["rank"] for row in first] == list(range(1, 13))
    assert [row["sample"] for row in first] == [0, 1] * 6
    other = recipe(samples=2, select={"min_words": 20, "languages": ["en"], "seed": 1}).rewritten
    assert {row["parent_id"] for row in planned(lake, other)} != {row["parent_id"] for row in first}


def test_a_smaller_budget_plans_a_part_of_the_larger(lake: Lake) -> None:
    by_tokens = recipe(budget={"documents": 6, "tokens_out": 799}, samples=2).rewritten
    small, large = planned(lake, by_tokens), planned(lake, recipe(samples=2).rewritten)
    assert len(small) == 6, "three documents of two attempts with 100 tokens each fit into 799 tokens"
    assert small == large[:6]


@pytest.mark.parametrize(("choose", "expected"), [("low", range(6)), ("middle", range(6, 13))])
def test_documents_are_chosen_by_exact_thirds_of_the_score(lake: Lake, choose: str, expected: range) -> None:
    section = recipe(select={"min_words": 1, "choose": choose, "score": "q__p"}).rewritten
    found = {int(row["doc_id"], 16) for row in eligible(lake.reader, SNAPSHOT, section).collect()}
    # Eighteen documents are kept and scored: 0 to 16 and 18.
    thirds = [n for n in range(19) if n != DUPLICATE]
    assert found == set(thirds[:6] if choose == "low" else thirds[6:12])
    assert found <= set(expected)


def test_what_is_rewritten_is_the_text_that_dedup_left(lake: Lake) -> None:
    """Of document 3 too few words are left; document 4 lost its beginning."""
    lost = {doc(3): (10, len(text_of(3)) - 10), doc(4): (0, len("A context manager "))}

    def cut(frame: DataFrame) -> DataFrame:
        if "cuts" not in frame.columns:
            return frame
        spans = F.lit(None)
        for doc_id, (start, length) in lost.items():
            place = [F.lit(n).cast("long") for n in (start, length, start, length)]
            span = F.array(F.struct(*place, F.lit("lines"), F.lit("s"), F.lit(doc(1)), F.lit(None), F.lit(1.0)))
            spans = F.when(F.col("doc_id") == doc_id, span).otherwise(spans)
        typed = spans.cast(frame.schema["cuts"].dataType)
        return frame.withColumns({"cuts": typed, "chars_cut": F.when(typed.isNotNull(), 1).otherwise(0)})

    section = recipe(budget={"documents": 100}).rewritten
    before = {row["parent_id"]: row["draft"] for row in planned(lake, section)}
    lake.shuffle = cut
    after = {row["parent_id"]: row["draft"] for row in planned(lake, section)}
    assert before.keys() - after.keys() == {doc(3)}
    assert after[doc(4)] == text_of(4).removeprefix("A context manager ")
    assert {name: draft for name, draft in after.items() if name != doc(4)} == {
        name: draft for name, draft in before.items() if name not in lost
    }


def test_columns_that_are_not_there_are_named(lake: Lake) -> None:
    by_score = recipe(select={"choose": "low", "score": "q__x"}).rewritten
    with pytest.raises(RecipeError, match="scored has no column q__x"):
        eligible(lake.reader, SNAPSHOT, by_score)
    by_words = recipe(select={"words": "w__x"}).rewritten
    with pytest.raises(RecipeError, match="cleaned has no column w__x"):
        eligible(lake.reader, SNAPSHOT, by_words)


def test_a_killed_run_goes_on_where_it_stopped(lake: Lake) -> None:
    wanted = recipe(budget={"documents": 10})

    def publish(rows: DataFrame) -> None:
        if lake.published:
            raise KeyboardInterrupt
        lake.publish(rows)

    with serve(good) as fake:
        with pytest.raises(KeyboardInterrupt):
            lake.fill(wanted, to(fake), publish)
        before = len(fake.requests)
        kept = sum(frame.count() for frame in lake.published)
        assert kept == FIRST_CHUNK
        services = lake.fill(wanted, to(fake))
        assert services["generation"]["asked"] == len(fake.requests) - before == 10 - kept
        assert all(row["kept"] for row in lake.rows(wanted, services))


def test_a_request_that_fails_is_a_failed_attempt_and_is_asked_again(lake: Lake) -> None:
    wanted, broken = recipe(), True

    def reply(body: dict[str, Any], before: int) -> Reply:
        unlucky = draft_in(body) == planned_drafts[0]
        return Reply(status=500) if unlucky and broken else good(body, before)

    planned_drafts = [row["draft"] for row in planned(lake, wanted.rewritten)]
    with serve(reply) as fake:
        services = lake.fill(wanted, to(fake))
        rows = lake.rows(wanted, services)
        assert Counter(row["parse_status"] for row in rows) == {"ok": 5, "failed": 1}
        (failed,) = [row for row in rows if not row["kept"]]
        assert [reason["reason"] for reason in failed["drop_reasons"]] == ["failed"]
        assert failed["text"] is None
        broken = False
        services = lake.fill(wanted, to(fake))
        assert services["generation"]["asked"] == 1
        assert all(row["kept"] for row in lake.rows(wanted, services))


def test_bad_answers_are_rows_with_reasons(lake: Lake) -> None:
    wanted = recipe(budget={"documents": 4})
    answers = [
        Reply(text="no markers at all"),
        Reply(text=f"{IMPROVED[0]}\nThe cut", finish_reason="length"),
        Reply(text=f"{IMPROVED[0]}\nShort.\n{IMPROVED[1]}"),
        Reply(text=f"{IMPROVED[0]}\nI'm sorry, but I can't help with that.\n{IMPROVED[1]}"),
    ]
    drafts = [row["draft"] for row in planned(lake, wanted.rewritten)]
    with serve(lambda body, _: answers[drafts.index(draft_in(body))]) as fake:
        rows = lake.rows(wanted, lake.fill(wanted, to(fake)))
    assert Counter(row["parse_status"] for row in rows) == {"missing_start": 1, "truncated": 1, "ok": 1, "refusal": 1}
    assert not any(row["kept"] for row in rows)
    assert all(row["drop_reasons"] for row in rows)


def test_a_budget_of_nothing_makes_an_empty_table_and_no_endpoint(lake: Lake) -> None:
    def never() -> Endpoint:
        raise AssertionError("no endpoint is needed")

    wanted = recipe(budget={"documents": 0})
    services = fill_for(
        recipe=wanted, partition=SNAPSHOT, inputs=lake.reader, spark=lake.spark, scratch=str(lake.scratch),
        endpoint=never, publish=lake.publish, say=lake.said.append,
    )  # fmt: skip
    assert services["planned_attempts"] == 0
    assert lake.rows(wanted, services) == []


def test_a_refused_key_is_one_line_without_the_key(lake: Lake) -> None:
    with serve(lambda *_: Reply(status=401)) as fake, pytest.raises(UsageError, match="refuses the key") as error:
        lake.fill(recipe(), to(fake))
    assert KEY not in str(error.value)
    assert "\n" not in str(error.value)
    assert lake.published == []


def test_requests_that_are_all_rejected_point_at_the_recipe(lake: Lake) -> None:
    with serve(lambda *_: Reply(status=400)) as fake, pytest.raises(UsageError, match=r"rejects .*rewritten\.sampling"):
        lake.fill(recipe(), to(fake))


def test_an_endpoint_that_is_not_there_is_one_line_with_the_remedy(lake: Lake) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        gone = Endpoint(url=f"http://127.0.0.1:{free.getsockname()[1]}/v1", model="m", key=KEY, max_retries=0)
    with pytest.raises(TransientError, match=r"^http://127\.0\.0\.1:\d+/v1 gives no answer .* run again") as error:
        lake.fill(recipe(), gone)
    assert KEY not in str(error.value)


def test_a_pinned_model_refuses_another(lake: Lake) -> None:
    with serve(good) as fake, pytest.raises(UsageError, match="pins llama, but the settings give m"):
        lake.fill(recipe(model="llama"), to(fake))
    assert fake.requests == []

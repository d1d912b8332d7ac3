"""Laws of dedup at scale: the same rows however the work is cut, bad input, components that survive a killed run."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from spark_jobs.dedup.components import components
from spark_jobs.dedup.scratch import Scratch
from tests.spark.test_dedup import FakeLake, doc_id, named, page, page_again, planted, survivors, words

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def lake(spark: Any, tmp_path: Path) -> FakeLake:
    return FakeLake(spark, tmp_path)


def cut(lake: FakeLake, partitions: int, seed: str) -> None:
    """Inputs in so many partitions, each in an order of its own."""
    from pyspark.sql import functions as F

    order = F.md5(F.concat("doc_id", F.lit(seed)))
    lake.shape = lambda frame: frame.repartition(partitions, order).sortWithinPartitions(order)


@pytest.fixture
def batches(spark: Any) -> Any:
    """Sets the rows of an Arrow batch, until the test is over."""
    name = "spark.sql.execution.arrow.maxRecordsPerBatch"
    before = spark.conf.get(name)
    yield lambda rows: spark.conf.set(name, str(rows))
    spark.conf.set(name, before)


def large_clusters() -> dict[str, str]:
    """Buckets of more than four members, some of which only later leaders confirm, and documents of no cluster."""
    texts = {f"big {m}": page("big", 120, edits=m % 9, tag=str(m)) for m in range(30)}
    return texts | {f"alone {n}": page(f"alone {n}", 60) for n in range(10)}


@pytest.mark.heavy
def test_the_same_rows_by_digest_however_the_work_is_cut(lake: FakeLake, batches: Any) -> None:
    """1, 2 and 7 partitions, batches of 3 to 512 rows, three orders of the input, and a retry over an old attempt."""
    texts = planted() | large_clusters()
    lake.add("s1", {name: text for number, (name, text) in enumerate(texts.items()) if number % 3 == 0})
    lake.add("s2", {f"{name} again": page_again(text) for name, text in texts.items()})
    lake.dedup("s1")
    seen = []
    for partitions, rows in ((1, 512), (2, 5), (7, 3), (7, 3)):
        cut(lake, partitions, str(partitions))
        batches(rows)
        # Pairs of more than four in a bucket are found over leaders, in rounds.
        seen.append(lake.dedup("s2", minhash={"full_pairs": 4}))
    assert all(one.digests == seen[0].digests for one in seen)
    assert all(one.facts == seen[0].facts for one in seen)
    assert seen[0].facts["rounds"] > 1
    assert seen[0].facts["rejected_pairs"] > 0
    assert {row["survivor_snapshot"] for row in seen[0].rows.values()} == {"s1", "s2"}


def test_a_bridge_leaves_both_survivors_and_is_counted_once(lake: FakeLake, batches: Any) -> None:
    """Four new documents bridge the same two clusters: one row says so, and an earlier survivor is never rewritten."""
    both = words("both", 300)
    x, y = both[:20] + words("x", 12) + both[20:], both + words("y", 24)
    lake.add("s1", {"x": " ".join(x), "y": " ".join(y)})
    lake.add("s2", {f"z{n}": " ".join(both[: 300 - n]) for n in range(4)})
    section = {"minhash": {"min_similarity": 0.9, "bands": 28, "rows": 4}}
    assert all(row["kept"] for row in lake.dedup("s1", **section).rows.values())
    before = lake.partition("deduped", "s1").collect()
    for partitions in (1, 7):
        cut(lake, partitions, "bridge")
        batches(2)
        rows = lake.dedup("s2", **section).rows
        assert set(survivors(rows).values()) == {min("xy", key=doc_id)}
        assert sum(bool(row["joined_clusters"]) for row in rows.values()) == 1
    assert lake.partition("deduped", "s1").collect() == before


def test_many_identical_documents_are_one_group_without_comparisons(lake: FakeLake) -> None:
    """Three thousand copies, half of them in other letters: each is linked to the survivor, and no pair is compared."""
    text = page("same")
    texts = {f"copy {n}": text if n % 2 else text.upper() for n in range(3000)} | {"other": page("other")}
    found = deduped(lake, texts)
    assert found.facts["candidate_pairs"] == 0
    assert sum(row["kept"] for row in found.rows.values()) == 2
    best = min((name for name in texts if name != "other"), key=doc_id)
    copies = [row for name, row in found.rows.items() if name != "other"]
    assert {named(row, "survivor_id") for row in copies} == {best}
    assert {row["cluster_size"] for row in copies} == {3000}
    assert {row["similarity"] for row in copies if not row["kept"]} == {1.0}


def deduped(lake: FakeLake, texts: dict[str, str], **section: Any) -> Any:
    lake.add("s1", texts)
    return lake.dedup("s1", **section)


def test_many_near_identical_documents_cost_a_few_comparisons_each(lake: FakeLake) -> None:
    """Without the exact steps a thousand copies meet in all 14 bands: one leader, 999 pairs and not half a million."""
    found = deduped(lake, {f"copy {n}": page("same") for n in range(1000)}, steps=["minhash"])
    assert found.facts["candidate_pairs"] == 999
    assert sum(row["kept"] for row in found.rows.values()) == 1
    assert found.facts["unresolved_places"] == 0


def test_bad_texts_are_kept_or_grouped_and_never_lost(lake: FakeLake) -> None:
    odd = {
        "empty": "", "empty too": "", "blank": " \n\t ",
        "short": "one two three four", "short too": "One two, three four",
        "repeated": "same " * 400, "controls": "\x00\x01 a b c d e f g", "lone": "\ufffd\ufffd a b c d e f",
        "rtl": "שלום עולם זה טקסט קצר מאוד", "emoji": "👍🏽 👩‍👩‍👧 🇩🇪 a b c d e", "line": "x" * 1_000_000,
    }  # fmt: skip
    rows = deduped(lake, odd).rows
    assert set(rows) == set(odd)
    removed = {name: row for name, row in rows.items() if not row["kept"]}
    duplicates = {name: (named(row, "linked_to"), row["duplicate_step"]) for name, row in removed.items()}
    best, other = sorted(("empty", "empty too"), key=doc_id)
    # Of the short ones the longer text survives.
    assert duplicates == {other: (best, "exact_bytes"), "short": ("short too", "exact_text")}


def test_bytes_that_are_no_text_are_compared_as_they_are(lake: FakeLake) -> None:
    from pyspark.sql import functions as F

    lake.add("s1", {"broken": "", "broken too": "", "other": ""})
    broken = {"broken": b"\xff\xfe a b c \xed\xa0\x80 d e f", "broken too": b"\xff\xfe a b c \xed\xa0\x80 d e f",
              "other": b"\xff a b c d e f g \xf0\x9f"}  # fmt: skip
    rows = [(doc_id(name), text.hex()) for name, text in broken.items()]
    texts = lake.spark.createDataFrame(rows, "doc_id STRING, hex STRING")
    documents = lake.partition("cleaned", "s1").drop("text").join(texts, "doc_id")
    documents = lake.spark.createDataFrame(documents.collect(), documents.schema)
    lake.write("cleaned", "s1", documents.withColumn("text", F.unhex("hex").cast("string")).drop("hex"))
    found = lake.dedup("s1").rows
    first, second = sorted(("broken", "broken too"), key=doc_id)
    assert survivors(found) == {first: first, second: first, "other": "other"}
    assert found[second]["duplicate_step"] == "exact_bytes"


def test_a_snapshot_of_nothing_that_can_be_compared(lake: FakeLake) -> None:
    found = deduped(lake, {"a": "", "b": "too short", "c": "also short"})
    assert all(row["kept"] for row in found.rows.values())
    assert found.facts["candidate_pairs"] == found.facts["rounds"] == 0


# ---- components


def name_of(number: int) -> str:
    return f"s/{hashlib.md5(str(number).encode()).hexdigest()}"


def chain(spark: Any, nodes: int) -> Any:
    """Neighbours in a row, whose names are in no order."""
    return spark.createDataFrame(list(pairwise(map(name_of, range(nodes)))), "u STRING, v STRING").repartition(3)


def rounds_of(spark: Any, home: Path, edges: Any, count: int, chunk: int) -> tuple[int, dict[str, str]]:
    said: list[str] = []
    found = components(edges, Scratch(spark, str(home)), count=count, chunk=chunk, say=said.append)
    return len(said), {row.node: row.label for row in found.collect()}


def test_rounds_grow_with_the_logarithm_of_a_chain(spark: Any, tmp_path: Path) -> None:
    """A task sees 100 scattered edges at once: forty times the nodes cost a few rounds more, not forty times."""
    used = {}
    for nodes in (250, 10_000):
        used[nodes], labels = rounds_of(spark, tmp_path / str(nodes), chain(spark, nodes), nodes, 100)
        assert set(labels.values()) == {min(map(name_of, range(nodes)))}
        assert len(labels) == nodes
    assert used[250] >= 3
    assert used[10_000] <= used[250] + 6


def test_a_star_is_one_round(spark: Any, tmp_path: Path) -> None:
    edges = [(name_of(0), name_of(number)) for number in range(1, 3000)]
    frame = spark.createDataFrame(edges, "u STRING, v STRING").repartition(5)
    used, labels = rounds_of(spark, tmp_path, frame, len(edges), 100)
    assert used <= 3
    assert set(labels.values()) == {min(map(name_of, range(3000)))}


KILLED = """
import sys
from itertools import pairwise
from orchestration.environment import delta_jars
from orchestration.spark_session import build_session
from spark_jobs.dedup.components import components
from spark_jobs.dedup.scratch import Scratch
from tests.spark.test_dedup_scale import chain
place, scratch = sys.argv[1:]
spark = build_session(master="local[2]", driver_memory="1g", scratch=scratch, jars=delta_jars())
components(chain(spark, 600), Scratch(spark, place), count=600, chunk=100, say=lambda text: print(text, flush=True))
"""


def rounds_on_disk(place: Path, what: str) -> list[int]:
    return sorted(int(path.name.removesuffix(".finished").rsplit("_", 1)[1]) for path in place.glob(what))


def test_a_killed_contraction_goes_on_from_its_last_finished_round(spark: Any, tmp_path: Path) -> None:
    place = tmp_path / "state"
    command = [sys.executable, "-W", "ignore", "-c", KILLED, str(place), str(tmp_path / "spark")]
    # A group of its own, so that its JVM and workers go with it.
    attempt = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True)
    until = time.monotonic() + 120
    while not list(place.glob("stars_*_3")) and time.monotonic() < until and attempt.poll() is None:
        time.sleep(0.01)
    os.killpg(attempt.pid, signal.SIGKILL)
    assert attempt.wait() == -signal.SIGKILL
    finished = rounds_on_disk(place, "stars_*.finished")
    assert 2 <= len(finished) < 8
    times = {number: next(place.glob(f"stars_*_{number}")).stat().st_mtime_ns for number in finished}
    said, labels = rounds_of(spark, place, chain(spark, 600), 600, 100)
    assert {number: next(place.glob(f"stars_*_{number}")).stat().st_mtime_ns for number in finished} == times
    clean, wanted = rounds_of(spark, tmp_path / "clean", chain(spark, 600), 600, 100)
    assert labels == wanted
    assert said == clean - len(finished) + 1


def test_state_of_other_edges_is_not_taken(spark: Any, tmp_path: Path) -> None:
    rounds_of(spark, tmp_path, chain(spark, 50), 50, 10)
    _, labels = rounds_of(spark, tmp_path, chain(spark, 40), 50, 10)
    assert len(labels) == 40

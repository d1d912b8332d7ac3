"""The levels of text against the rules in plain Python, one document after the other; and what is said of each cut."""

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from expectations.deduped import LAWS
from expectations.gate import Audited, audit
from spark_jobs.dedup.scratch import Scratch
from spark_jobs.dedup.settle import in_order, settle
from spark_jobs.errors import LakeError, ProvenderError
from spark_jobs.lake.cuts import cut_text
from tests.spark.test_dedup import FakeLake, doc_id, named, page, words
from tests.unit.test_dedup_pieces import plain_repeats
from tests.unit.test_dedup_signatures import normal_words


@pytest.fixture
def lake(spark: Any, tmp_path: Path) -> FakeLake:
    return FakeLake(spark, tmp_path)


def texts_of(lake: FakeLake, snapshot: str) -> dict[str, str]:
    """What readers get: the texts without their cuts."""
    rows = lake.partition("cleaned", snapshot).join(lake.partition("deduped", snapshot).drop("kept"), "doc_id")
    found = rows.select("doc_id", cut_text().alias("text")).collect()
    by_id = {doc_id(name): name for name in NAMES_OF[snapshot]}
    return {by_id[row["doc_id"]]: row["text"] for row in found}


NAMES_OF: dict[str, list[str]] = {}


def add(lake: FakeLake, snapshot: str, texts: Mapping[str, str], **said: Any) -> None:
    NAMES_OF[snapshot] = list(texts)
    lake.add(snapshot, texts, **said)


def broken_laws(lake: FakeLake, snapshot: str, done: SimpleNamespace) -> list[str]:
    side = {name: lake.partition(name, snapshot) for name in done.side}
    seen = Audited(
        candidate=lake.partition("deduped", snapshot), side=side, inputs=lake, recipe=SimpleNamespace(),  # type: ignore[arg-type]
        partition=snapshot, facts=done.facts,
    )  # fmt: skip
    return [outcome.name for outcome in audit(LAWS, seen) if not outcome.success]


class Plain:
    """The levels one document and one line after the other; snapshots in order."""

    def __init__(self, steps: Sequence[str], section: Mapping[str, Any]) -> None:
        self.steps, self.section = steps, section
        self.published: dict[str, Counter[tuple[str, ...]]] = {step: Counter() for step in steps}
        self.seen: set[tuple[str, ...]] = set()

    def snapshot(self, texts: Mapping[str, str]) -> dict[str, tuple[str | None, list[str]]]:
        """By document: the step that dropped it, and the lines that are left."""
        order = sorted(texts, key=lambda name: (-len(texts[name]), doc_id(name)))
        left: dict[str, list[tuple[int, str]]] = {name: blocks(texts[name]) for name in order}
        dropped: dict[str, str] = {}
        for step in self.steps:
            here = [name for name in order if name not in dropped]
            if step == "within_document":
                level = SimpleNamespace(lines=True, paragraphs=True)
                for name in here:
                    left[name] = blocks(plain_repeats(texts[name], level))
                continue
            run = self._overlap if step == "ngram_overlap" else self._frequency
            cut, gone = run(step, here, left)
            for name in here:
                rest = [line for number, line in enumerate(left[name]) if (name, number) not in cut]
                lost = len(rest) < len(left[name])
                left[name] = rest
                few = sum(len(line.strip()) for _, line in rest if normal_words(line, "diacritics"))
                if name in gone or (lost and few < self.section.get("min_chars_left", 1)):
                    dropped[name] = step
        return {name: (dropped.get(name), [line for _, line in left[name]]) for name in order}

    def _frequency(self, step: str, here: list[str], left: Any) -> tuple[set[tuple[str, int]], set[str]]:
        said = {"max_documents": 1, "keep": 1, "min_chars": 1, **self.section.get(step, {})}
        units = {name: pieces(left[name], step, said["min_chars"]) for name in here}
        before = self.published[step].copy()
        for name in here:
            self.published[step].update(set(units[name]))
        holders: Counter[tuple[str, ...]] = Counter()
        cut = set()
        for name in here:
            for unit, numbers in units[name].items():
                holders[unit] += 1
                many = self.published[step][unit] > said["max_documents"]
                if many and before[unit] + holders[unit] > said["keep"]:
                    cut |= {(name, number) for number in numbers}
        return cut, set()

    def _overlap(self, _step: str, here: list[str], left: Any) -> tuple[set[tuple[str, int]], set[str]]:
        said = {"ngram": 13, "threshold": 0.8, "shards": 1, **self.section.get("ngram_overlap", {})}
        cut, gone = set(), set()
        for name in here:
            shard = int(doc_id(name)[:8], 16) % said["shards"]
            own: set[tuple[Any, ...]] = set()
            present = total = others = 0
            for number, (_, line) in enumerate(left[name]):
                tokens = normal_words(line, "diacritics")
                grams = [(shard, *tokens[i : i + said["ngram"]]) for i in range(len(tokens) - said["ngram"] + 1)]
                if not grams:
                    continue
                hits = [gram for gram in grams if gram in self.seen]
                others += sum(gram not in own for gram in hits)
                present, total = present + len(hits), total + len(grams)
                if len(hits) / len(grams) > said["threshold"]:
                    cut.add((name, number))
                else:
                    own |= set(grams) - self.seen
                    self.seen |= set(grams)
            if total and present / total > said["threshold"] and others:
                gone.add(name)
        return cut, gone


def blocks(text: str) -> list[tuple[int, str]]:
    """Lines that are not blank, with the number of their paragraph."""
    found, number, blank = [], -1, True
    for line in text.split("\n"):
        if line.strip():
            number += blank
            found.append((number, line))
        blank = not line.strip()
    return found


def pieces(lines: Sequence[tuple[int, str]], step: str, least: int) -> dict[tuple[str, ...], list[int]]:
    """By unit (the words of its lines): the numbers of the lines that hold it."""
    by: dict[int, list[int]] = {}
    for number, (paragraph, _) in enumerate(lines):
        by.setdefault(paragraph if step == "paragraphs" else number, []).append(number)
    found: dict[tuple[str, ...], list[int]] = {}
    for numbers in by.values():
        worded = [number for number in numbers if normal_words(lines[number][1], "diacritics")]
        unit = tuple(" ".join(normal_words(lines[number][1], "diacritics")) for number in worded)
        if unit and sum(len(lines[number][1].strip()) for number in worded) >= least:
            found.setdefault(unit, []).extend(numbers)
    return found


def corpora(seed: int, corpora_: int, documents: int, prefix: str = "") -> dict[str, str]:
    """Small random corpora, each with words of its own, so that one run of the stage judges them all."""
    drawn = random.Random(seed)
    texts = {}
    for corpus in range(corpora_):
        letters = [words(f"{seed % 10} {corpus} {n}", 1)[0] for n in range(5)]
        lines = [" ".join(drawn.choices(letters, k=drawn.randint(1, 7))) for _ in range(6)]
        for number in range(documents):
            chosen = [
                drawn.choice([*lines, *lines, " ".join(drawn.choices(letters, k=5)), "", "", "---", "  "])
                for _ in range(drawn.randint(0, 7))
            ]
            texts[f"{prefix}{corpus} {number}"] = "\n".join(chosen) + drawn.choice(["", "\n"])
    return texts


SECTIONS: list[tuple[list[str], dict[str, Any]]] = [
    (["ngram_overlap"], {"ngram_overlap": {"ngram": 2, "threshold": 0.6}}),
    (["paragraphs", "lines", "ngram_overlap"], {
        "paragraphs": {"min_chars": 20}, "lines": {"max_documents": 3, "keep": 2},
        "ngram_overlap": {"ngram": 3, "threshold": 0.5, "shards": 2}, "min_chars_left": 12,
    }),
    (["within_document", "ngram_overlap", "lines"], {"ngram_overlap": {"ngram": 2, "threshold": 0.8}}),
]  # fmt: skip


@pytest.mark.parametrize("number", [0, *(pytest.param(n, marks=pytest.mark.heavy) for n in range(1, len(SECTIONS)))])
def test_the_levels_are_the_rules_in_order(lake: FakeLake, number: int) -> None:
    steps, section = SECTIONS[number]
    plain = Plain(steps, section)
    snapshots = {"s1": corpora(number, 40, 5)}
    if number:
        snapshots["s2"] = corpora(10 + number, 40, 4, "again ")
    for snapshot, texts in snapshots.items():
        add(lake, snapshot, texts)
        done = lake.dedup(snapshot, steps=steps, **section)
        wanted = plain.snapshot(texts)
        after = texts_of(lake, snapshot)
        found = {
            name: (row["duplicate_step"], [line for line in after[name].split("\n") if line.strip()])
            for name, row in done.rows.items()
        }
        different = {name: (found[name], wanted[name], texts[name]) for name in texts if found[name] != wanted[name]}
        assert different == {}
        assert broken_laws(lake, snapshot, done) == []
        counted = done.facts["text_levels"]
        assert sum(count["dropped"] for count in counted.values()) == sum(
            step is not None for step, _ in wanted.values()
        )
        assert sum(count["chars"] for count in counted.values()) == sum(row["chars_cut"] for row in done.rows.values())
        assert counted["ngram_overlap"]["dropped"] > 0
        assert all(count["chars"] > 0 for count in counted.values())


@pytest.mark.heavy
def test_rows_do_not_depend_on_how_the_input_is_cut(lake: FakeLake) -> None:
    from pyspark.sql import functions as F

    steps, section = SECTIONS[1]
    steps = ["within_document", *steps]
    add(lake, "s1", corpora(1, 6, 5))
    add(lake, "s2", corpora(11, 6, 5, "again "))
    lake.dedup("s1", steps=steps, **section)
    seen = []
    for partitions in (1, 2, 7):
        lake.shape = lambda frame, n=partitions: frame.repartition(n, "doc_id").sortWithinPartitions(
            F.md5(F.concat("doc_id", F.lit(str(n))))
        )
        lake.spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", str(partitions + 2))
        try:
            seen.append(lake.dedup("s2", steps=steps, **section))
        finally:
            lake.spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", "512")
    assert seen[0].digests == seen[1].digests == seen[2].digests
    assert seen[0].facts == seen[1].facts == seen[2].facts
    assert any(row["cuts"] for row in seen[0].rows.values())


# Verdicts in rounds.


def rows_of(paragraphs: Sequence[Sequence[int]]) -> list[tuple[int, int, int, bool]]:
    return [(at, gram, len(grams), gram < 0) for at, grams in enumerate(paragraphs) for gram in grams]


def by_the_rule(paragraphs: Sequence[Sequence[int]], threshold: float) -> list[int]:
    rows = [(at, gram, total, 0) for at, gram, total, old in rows_of(paragraphs) if not old]
    old = {at: sum(gram < 0 for gram in grams) for at, grams in enumerate(paragraphs)}
    columns = np.array([(at, gram, total, old[at]) for at, gram, total, _ in rows], dtype=np.int64).reshape(-1, 4).T
    gone = set(in_order(*map(np.ascontiguousarray, columns), threshold).tolist())
    # Paragraphs of old n-grams alone are in no row of the sequence.
    return sorted(gone | {at for at, grams in enumerate(paragraphs) if grams and old[at] / len(grams) > threshold})


def drifting(length: int) -> list[list[int]]:
    """Each version shares nearly all with the one before, and less with any other: every verdict waits for the last."""
    return [list(range(n, n + 10)) for n in range(length)]


@pytest.mark.parametrize("chunk", [0, 40])
def test_rounds_reach_the_verdicts_of_the_sequence(spark: Any, tmp_path: Path, chunk: int) -> None:
    drawn = random.Random(chunk)
    paragraphs = [[drawn.randint(-3, 30) for _ in range(drawn.randint(1, 6))] for _ in range(120)]
    paragraphs += [[gram + 100 for gram in grams] for grams in drifting(12)]
    frame = spark.createDataFrame(rows_of(paragraphs), "at BIGINT, hash BIGINT, total BIGINT, old BOOLEAN").repartition(
        3
    )
    said: list[str] = []
    found = settle(frame, 0.5, Scratch(spark, str(tmp_path)), chunk=chunk, say=said.append)
    assert sorted(row["at"] for row in found.collect()) == by_the_rule(paragraphs, 0.5)
    assert len(said) >= 2


def test_too_few_rounds_are_an_error_that_says_what_to_do(spark: Any, tmp_path: Path) -> None:
    frame = spark.createDataFrame(rows_of(drifting(9)), "at BIGINT, hash BIGINT, total BIGINT, old BOOLEAN")
    with pytest.raises(ProvenderError, match=r"did not settle in 2 rounds.*deduplicate documents before"):
        settle(frame, 0.6, Scratch(spark, str(tmp_path)), chunk=0, rounds=2)


# What is said of a cut, and of a document that went.


def test_a_cut_names_the_document_that_holds_the_piece(lake: FakeLake) -> None:
    legal, menu = " ".join(words("legal", 20)), " ".join(words("menu", 15))
    own = [" ".join(words(f"own {n}", 30)) for n in range(4)]
    shared = [" ".join(words(f"shared {n}", 20)) for n in range(3)]
    texts = {
        "a": f"{own[0]}\n{legal}", "b": f"{legal.upper()}\n{own[1]} and more",
        "full": "\n".join([*shared, "own words of it"]), "stub": "\n".join([*shared[:2], "more"]), "short": "more",
    }  # fmt: skip
    add(lake, "s1", texts)
    add(lake, "s2", {"c": f"{menu}\n{own[2]} 👍\n\n{legal}!\n\nlast", "d": f"x\n{menu}\n{own[3]}"})
    section = {"steps": ["lines"], "min_chars_left": 10}
    first = lake.dedup("s1", **section)
    assert texts_of(lake, "s1")["a"] == f"{own[0]}\n"
    assert texts_of(lake, "s1")["b"] == texts["b"]
    (cut,) = first.rows["a"]["cuts"]
    assert (cut["step"], cut["linked_snapshot"], named(cut, "linked_to")) == ("lines", "s1", "b")
    assert (cut["start"], cut["length"], first.rows["a"]["chars_cut"]) == (len(own[0]) + 1, len(legal), len(legal))
    # Too little was left of the stub. The short one was always short, but all it has is the stub's too.
    assert {name: row["kept"] for name, row in first.rows.items() if not row["kept"]} == {"stub": False, "short": False}
    stub, short = first.rows["stub"], first.rows["short"]
    assert (stub["duplicate_step"], named(stub, "survivor_id"), named(stub, "linked_to")) == ("lines", "full", "full")
    assert (short["duplicate_step"], named(short, "survivor_id"), named(short, "linked_to")) == (
        "lines",
        "full",
        "stub",
    )
    assert 0.9 < stub["similarity"] < short["similarity"] == 1
    assert broken_laws(lake, "s1", first) == []
    second = lake.dedup("s2", **section)
    assert texts_of(lake, "s2") == {"c": f"{menu}\n{own[2]} 👍\n\nlast", "d": f"x\n{own[3]}"}
    (cut,) = second.rows["c"]["cuts"]
    assert (cut["linked_snapshot"], named(cut, "linked_to"), cut["similarity"]) == ("s1", "b", 1.0)
    assert second.facts["text_levels"]["lines"] == {
        "documents": 2, "spans": 2, "chars": len(legal) + 3 + len(menu) + 1, "dropped": 0
    }  # fmt: skip
    assert broken_laws(lake, "s2", second) == []


def overlap_texts() -> dict[str, str]:
    """Documents of several stories, each with words of its own."""
    x, y, a = words("x", 60), words("y", 60), [" ".join(words(f"a{n}", 30)) for n in range(6)]
    end, again, shared = (" ".join(words(name, 25)) for name in ("end", "again", "shared"))
    return {
        "long x": " ".join(x) + "\n" + " ".join(words("tail", 80)),
        "long y": " ".join(y) + "\n" + " ".join(words("t", 70)),
        "both": " ".join(x[:50]) + "\n" + " ".join(y[:40]),
        # Page b is mostly a, but for a line of its own, which is all that c and its twin have.
        "a": "\n".join([*a, " ".join(words("more", 40))]), "b": "\n".join([*a, end]), "c": end, "c twin": end.title(),
        "only itself": "\n".join([again] * 9),
        "mostly itself": "\n".join([" ".join(words("own", 20))] * 9 + [shared]),
        "other": shared + "\n" + " ".join(words("other", 400)),
    }  # fmt: skip


SAID = {"steps": ["exact_text", "ngram_overlap"]}


@pytest.fixture(scope="module")
def overlap(spark: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The stories, a second snapshot, and the same after a document of the first was taken down."""
    lake = FakeLake(spark, tmp_path_factory.mktemp("overlap"))
    texts = overlap_texts()
    add(lake, "s1", texts)
    add(lake, "s2", {"c later": texts["c"] + " indeed", "a later": texts["a"] + "\nand " + " ".join(words("z", 200))})
    found: dict[str, Any] = {}
    for name, snapshot in (("first", "s1"), ("second", "s2"), ("after", "s2")):
        if name == "after":
            published = lake.partition("deduped", "s1")
            rows = published.where(published.doc_id != doc_id("a")).collect()
            lake.write("deduped", "s1", spark.createDataFrame(rows, published.schema))
        done = lake.dedup(snapshot, **SAID)
        assert broken_laws(lake, snapshot, done) == []
        found |= {name: done.rows, f"{name} texts": texts_of(lake, snapshot)}
    return found


def test_a_document_that_went_is_the_duplicate_of_the_kept_one_that_holds_most(overlap: dict[str, Any]) -> None:
    rows = overlap["first"]
    row = rows["both"]
    assert (row["kept"], row["duplicate_step"], named(row, "survivor_id")) == (False, "ngram_overlap", "long x")
    # 38 and 28 13-grams.
    assert row["similarity"] == 38 / 66
    assert [named(cut, "linked_to") for cut in row["cuts"]] == ["long x", "long y"]
    assert rows["long x"]["kept"]
    assert rows["long y"]["kept"]


def test_what_a_dropped_document_holds_leads_to_its_survivor(overlap: dict[str, Any]) -> None:
    rows = {name: overlap["first"][name] for name in ("a", "b", "c", "c twin")}
    best = min(("c", "c twin"), key=doc_id)
    other = "c twin" if best == "c" else "c"
    assert (rows["b"]["duplicate_step"], named(rows["b"], "linked_to")) == ("ngram_overlap", "a")
    assert (rows[best]["duplicate_step"], named(rows[best], "linked_to")) == ("ngram_overlap", "b")
    assert {name: row["kept"] for name, row in rows.items()} == {"a": True, "b": False, "c": False, "c twin": False}
    assert {named(row, "survivor_id") for row in rows.values()} == {"a"}
    # The twin is linked to c by its text, and survives through a like c does.
    assert (rows[other]["duplicate_step"], named(rows[other], "linked_to")) == ("exact_text", best)


def test_a_survivor_taken_down_gives_text_back(overlap: dict[str, Any]) -> None:
    """What s1 lost to a document that is gone since counts as seen no more."""
    before, after = overlap["second"], overlap["after"]
    assert (before["c later"]["kept"], named(before["c later"], "survivor_id")) == (False, "a")
    assert before["a later"]["chars_cut"] > 0
    assert after["c later"]["kept"]
    assert after["a later"]["chars_cut"] == 0


def test_a_document_that_only_repeats_itself_stays(overlap: dict[str, Any]) -> None:
    row = overlap["first"]["only itself"]
    assert row["kept"]
    assert overlap["first texts"]["only itself"] == overlap_texts()["only itself"].split("\n")[0] + "\n"
    assert {(named(cut, "linked_to"), cut["linked_start"]) for cut in row["cuts"]} == {("only itself", 0)}


def test_own_repeats_count_for_the_whole_document_unless_the_recipe_says_no(
    lake: FakeLake, overlap: dict[str, Any]
) -> None:
    assert not overlap["first"]["mostly itself"]["kept"]
    add(lake, "s1", {name: overlap_texts()[name] for name in ("mostly itself", "other")})
    assert lake.dedup("s1", **SAID, ngram_overlap={"count_own_repeats": False}).rows["mostly itself"]["kept"]


def test_bad_texts_and_bytes_that_are_no_text_pass_the_levels(lake: FakeLake) -> None:
    from pyspark.sql import functions as F

    huge = "\n".join(" ".join(words(f"huge {n % 700}", 12)) for n in range(3000))
    broken = b"ab \xff\xfe cd \xed\xa0\x80\nab \xff\xfe cd \xed\xa0\x80\nown \xf0\x9f\nshared line"
    texts = {
        "empty": "", "blank": " \n\n \n", "signs": "---\n***\n---", "nul": "a\x00b\nc\x00", "short": "one two three",
        "emoji": "👍\n👍 👍\n", "huge": huge, "huge too": huge[:-1] + "x", "newlines": "\n" * 5000, "broken": "",
        "well": "longer words of its own, so that it comes first in the order\nshared line",
    }  # fmt: skip
    add(lake, "good", texts)
    text = F.when(F.col("doc_id") == doc_id("broken"), F.lit(bytearray(broken)).cast("string")).otherwise(F.col("text"))
    for table in ("cleaned", "scored"):
        frame = lake.partition(table, "good").withColumn("snapshot", F.lit("bad"))
        lake.write(table, "bad", frame.withColumn("text", text) if table == "cleaned" else frame)
    lake.order, NAMES_OF["bad"] = ["bad"], list(texts)
    steps = ["within_document", "paragraphs", "lines", "ngram_overlap"]
    done = lake.dedup("bad", steps=steps, within_document={"sentences": {}})
    assert done.rows["huge"]["chars_cut"] > len(huge) // 2
    assert {name for name, row in done.rows.items() if row["chars_cut"] == 0} >= {"empty", "blank", "short", "newlines"}
    again, shared = (slice(c["byte_start"], c["byte_start"] + c["byte_length"]) for c in done.rows["broken"]["cuts"])
    assert broken[again] == broken[: broken.index(b"\n") + 1]
    assert broken[shared] == b"shared line"
    left = lake.partition("cleaned", "bad").join(lake.partition("deduped", "bad").drop("kept"), "doc_id")
    read = {
        row["doc_id"]: row["text"] for row in left.select("doc_id", cut_text().cast("binary").alias("text")).collect()
    }
    assert bytes(read[doc_id("broken")]) == broken[: again.start] + broken[again.stop : shared.start]
    assert bytes(read[doc_id("signs")]) == b"---\n***\n"
    assert broken_laws(lake, "bad", done) == []


def test_pieces_of_other_parameters_are_refused_with_the_way_out(lake: FakeLake) -> None:
    add(lake, "s1", {"a": page("a")})
    add(lake, "s2", {"b": page("a")})
    steps = ["minhash", "lines"]
    lake.dedup("s1", steps=steps)
    with pytest.raises(LakeError, match=r"of s1 was written with other parameters.*dedup those snapshots again"):
        lake.dedup("s2", steps=steps, lines={"max_documents": 2})
    lake.dedup("s1", steps=["minhash"])
    with pytest.raises(LakeError, match=r"of s1 was written with other parameters"):
        lake.dedup("s2", steps=steps)
    lake.dedup("s1", steps=steps)
    assert not lake.dedup("s2", steps=["minhash"]).rows["b"]["kept"]


# Captures.


def test_captures_of_a_page_are_linked_over_all_snapshots(lake: FakeLake) -> None:
    def day(number: int, year: int = 2021) -> datetime:
        return datetime(year, 8, number, tzinfo=UTC)

    urls = {"a1": "a.org/", "a2": "a.org/", "b1": "b.org/", "a3": "a.org/", "a4": "a.org/"}
    dates = {"a1": day(9), "a2": day(3), "b1": day(1), "a3": day(1), "a4": day(1, 2022)}
    texts = {name: page(name, 30) for name in [*urls, "no url", "no url either"]}
    add(lake, "s1", {name: texts[name] for name in ("a1", "a2", "b1", "no url")}, urls=urls, dates=dates)
    add(lake, "s2", {name: texts[name] for name in ("a3", "a4", "no url either")}, urls=urls, dates=dates)
    for scope in ("all", "year"):
        rows: dict[str, Any] = {}
        for snapshot in ("s1", "s2"):
            done = lake.dedup(snapshot, captures={"scope": scope})
            rows |= done.rows
            assert broken_laws(lake, snapshot, done) == []
        numbers = {name: row["capture_number"] for name, row in rows.items()}
        before = {name: named(row, "previous_id") for name, row in rows.items()}
        # Snapshots come in their order, whatever the dates say.
        first = {"a2": 1, "a1": 2, "a3": 3, "b1": 1, "no url": 1, "no url either": 1}
        assert numbers == first | {"a4": 4 if scope == "all" else 1}
        assert before == {
            "a2": None, "a1": "a2", "a3": "a1", "a4": "a3" if scope == "all" else None, "b1": None, "no url": None,
            "no url either": None,
        }  # fmt: skip
        assert rows["a3"]["previous_snapshot"] == "s1"
        assert len({row["capture_id"] for row in rows.values()}) == (4 if scope == "all" else 5)

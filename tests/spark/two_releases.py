"""Two states of a recipe and what they make of the same documents: one document or more for every cause of a diff."""

from spark_jobs.analysis.pairs import ADDED, REMOVED, TEXT, WEIGHT
from tests.spark.releases_lake import (
    FIRST,
    ONE,
    SECOND,
    TWO,
    Document,
    ReleasesLake,
    Rewrite,
    State,
    doc,
    operator,
    rule,
)  # fmt: skip

SUPPRESSED, LOST = 10, 11
SCORE_RULE = rule("low_score", "score", 0.65)
LINES_RULE = rule("short_lines", "short_lines", None, 0.7)


def cleaning(normal_form: str, min_words: int, *, with_c4: bool) -> list:
    """The operators of `cleaned`."""
    return [
        operator("main_text", "extractors", {"links": False}),
        operator("ftfy_repair", "editors", {"normalise": normal_form}),
        operator("language_filter", "filters", {"min_score": 0.65}, [SCORE_RULE]),
        operator("gopher_quality", "filters", {"min_words": min_words, "max_words": 1000},
                 [rule("too_short", "words", min_words), rule("too_long", "words", None, 1000)]),
        *([operator("c4_quality", "filters", {"max_braces": 0}, [rule("braces", "braces", None, 0)])] * with_c4),
        operator("fineweb_quality", "filters", {"max_short_lines": 0.7}, [LINES_RULE]),
    ]  # fmt: skip


def mixing(fraction: float, share: float, multiplicity: object) -> list:
    """The operators of `mixed`."""
    params = {"capture": "newest", "multiplicity": multiplicity, "rewritten_share": share, "plan": None}
    return [operator("top_fraction", "selectors", {"fraction": fraction}), operator("mix", "stage", params)]


def before() -> State:
    """The first state: all of snapshot one."""
    return State(
        documents=[
            Document(1), Document(2), Document(3, reasons=[("c4_quality", "braces")]), Document(4), Document(5),
            Document(6), Document(7, quality=0.5), Document(8, quality=0.5), Document(9), Document(SUPPRESSED),
            Document(LOST), Document(12, text="Zwölf, as it was."), Document(13), Document(14, source="docs"),
            Document(15, language="de"), Document(16, survivor=(ONE, 1)), Document(17, out="not_selected"),
            Document(18, out="other_capture", instead=(ONE, 6)), Document(19), Document(20),
        ],
        rewrites=[Rewrite(101, 1), Rewrite(102, 2), Rewrite(104, 12, kept=False)],
        cleaned=cleaning("NFC", 50, with_c4=True),
        scored=[operator("quality", "scorers", {}, artefact="a" * 64)],
        deduped=[operator("dedup", "dedup", {"minhash": {"bands": 14}})],
        rewritten=[operator("rewire", "strategies", {"thinking": True}, artefact="p" * 64)],
        mixed=mixing(0.9, 0.5, None),
        facts={"cleaned": {"language": {"model": "lid.176", "digest": "l" * 64}}, "rewritten": {"model": "m"}},
    )  # fmt: skip


def after() -> State:
    """The second state: bounds, an editor, a model, a benchmark and shares changed, and snapshot two came."""
    return State(
        documents=[
            Document(1), Document(2, reasons=[("gopher_quality", "too_short")]), Document(3),
            Document(4, reasons=[("fineweb_quality", "short_lines")]), Document(5, survivor=(TWO, 30)),
            Document(6, out="other_capture", instead=(TWO, 31)), Document(7, out="not_selected", quality=0.2),
            Document(8, out="not_selected", quality=0.5), Document(9, out="contaminated", matches="gsm"),
            Document(SUPPRESSED), Document(12, text="Zwoelf, as it is.", edits=3), Document(13, cut=True),
            Document(14, source="docs", copies=2),
            Document(15, reasons=[("fineweb_quality", "short_lines"), ("gopher_quality", "too_short")], language="de"),
            Document(16), Document(17), Document(18), Document(19, reasons=[("language_filter", "low_score")]),
            Document(20), Document(30, snapshot=TWO), Document(31, snapshot=TWO),
        ],
        rewrites=[Rewrite(101, 1, out="over_share"), Rewrite(103, 20)],
        gone=frozenset({SUPPRESSED}),
        cleaned=cleaning("NFKC", 80, with_c4=False),
        scored=[operator("quality", "scorers", {}, artefact="b" * 64)],
        deduped=[operator("dedup", "dedup", {"minhash": {"bands": 14}})],
        rewritten=[operator("rewire", "strategies", {"thinking": False}, artefact="q" * 64)],
        mixed=mixing(0.8, 0.25, {"by": "source", "copies": {"docs": 2}, "others": 1}),
        facts={
            "cleaned": {"language": {"model": "lid.176", "digest": "l" * 64}}, "rewritten": {"model": "m"},
            "mixed": {"benchmarks": [{"name": "gsm", "digest": "g" * 64, "items": 3}]},
        },
    )  # fmt: skip


_EDITOR = "ftfy_repair.normalise NFC -> NFKC"
_BOUND = "gopher_quality.min_words 50 -> 80"
EXPECTED = {
    2: (REMOVED, "filter", _BOUND),
    3: (ADDED, "filter", "c4_quality taken out"),
    4: (REMOVED, "text", _EDITOR),
    5: (REMOVED, "dedup", "survivor by minhash of snapshot two"),
    6: (REMOVED, "capture", "a capture of snapshot two"),
    7: (REMOVED, "model", f"quality.artefact {'a' * 60}... -> {'b' * 60}..."),
    8: (REMOVED, "selection", "top_fraction.fraction 0.9 -> 0.8"),
    9: (REMOVED, "contamination", "benchmark gsm added"),
    SUPPRESSED: (REMOVED, "takedown", "suppressed"),
    LOST: (REMOVED, "input", "the snapshot's files, or how they were read"),
    12: (TEXT, "text", _EDITOR),
    13: (TEXT, "dedup", "other pieces are cut"),
    14: (WEIGHT, "selection", "mix.multiplicity.by (none) -> source; mix.multiplicity.copies.docs (none) -> 2"),
    15: (REMOVED, "filter", _BOUND),
    16: (ADDED, "dedup", "survivor by minhash"),
    17: (ADDED, "selection", "top_fraction.fraction 0.9 -> 0.8"),
    18: (ADDED, "capture", "another capture of the page"),
    19: (REMOVED, "text", _EDITOR),
    30: (ADDED, "snapshot", "snapshot two"),
    31: (ADDED, "snapshot", "snapshot two"),
    101: (REMOVED, "selection", "mix.rewritten_share 0.5 -> 0.25"),
    102: (REMOVED, "filter", _BOUND),
    103: (ADDED, "rewriting", "rewire.thinking True -> False"),
}


def publish(made: ReleasesLake) -> None:
    """Both releases; between them something is taken down."""
    first, second = before(), after()
    made.raw(ONE, first.documents)
    made.publish(first, FIRST, [ONE])
    made.suppress("doc", doc(SUPPRESSED))
    made.raw(TWO, [d for d in second.documents if d.snapshot == TWO], unreadable=0)
    made.publish(second, SECOND, [ONE, TWO])
    made.suppress("domain", "gone.example")
    # One page was captured again, in a snapshot that no release has yet.
    made.raw("three", [Document(1, snapshot="three")], unreadable=0)

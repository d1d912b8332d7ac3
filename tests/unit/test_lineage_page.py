"""Drawn lineages without Spark: every publication has its place, what names say is no markup, and numbers add up."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.lineage_page.dot import dot
from orchestration.lineage_page.drawing import BOX_HEIGHT, BOX_WIDTH, draw
from orchestration.lineage_page.page import page
from spark_jobs.lake.score_ranks import cell_of, percentile, ranked

TABLES = ("raw", "cleaned", "scored", "deduped", "rewritten")
NASTY = '</style><script>alert(1)</script>"\\'


def node(table: str, partition: str, inputs: list[str]) -> dict[str, Any]:
    return {
        "table": table, "partition": partition, "publication": f"{table} {partition}", "version": 1, "digest": "1:f",
        "published_at": "2026", "run_id": "r", "fingerprint": "f", "inputs": inputs,
        "counts": {"rows": 10, **({"kept": 8, "dropped": 2} if table in ("cleaned", "deduped") else {})},
        "operators": [{"name": "filter", "version": 1, "kind": "filters", "params": {"words": [NASTY], "off": None}}],
        "audit": {"passed": 3, "of": 3, "warnings": []},
    }  # fmt: skip


def tree(snapshots: int, name: str = "r") -> dict[str, Any]:
    rows = []
    for number in range(snapshots):
        snapshot, tables = f"s{number}{name}", []
        for table in TABLES:
            inputs = [tables[-1]["publication"]] if tables else []
            if table == "deduped":
                inputs += [f"deduped s{earlier}{name}" for earlier in range(number)]
            tables.append(node(table, snapshot, inputs))
        given_ = {"files": [{}], "documents": 12}
        rows.append({"snapshot": snapshot, "input": given_, "tables": tables})
    inputs = [n["publication"] for row in rows for n in row["tables"] if n["table"] != "raw"]
    lost = [{"table": "raw", "reason": f"unreadable: {name}", "documents": 2}]
    return {
        "release": name, "state": "published", "recipe": {"name": name, "fingerprint": "f"}, "totals": {"tokens": 5},
        "mixed": node("mixed", name, inputs), "snapshots": rows,
        "balance": {"balanced": True, "records": 12, "originals": 8, "rewrites": 0, "documents": 8, "lost": lost,
                    "unbalanced": [], "incomplete": []},
        "models": [{"operator": name, "kind": "model", "digest": "d", "tables": ["scored"]}],
        "lists": [{"operator": "o", "kind": "list", "name": name, "digest": "e", "tables": ["cleaned"]}],
        "code": [{"commit": "c", "dirty": True, "publications": []}],
        "packages": [{"package": "numpy", "versions": [{"version": "1"}, {"version": "2"}]}],
    }  # fmt: skip


@pytest.mark.parametrize("snapshots", [0, 1, 3, 120])
def test_every_publication_has_a_place_of_its_own_inside_the_drawing(snapshots: int) -> None:
    drawing = draw(tree(snapshots))
    assert len(drawing.boxes) == snapshots * (len(TABLES) + 1) + 1
    assert len({(box.x, box.y) for box in drawing.boxes}) == len(drawing.boxes)
    for box in drawing.boxes:
        assert 0 <= box.x <= drawing.width - BOX_WIDTH
        assert 0 <= box.y <= drawing.height - BOX_HEIGHT
    # One line a table but for deduped, which has one more to the snapshot before; and one a snapshot into the release.
    assert len(drawing.edges) == snapshots * len(TABLES) + max(0, snapshots - 1) + snapshots


def test_a_page_holds_everything_and_nothing_of_it_runs() -> None:
    text = page(tree(2, NASTY))
    assert "<script" not in text
    assert text.count("<svg") == 1
    assert not re.search(r"(?:src|href)=\"(?!#|data:,)", text), "nothing is fetched"
    assert "Every record is accounted for" in text
    wrong = tree(1)
    wrong["balance"] |= {"balanced": False, "unbalanced": ["cleaned/one: 3 in, 1 out, 1 lost"]}
    assert "The counts do not balance: cleaned/one: 3 in, 1 out, 1 lost" in page(wrong)


def test_the_state_of_a_release_that_is_not_served_and_what_cannot_be_told_are_shown() -> None:
    gone = {**tree(1), "state": "retired"}
    gone["balance"] |= {"incomplete": ["why documents are not in the release: <rows> are gone"]}
    told = "Not told any more: why documents are not in the release: &lt;rows&gt; are gone"
    assert "(retired)" in page(gone)
    assert told in page(gone)
    assert 'label="r (retired)"' in dot(gone)
    for whole in (page(tree(1)), dot(tree(1))):
        assert "(published)" not in whole
        assert "Not told any more" not in whole


def test_a_graph_names_every_edge_and_escapes_names() -> None:
    text = dot(tree(2, 'a"b\\c'))
    assert text.count(" -> ") == 2 * 5 + 1 + 2 * 4
    assert '\\"b\\\\c' in text
    assert text.count("{") == text.count("}")


# percentiles ------------------------------------------------------------------------------------------------------

SCORES = st.floats(min_value=0, max_value=1, allow_nan=False)


@given(st.lists(SCORES, min_size=1, max_size=40), SCORES)
def test_a_percentile_is_the_share_below_within_a_cell(scores: list[float], asked: float) -> None:
    counted: dict[int, int] = {}
    for score in scores:
        counted[cell_of(score)] = counted.get(cell_of(score), 0) + 1
    found = percentile(sorted(counted.items()), asked)
    assert found is not None
    assert found["of"] == len(scores)
    below = sum(cell_of(score) < cell_of(asked) for score in scores)
    above = sum(cell_of(score) > cell_of(asked) for score in scores)
    assert 100 * below / len(scores) - 0.01 <= found["percentile"] <= 100 - 100 * above / len(scores) + 0.01


@given(SCORES, SCORES)
def test_cells_are_in_the_order_of_scores(one: float, other: float) -> None:
    if one <= other:
        assert cell_of(one) <= cell_of(other)


def test_a_score_that_the_record_does_not_count_has_no_percentile() -> None:
    row = {"snapshot": "s", "q__score": 0.5, "q__other": None, "q__nan": float("nan")}
    assert ranked({}, row) == {"q__score": {"score": 0.5, "percentile": None, "of": None}}
    assert ranked({"scores": {"q__score": [[0, 4]]}}, row)["q__score"] == {"score": 0.5, "percentile": 50.0, "of": 4}

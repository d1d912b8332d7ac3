"""Contraction inside a task: the smallest node of every component, whatever the order of the edges."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.dedup.components import contract

NODES = [f"2021-32/{number:02x}" for number in range(25)]
EDGE = st.tuples(st.sampled_from(NODES), st.sampled_from(NODES))


def smallest(edges: list[tuple[str, str]]) -> dict[str, str]:
    """Components by repeated sweeps: slow and plain."""
    label = {node: node for edge in edges for node in edge}
    for _ in label:
        for u, v in edges:
            label[u] = label[v] = min(label[u], label[v])
    return label


def stars(edges: list[tuple[str, str]]) -> dict[str, str]:
    ends = {"u": [u for u, _ in edges], "v": [v for _, v in edges]}
    table = pa.table(ends, pa.schema([("u", "string"), ("v", "string")]))
    rows = contract(table).to_pylist()
    assert len({row["u"] for row in rows}) == len(rows)
    return {row["u"]: row["v"] for row in rows}


@settings(deadline=None)
@given(st.lists(EDGE, max_size=40), st.randoms(use_true_random=False))
def test_every_node_points_to_the_smallest_of_its_component(edges: list[tuple[str, str]], order: object) -> None:
    wanted = {node: root for node, root in smallest(edges).items() if node != root}
    assert stars(edges) == wanted
    order.shuffle(edges)
    assert stars([(v, u) for u, v in edges] + edges) == wanted


def test_a_chain_of_many_is_one_component() -> None:
    names = [f"{number:06d}" for number in range(20_000)]
    found = stars(list(zip(names[1:], names[:-1], strict=True))[::-1])
    assert len(found) == 19_999
    assert set(found.values()) == {"000000"}

"""Where the boxes and lines of a drawn lineage stand: one row a snapshot, one column a table. Numbers only, no markup.

`deduped` reads every earlier snapshot and a release everything; of such lines only those to the nearest box are drawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from orchestration.report_page.words import count

COLUMNS = ("files", "raw", "cleaned", "scored", "deduped", "rewritten", "mixed")
BOX_WIDTH, BOX_HEIGHT = 126.0, 62.0
_GAP_X, _GAP_Y, _LEFT, _TOP = 32.0, 26.0, 12.0, 44.0
_NAME_HEIGHT = 20.0


@dataclass(frozen=True, kw_only=True)
class Box:
    """A publication, or the files of a snapshot. `name` and `lines` stand in it, `title` is what a pointer is told."""

    id: str
    table: str
    name: str
    x: float
    y: float
    lines: tuple[str, ...]
    title: str


@dataclass(frozen=True, kw_only=True)
class Edge:
    """A line from one box to another, as an SVG path."""

    path: str
    title: str


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """All of it, in pixels; `names` are the snapshots with the height at which they stand, `heads` the columns."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    edges: tuple[Edge, ...]
    names: tuple[tuple[str, float], ...]
    heads: tuple[tuple[str, float], ...]


def draw(tree: Mapping[str, Any]) -> Drawing:
    """Boxes and edges of a lineage as `lake/lineage.py` gives it."""
    columns = [name for name in COLUMNS if name in _tables(tree)]
    row_height = BOX_HEIGHT + _GAP_Y + _NAME_HEIGHT
    boxes: dict[str, Box] = {}
    names = []
    snapshots = tree["snapshots"]
    for row, snapshot in enumerate(snapshots):
        top = _TOP + row * row_height
        names.append((str(snapshot["snapshot"]), top + _NAME_HEIGHT - 6))
        for node in (_files(snapshot), *snapshot["tables"]):
            box = _box(node, columns, top + _NAME_HEIGHT)
            boxes[box.id] = box
    middle = _TOP + _NAME_HEIGHT + max(0, len(snapshots) - 1) * row_height / 2
    mixed = _box(tree["mixed"], columns, middle)
    boxes[mixed.id] = mixed
    return Drawing(
        width=_x(columns, columns[-1]) + BOX_WIDTH + _LEFT,
        height=_TOP + max(1, len(snapshots)) * row_height,
        boxes=tuple(boxes.values()),
        edges=tuple(_edges(tree, boxes)),
        names=tuple(names),
        heads=tuple((name, _x(columns, name)) for name in columns),
    )


def _tables(tree: Mapping[str, Any]) -> set[str]:
    return {"files", "mixed", *(node["table"] for snapshot in tree["snapshots"] for node in snapshot["tables"])}


def _files(snapshot: Mapping[str, Any]) -> dict[str, Any]:
    given = snapshot["input"]
    return {
        "table": "files", "partition": snapshot["snapshot"], "publication": f"files of {snapshot['snapshot']}",
        "inputs": [], "counts": {"rows": given.get("documents", 0)}, "files": len(given.get("files", ())),
    }  # fmt: skip


def _x(columns: Sequence[str], table: str) -> float:
    return _LEFT + columns.index(table) * (BOX_WIDTH + _GAP_X)


def _box(node: Mapping[str, Any], columns: Sequence[str], y: float) -> Box:
    counts, table = node["counts"], node["table"]
    rows = int(counts.get("rows", 0))
    if table == "files":
        lines: tuple[str, ...] = (f"{count(rows)} records", f"number of files: {count(node['files'])}")
        name = table
        title = f"{count(rows)} document records, number of files: {count(node['files'])}"
    else:
        kept = counts.get("kept")
        name = f"{table} v{node['version']}"
        lines = (f"{count(rows)} rows",) if kept is None else (f"{count(kept)} kept", f"of {count(rows)} rows")
        audit = node["audit"]
        title = (
            f"{table}/{node['partition']}, publication {node['publication']}, digest {node['digest']}, "
            f"{audit['passed']} of {audit['of']} expectations held"
        )
    return Box(id=str(node["publication"]), table=table, name=name, x=_x(columns, table), y=y, lines=lines, title=title)


def _edges(tree: Mapping[str, Any], boxes: Mapping[str, Box]) -> list[Edge]:
    found = []
    for snapshot in tree["snapshots"]:
        for node in snapshot["tables"]:
            box = boxes[node["publication"]]
            given = [boxes[name] for name in node["inputs"] if name in boxes]
            if node["table"] == "raw":
                given.append(boxes[f"files of {snapshot['snapshot']}"])
            found += [_edge(one, box) for one in _drawn(given, box)]
    mixed = boxes[tree["mixed"]["publication"]]
    given = [boxes[name] for name in tree["mixed"]["inputs"] if name in boxes]
    nearest = max((one.x for one in given), default=0.0)
    return [*found, *(_edge(one, mixed) for one in given if one.x == nearest)]


def _drawn(given: Sequence[Box], box: Box) -> list[Box]:
    """Of inputs in the same row all; of a table's own earlier publications the last one."""
    own = [one for one in given if one.table == box.table]
    same_row = [one for one in given if one.y == box.y]
    return same_row + sorted(own, key=lambda one: one.y)[-1:]


def _edge(start: Box, end: Box) -> Edge:
    title = f"{start.title} -> {end.title}"
    if start.table == end.table:
        x = start.x + BOX_WIDTH / 2
        top, bottom = sorted((start, end), key=lambda box: box.y)
        return Edge(path=f"M{x:.1f} {top.y + BOX_HEIGHT:.1f} L{x:.1f} {bottom.y:.1f}", title=title)
    x1, y1 = start.x + BOX_WIDTH, start.y + BOX_HEIGHT / 2
    x2, y2 = end.x, end.y + BOX_HEIGHT / 2
    far = x2 - x1 > _GAP_X + 1 and y1 == y2
    if far:  # past the boxes between, below them
        low = y1 + BOX_HEIGHT / 2 + _GAP_Y / 2
        path = f"M{x1:.1f} {y1 + 14:.1f} C{x1 + 24:.1f} {low:.1f} {x1 + 24:.1f} {low:.1f} {x1 + 60:.1f} {low:.1f}"
        path += f" L{x2 - 60:.1f} {low:.1f} C{x2 - 24:.1f} {low:.1f} {x2 - 24:.1f} {low:.1f} {x2:.1f} {y2 + 14:.1f}"
        return Edge(path=path, title=title)
    bend = max(16.0, (x2 - x1) / 2)
    return Edge(
        path=f"M{x1:.1f} {y1:.1f} C{x1 + bend:.1f} {y1:.1f} {x2 - bend:.1f} {y2:.1f} {x2:.1f} {y2:.1f}", title=title
    )

"""The lineage of a release as one HTML page with everything in it: inline SVG, no script, nothing fetched."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orchestration.lineage_page.drawing import BOX_HEIGHT, BOX_WIDTH, draw
from orchestration.report_page.words import count, percent, share
from orchestration.terminal_text import short

_FOLDER = Path(__file__).resolve().parent
# One look for all pages.
_FOLDERS = (_FOLDER, _FOLDER.parent / "report_page")


def page(tree: Mapping[str, Any]) -> str:
    """The page as text; what names and parameters say is escaped."""
    environment = Environment(
        loader=FileSystemLoader(_FOLDERS), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"count": count, "percent": percent, "short": short}
    environment.globals["share"] = share
    template = environment.get_template("lineage.html.j2")
    nodes = [tree["mixed"], *(node for snapshot in tree["snapshots"] for node in snapshot["tables"])]
    return template.render(tree=tree, drawing=draw(tree), nodes=nodes, box=(BOX_WIDTH, BOX_HEIGHT))

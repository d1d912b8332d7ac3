"""The lineage of a release as one HTML page with everything in it: inline SVG, no script, nothing fetched."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestration.lineage_page.drawing import BOX_HEIGHT, BOX_WIDTH, draw
from orchestration.report_page.templates import templates
from orchestration.terminal_text import short

_FOLDER = Path(__file__).resolve().parent
# One look for all pages.
_FOLDERS = (_FOLDER, _FOLDER.parent / "report_page")


def page(tree: Mapping[str, Any]) -> str:
    """The page as text; what names and parameters say is escaped."""
    environment = templates(_FOLDERS)
    environment.filters["short"] = short  # of a digest, not of a number
    template = environment.get_template("lineage.html.j2")
    nodes = [tree["mixed"], *(node for snapshot in tree["snapshots"] for node in snapshot["tables"])]
    return template.render(tree=tree, drawing=draw(tree), nodes=nodes, box=(BOX_WIDTH, BOX_HEIGHT))

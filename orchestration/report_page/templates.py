"""The templates of all pages: what is filled in is escaped, and a name that is missing is an error."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from orchestration.report_page.words import count, percent, share, short


def templates(folders: Sequence[Path]) -> Environment:
    """Templates of the first folder that has one of a name, with the words of a report as filters."""
    environment = Environment(
        loader=FileSystemLoader(folders), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters |= {"count": count, "percent": percent, "short": short}
    environment.globals["share"] = share
    return environment

"""Text for a terminal: Rich's trees and tables as lines, and what documents say made harmless on the way there."""

from collections.abc import Mapping
from io import StringIO
from typing import Any

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from orchestration.clusters import printable

WIDTH = 140
_WIDEST = 100_000
_SHOWN_ITEMS = 8
_MOST = 60


def shown(*renderables: Any) -> str:
    """Renderables and plain lines, as one text without colours."""
    buffer = StringIO()
    for renderable in renderables:
        # A tree cuts what does not fit into its width, and a terminal folds it: nothing may be missing.
        width = _WIDEST if isinstance(renderable, Tree) else WIDTH
        console = Console(file=buffer, width=width, highlight=False, color_system=None, soft_wrap=True)
        console.print(line(renderable) if isinstance(renderable, str) else renderable)
    return "\n".join(row.rstrip() for row in buffer.getvalue().splitlines())


def line(text: str) -> Text:
    """A line as it is: brackets are no markup, and what would move the cursor is a sign."""
    return Text(printable(text))


def branch(parent: Tree, text: str) -> Tree:
    """A new branch of a tree."""
    return parent.add(line(text))


def number(value: Any) -> str:
    """Six digits are enough to read; --json has all of them."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def short(value: Any) -> str:
    """A parameter in a line: long lists (block lists above all) by their length, --json shows them whole."""
    if isinstance(value, Mapping):
        inner = {k: short(v) for k, v in value.items() if v not in (None, [], {})}
        return "{" + ", ".join(f"{k}: {v}" for k, v in inner.items()) + "}"
    if isinstance(value, list | tuple) and len(value) > _SHOWN_ITEMS:
        return f"[{len(value)} entries]"
    text = str(value)
    return text if len(text) <= _MOST else f"{text[:_MOST]}..."

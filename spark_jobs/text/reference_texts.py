"""Reference prose that lies on every machine: Python's language reference, and the docstrings of installed packages.

Where a recipe names no reference texts of its own, a quality classifier is fitted on these. Source files are parsed,
never imported, and found through the metadata of the installed packages, never through the working directory.
"""

import ast
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

# What ends the prose of a docstring: a section heading with its rule, an example, a field list, a directive.
_END_OF_PROSE = re.compile(
    r"^(?:[=\-~^ ]{3,}$|\s*>>>|\s*```|\s*:\w+[^:]*:|\s*\.\. |\s*(?:Args|Arguments|Examples?|Parameters|Returns):?\s*$)",
    re.MULTILINE,
)
_MARKUP = re.compile(r":[a-z:]+:`~?([^`]*)`|[`*]{1,2}([^`*\n]+)[`*]{1,2}")
_RULE = re.compile(r"^[=\-~^*\"#]{3,}\s*$", re.MULTILINE)
_SKIPPED = re.compile(r"(^|/)(tests?|_vendor|vendored|site-packages)/")
_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class SourceText:
    """A text and where it comes from. What is held out is held out by whole sources."""

    key: str
    source: str
    text: str


def python_topics() -> Iterator[SourceText]:
    """Chapters of Python's language reference, as `pydoc` ships them; sorted by name."""
    from pydoc_data.topics import topics

    for name in sorted(topics):
        yield SourceText(f"python-topics/{name}", "python-topics", _plain(_RULE.sub("", topics[name])))


def docstrings(package: str, *, minimum: int = 400) -> Iterator[SourceText]:
    """Prose parts of at least `minimum` characters of the docstrings of an installed package, in order of its files.

    Yields nothing for a package that is not installed. One text once, however many functions carry it.
    """
    try:
        distribution = metadata.distribution(package)
    except metadata.PackageNotFoundError:
        return
    seen: set[str] = set()
    for name in sorted(str(file) for file in distribution.files or ()):
        if not name.endswith(".py") or name.startswith("..") or _SKIPPED.search(name):
            continue
        for number, text in enumerate(_prose_of(Path(str(distribution.locate_file(name))), minimum)):
            if len(text) >= minimum and text not in seen:
                seen.add(text)
                yield SourceText(f"{package}/{name}#{number}", f"docstrings:{package}", text)


def package_pages(*, minimum: int = 400) -> Iterator[SourceText]:
    """The README texts of all installed packages, sorted by name: stand-ins for web pages where a pool is too small."""
    pages: dict[str, str] = {}
    for distribution in metadata.distributions():
        # An e-mail message in truth: the text is its body, or a header in old metadata.
        message: Any = distribution.metadata
        name, body = message["Name"], message.get_payload()
        text = body if isinstance(body, str) and body.strip() else message["Description"]
        if name and text and len(text) >= minimum:
            pages.setdefault(name.lower(), text)
    for name in sorted(pages):
        yield SourceText(f"page/{name}", f"page:{name}", pages[name])


def _prose_of(path: Path, minimum: int) -> Iterator[str]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes in other people's strings
            tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return  # listed but gone, or a template that is not Python: no reference text
    waiting: list[_Documented] = [tree]
    while waiting:
        node = waiting.pop()
        # Expressions hold most nodes of a tree and no docstring; only bodies are visited.
        waiting.extend(child for child in reversed(node.body) if isinstance(child, _Documented))
        text = ast.get_docstring(node)
        if text and len(text) >= minimum:
            yield _plain(_description(text))


def _description(docstring: str) -> str:
    """The text before the first section, example or field list; a section's heading goes with its rule."""
    end = _END_OF_PROSE.search(docstring)
    if end is None:
        return docstring
    prose = docstring[: end.start()]
    if end.group().strip(" =-~^\n") == "":
        prose = prose.rstrip("\n").rpartition("\n")[0]
    return prose


def _plain(text: str) -> str:
    """Without inline markup, and with lines joined to paragraphs: what is left is what a page's main text would be."""
    text = _MARKUP.sub(lambda found: found.group(1) or found.group(2) or "", text)
    paragraphs = (" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", text))
    return "\n".join(paragraph for paragraph in paragraphs if paragraph)

"""YAML with places: the value of a recipe file, and the line of each of its keys and entries.

What YAML itself allows but a recipe does not is refused here: a key given twice, tabs, several documents, tags.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from spark_jobs.errors import RecipeError
from spark_jobs.operators.faults import Key

_MERGE = "tag:yaml.org,2002:merge"
_MOST_LINES = 100_000  # a few anchors that name each other would otherwise make billions


@dataclass(frozen=True)
class Document:
    """A recipe file as read: its value, and the line (from 1) of each key; an entry of a list is keyed by its index."""

    path: Path
    value: Any
    lines: dict[Key, int]

    def line(self, key: Key) -> int:
        """The line of a key, or of the nearest thing around it that the file holds."""
        return next((self.lines[key[:end]] for end in range(len(key), -1, -1) if key[:end] in self.lines), 1)

    def holds(self, key: Key) -> bool:
        """Whether the file itself says something at this key."""
        return key in self.lines

    def only_key_in(self, key: Key) -> Key:
        """The one key that the mapping at `key` has; empty if it has another number of them."""
        inner = [held[-1:] for held in self.lines if len(held) == len(key) + 1 and held[:-1] == key]
        return inner[0] if len(inner) == 1 else ()


def read_document(path: Path) -> Document:
    """Read a file. Raises RecipeError, in one line with file and line, for what is not one plain YAML document."""
    loader = yaml.SafeLoader(_text(path))
    try:
        root = loader.get_single_node()
        lines = {} if root is None else dict(islice(_lines(path, root, (), ()), _MOST_LINES))
        if len(lines) == _MOST_LINES:
            raise _refused(path, 1, f"more than {_MOST_LINES:,} keys and entries; do anchors multiply them?")
        value = None if root is None else loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _refused(path, 1 if mark is None else mark.line + 1, _problem(error)) from error
    except RecursionError as error:
        raise _refused(path, 1, "nested too deeply") from error
    except ValueError as error:  # a date or number that is none, such as 2021-13-45
        raise _refused(path, 1, f"a value cannot be read: {error}") from error
    finally:
        loader.dispose()
    return Document(path, value, lines)


def named(key: Key) -> str:
    """A key as messages show it: `cleaned.steps[3].gopher_quality`."""
    shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in key)
    return shown.removeprefix(".") or "the recipe"


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RecipeError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refused(path, line, f"not UTF-8 text (byte {data[error.start]:#04x})") from error
    odd = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if odd is not None:
        line = text.count("\n", 0, odd.start()) + 1
        raise _refused(path, line, f"the character U+{ord(odd.group()):04X} may not stand in YAML")
    return text


def _refused(path: Path, line: int, fault: str) -> RecipeError:
    return RecipeError(f"{path}:{line}: {' '.join(fault.split())}")


def _problem(error: yaml.MarkedYAMLError) -> str:
    problem = str(error.problem or error.context)
    if "'\\t'" in problem or "\t" in problem:
        return "a tab; YAML is indented with spaces"
    if isinstance(error, yaml.constructor.ConstructorError) and "tag" in problem:
        tag = problem.rpartition(" ")[2].strip("'")
        return f"the tag {tag}; a recipe is plain YAML and includes no other file"
    if isinstance(error, yaml.composer.ComposerError) and "document" in str(error.context):
        return "a second document begins; a recipe is one"
    return f"not YAML: {problem}{f' ({error.context})' if error.context else ''}"


def _lines(path: Path, node: yaml.Node, key: Key, around: tuple[yaml.Node, ...]) -> Iterator[tuple[Key, int]]:
    line = node.start_mark.line + 1
    if any(node is outer for outer in around):
        raise _refused(path, line, "an anchor that holds itself")
    if not key:
        yield key, line
    if isinstance(node, yaml.MappingNode):
        yield from _lines_of_mapping(path, node, key, (*around, node))
    elif isinstance(node, yaml.SequenceNode):
        for index, entry in enumerate(node.value):
            yield (*key, index), entry.start_mark.line + 1
            yield from _lines(path, entry, (*key, index), (*around, node))


def _lines_of_mapping(
    path: Path, node: yaml.MappingNode, key: Key, around: tuple[yaml.Node, ...]
) -> Iterator[tuple[Key, int]]:
    seen: dict[str, int] = {}
    # What is merged in comes first, so that the mapping's own keys have the last word on where they stand.
    for name, value in sorted(node.value, key=lambda entry: entry[0].tag != _MERGE):
        line = name.start_mark.line + 1
        if name.tag == _MERGE:
            for merged in value.value if isinstance(value, yaml.SequenceNode) else (value,):
                yield from _lines(path, merged, key, around) if key else ()
            continue
        if not isinstance(name, yaml.ScalarNode):
            raise _refused(path, line, "a key that is a list or a mapping; keys are names")
        if name.value in seen:
            raise _refused(
                path, line, f"{named((*key, name.value))}: given twice, first on line {seen[name.value]}; remove one"
            )
        seen[name.value] = line
        yield (*key, name.value), line
        yield from _lines(path, value, (*key, name.value), around)

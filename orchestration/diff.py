"""`diff`: two releases compared, of one lake or two; as values for `--json`, and as lines for a person."""

from collections.abc import Mapping, Sequence
from typing import Any

from orchestration.terminal_text import shown
from spark_jobs.analysis.diff import diff
from spark_jobs.analysis.released import Released
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.releases import find_release

_MOST_CHANGES = 20
_MOST_VALUES = 4
_MOST_LINES = 12
_KIND = {"removed": "removed", "added": "added", "text": "another text", "weight": "drawn otherwise"}


def split_release(text: str) -> tuple[str | None, str]:
    """`HOME:RELEASE` as the home of another lake and the release; a release by itself has no home.

    A name of a release has no slash, so a URI by itself is not taken apart.
    """
    home, colon, release = text.rpartition(":")
    return (home, release) if colon and home and "/" not in release else (None, text)


def compared(lake: Lake, before: str, after: str, *, examples: int, with_text: bool) -> dict[str, Any]:
    """The comparison. Raises NotFoundError for a release or a lake that is not there."""
    released = [_released(lake, text) for text in (before, after)]
    return diff(released[0], released[1], examples=examples, with_text=with_text)


def _released(lake: Lake, text: str) -> Released:
    home, name = split_release(text)
    lake = lake if home is None else Lake(lake.spark, home).open(None)
    return Released.of(lake, find_release(lake, name))


# text -------------------------------------------------------------------------------------------------------------


def render(found: Mapping[str, Any]) -> str:
    """The two releases, what of the recipe differs, and the causes with their sources and languages."""
    before, after = found["before"], found["after"]
    heads = [_head(name, side) for name, side in (("before", before), ("after", after))]
    changes = [f"changed: {change['table']}: {change['told']}" for change in found["recipe"][:_MOST_CHANGES]]
    more = len(found["recipe"]) - _MOST_CHANGES
    changes += [f"and {more} more changes (--json shows all)"] if more > 0 else []
    balance = found["balance"]
    said = "the counts balance" if balance["balanced"] else (
        f"THE COUNTS DO NOT BALANCE: they give {balance['documents']:,} documents and {balance['tokens']:,} tokens"
    )  # fmt: skip
    return shown(*heads, *changes, *_causes(found), f"{found['unchanged']:,} documents as they were; {said}",
                 *_examples(found.get("examples", ())))  # fmt: skip


def _head(name: str, side: Mapping[str, Any]) -> str:
    return f"{name:<6} {side['release']}: {side['documents']:,} documents, {side['tokens']:,} tokens ({side['home']})"


def _causes(found: Mapping[str, Any]) -> list[str]:
    """A line a kind, and two a cause: how many and why, and of which sources and languages."""
    out: list[str] = []
    last = None
    for row in found["causes"]:
        if row["kind"] != last:
            out += ["", f"{_counts(found['kinds'][row['kind']])}  {_KIND[row['kind']]}"]
            last = row["kind"]
        out.append(f"{_counts(row)}    {row['cause']}: {row['detail']}")
        out.append(f"{'':32}sources {_values(row['by_source'])}; languages {_values(row['by_language'])}")
    return [*(["", f"{'documents':>12}{'tokens':>16}"] if out else []), *out, ""]


def _counts(row: Mapping[str, Any]) -> str:
    return f"{row['documents']:>12,}{row['tokens_after'] - row['tokens_before']:>+16,}"


def _values(rows: Sequence[Mapping[str, Any]]) -> str:
    named = [f"{row['name'] or '(none)'} {row['documents']:,}" for row in rows[:_MOST_VALUES]]
    return ", ".join(named) + (", ..." if len(rows) > _MOST_VALUES else "")


def _examples(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    out: list[str] = []
    last = None
    for row in rows:
        group = (row["kind"], row["cause"], row["detail"])
        if group != last:
            out += ["", f"{_KIND[row['kind']]}, {row['cause']}: {row['detail']}"]
            last = group
        out.append(f"  {row['doc_id']} in {row['snapshot']}  {row['url'] or '(no URL)'}")
        out += [f"      {text}" for text in _text(row.get("text"))]
    return out


def _text(text: Mapping[str, Any] | None) -> list[str]:
    if text is None:
        return []
    if "diff" in text:
        lines = text["diff"]["lines"] or ["only in white space"]
        return list(lines[:_MOST_LINES]) + ([f"... {len(lines) - _MOST_LINES} more lines"] * (len(lines) > _MOST_LINES))
    more = text["characters"] - len(text["beginning"])
    return [*text["beginning"].splitlines()[:_MOST_LINES], *([f"... {more:,} more characters"] if more > 0 else [])]

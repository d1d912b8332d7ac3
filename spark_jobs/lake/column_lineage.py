"""Which columns of which tables a column is made of: the flow's tables, column by column, as data.

Only declarations and their look-up; a contract test holds them to `tables.py` and to what stages read.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from spark_jobs.lake.tables import TABLES

Kind = Literal["IDENTITY", "TRANSFORMATION", "AGGREGATION", "FILTER", "JOIN", "SORT"]
# Columns that the recipe declares (signals, scores) have this in their name.
OPEN = "__"


@dataclass(frozen=True, order=True)
class Origin:
    """One column that another one is made of; `FILTER`, `JOIN` and `SORT` decide about rows, the rest about values."""

    table: str
    column: str
    kind: Kind


def _same(table: str, names: str) -> dict[str, tuple[Origin, ...]]:
    """Columns taken over as they are."""
    return {name: (Origin(table, name, "IDENTITY"),) for name in names.split()}


def _of(kind: Kind, origins: str) -> tuple[Origin, ...]:
    pairs = (origin.split(".") for origin in origins.split())
    return tuple(Origin(table, column, kind) for table, column in pairs)


def _made(names: str, origins: str, kind: Kind = "TRANSFORMATION") -> dict[str, tuple[Origin, ...]]:
    """Columns computed from others; `table.__` are all columns there that the recipe declares."""
    return {name: _of(kind, origins) for name in names.split()}


_PAGE = "raw.payload raw.content_type raw.http_headers"
_JUDGED = f"{_PAGE} raw.url"
# What decides which of two duplicates survives.
_ORDER = "scored.__ cleaned.captured_at cleaned.text cleaned.doc_id"

_COLUMNS: Mapping[str, Mapping[str, tuple[Origin, ...]]] = {
    "raw": {},
    "cleaned": {
        **_same("raw", "snapshot doc_id url canonical_url captured_at source licence"),
        **_made("host", "raw.url"),
        **_made("extractor encoding text language language_score language_alternatives script edits", _PAGE),
        **_made(f"kept drop_reasons {OPEN}", _JUDGED),
    },
    "scored": {**_same("cleaned", "snapshot doc_id"), **_made(OPEN, "cleaned.text")},
    "deduped": {
        **_same("scored", "snapshot doc_id"),
        **_made("cluster_id cluster_size duplicate_step linked_snapshot linked_to similarity joined_clusters cuts "
                "chars_cut", "cleaned.text"),
        **_made("kept survivor_snapshot survivor_id place", f"cleaned.text {_ORDER}"),
        **_made("capture_id", "cleaned.canonical_url cleaned.url cleaned.doc_id cleaned.captured_at"),
        **_made("capture_number previous_snapshot previous_id", "cleaned.canonical_url cleaned.captured_at"),
    },
    "rewritten": {
        **_made("snapshot parent_snapshot", "deduped.snapshot", "IDENTITY"),
        **_made("parent_id", "deduped.doc_id", "IDENTITY"),
        **_made("doc_id", "deduped.doc_id"),
        **_made("text language tokens parse_status length_ratio similarity kept drop_reasons", "rewrite_cache.output "
                "cleaned.text"),
        **_made("strategy model prompt_digest sample", "rewrite_cache.request_digest"),
    },
    "mixed": {
        **_made("release", "deduped.snapshot"),
        **_made("snapshot", "deduped.snapshot rewritten.snapshot", "IDENTITY"),
        **_made("doc_id", "deduped.doc_id rewritten.doc_id", "IDENTITY"),
        **_same("rewritten", "parent_snapshot parent_id"),
        **_same("cleaned", "url host captured_at licence source"),
        **_made("text", "cleaned.text deduped.cuts rewritten.text"),
        **_made("language", "cleaned.language rewritten.language", "IDENTITY"),
        **_made("origin", "rewritten.strategy"),
        **_made("quality", "scored.__", "IDENTITY"),
        **_made("tokens", "cleaned.text deduped.cuts rewritten.tokens"),
        **_made("copies phase", "scored.__ cleaned.source cleaned.language cleaned.text deduped.cluster_size"),
        **_made("order_key", "deduped.snapshot deduped.doc_id rewritten.doc_id"),
    },
}  # fmt: skip

# What decides which rows there are, whatever they hold.
_ROWS: Mapping[str, tuple[Origin, ...]] = {
    "raw": (),
    "cleaned": (),
    "scored": _of("FILTER", "cleaned.kept"),
    "deduped": _of("JOIN", "cleaned.doc_id scored.doc_id"),
    "rewritten": _of("FILTER", "deduped.kept cleaned.language scored.__") + _of("JOIN", "cleaned.doc_id"),
    "mixed": _of("FILTER", "deduped.kept rewritten.kept cleaned.text") + _of("SORT", "scored.__"),
}


def declared_columns(table: str) -> dict[str, str]:
    """Name -> type of the columns that a table is made with, in order."""
    found: dict[str, str] = {}
    depth, start, text = 0, 0, TABLES[table].columns + ","
    for place, character in enumerate(text):
        depth += {"<": 1, ">": -1}.get(character, 0)
        if character == "," and depth == 0:
            name, kind = text[start:place].split(maxsplit=1)
            found[name], start = " ".join(kind.split()), place + 1
    return found


def columns_from(
    table: str, columns: Iterable[str], upstream: Mapping[str, Sequence[str]]
) -> dict[str, tuple[Origin, ...]]:
    """What each of a table's columns is made of; columns of nothing (constants, files) are left out.

    `upstream` are the columns of the tables it was made from, as far as they are known: those that a recipe declares
    are named from there.
    """
    known = _COLUMNS.get(table, {})
    found = {name: known.get(name) or (known.get(OPEN, ()) if OPEN in name else ()) for name in columns}
    return {name: made for name, origins in found.items() if (made := _resolved(origins, upstream))}


def rows_from(table: str, upstream: Mapping[str, Sequence[str]]) -> tuple[Origin, ...]:
    """The columns that decide which rows a table has."""
    return _resolved(_ROWS.get(table, ()), upstream)


def _resolved(origins: Sequence[Origin], upstream: Mapping[str, Sequence[str]]) -> tuple[Origin, ...]:
    resolved: dict[Origin, None] = {}
    for origin in origins:
        names = [origin.column]
        if origin.column == OPEN:
            names = [name for name in upstream.get(origin.table, ()) if OPEN in name]
        resolved |= dict.fromkeys(Origin(origin.table, name, origin.kind) for name in names)
    return tuple(resolved)

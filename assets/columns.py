"""The columns of the tables as Dagster shows them: schema with descriptions, and which column is made of which.

The declared columns are those of `spark_jobs/lake/tables.py`; signals and scores come from the recipe's operators.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import dagster as dg

from spark_jobs.lake.column_lineage import columns_from, declared_columns
from spark_jobs.lake.tables import FLOW
from spark_jobs.recipe.recipe import Recipe

_KEYS: Final = {"snapshot": "id of the crawl snapshot", "doc_id": "128-bit hash that names the document, hex"}
_PAGE: Final = {
    "url": "the literal target URI", "canonical_url": "the URL in canonical form", "host": "host of the URL",
    "captured_at": "when the page was fetched, UTC", "source": "name of the source, of the recipe or the snapshot",
    "licence": "licence of the source as the recipe says",
}  # fmt: skip
_VERDICT: Final = {
    "kept": "whether the document goes on", "drop_reasons": "all broken rules: annotator, reason, value, bound",
}  # fmt: skip
_PARENT: Final = {
    "parent_snapshot": "snapshot of the document that was rewritten", "parent_id": "the document that was rewritten",
}  # fmt: skip

DESCRIPTIONS: Final[Mapping[str, Mapping[str, str]]] = {
    "raw": _KEYS | _PAGE | {
        "http_status": "status of the response", "content_type": "media type as the server said",
        "http_headers": "headers of the response, in order", "payload": "the bytes, untouched",
        "payload_digest": "SHA-256 of the payload, hex", "truncated": "why the crawler cut the payload, if it did",
        "source_file": "URI of the crawl file", "source_offset": "offset of the record in the file, bytes",
        "source_id": "id of the record in the input, if it has one", "record_type": "kind of the record",
    },
    "cleaned": _KEYS | _PAGE | _VERDICT | {
        "extractor": "which extractor gave the main text", "encoding": "character encoding of the payload",
        "text": "main text after all edits; dropped rows keep it", "language": "identified language",
        "language_score": "its probability", "language_alternatives": "runner-up languages", "script": "main script",
        "edits": "what each editor did: count, characters removed",
    },
    "scored": _KEYS,
    "deduped": _KEYS | {
        "kept": "whether the document survives", "cluster_id": "cluster of duplicates over all snapshots",
        "cluster_size": "documents in the cluster so far", "duplicate_step": "the level that found it",
        "survivor_snapshot": "snapshot of the survivor", "survivor_id": "the document that stands for it",
        "linked_snapshot": "snapshot of the match", "linked_to": "the document it was matched with",
        "similarity": "Jaccard similarity with that document", "joined_clusters": "clusters that it bridges",
        "place": "place in the total order that decides survivors", "cuts": "spans that are cut of the text",
        "chars_cut": "characters cut", "capture_id": "the page over all its captures",
        "capture_number": "which capture of the page, from 1", "previous_snapshot": "snapshot of the capture before",
        "previous_id": "the capture before",
    },
    "rewritten": _KEYS | _PARENT | _VERDICT | {
        "strategy": "how it was rewritten", "model": "the language model", "prompt_digest": "SHA-256 of the prompt",
        "sample": "number of the sample", "text": "the rewrite; null where there is none", "language": "its language",
        "tokens": "its tokens", "parse_status": "what was found in the answer",
        "length_ratio": "characters of the rewrite over those of the passage", "similarity": "likeness to its parent",
    },
    "mixed": _KEYS | _PAGE | _PARENT | {
        "release": "name of the release", "text": "the text to train on", "language": "language of the text",
        "origin": "original, or the strategy", "phase": "phase of the training", "quality": "score it was chosen by",
        "copies": "how often it is seen", "tokens": "tokens of one copy", "order_key": "hash that shuffles",
    },
}  # fmt: skip

# Columns of the same name upstream, and those that are made of others: `table.column`, several with blanks between.


def column_schema(table: str, recipe: Recipe) -> dg.TableSchema:
    """Every column with type and description, signals and scores of the recipe included."""
    described = {**DESCRIPTIONS[table], **dict(_of_operators(table, recipe))}
    columns = [*declared_columns(table).items(), *((name, "DOUBLE") for name, _ in _of_operators(table, recipe))]
    lineage = column_lineage(table, [name for name, _ in columns])
    made = lineage.deps_by_column if lineage is not None else {}
    return dg.TableSchema([
        dg.TableColumn(name, short_type(kind), description=_told(described[name], kind, made.get(name, ())))
        for name, kind in columns
    ])  # fmt: skip


def column_lineage(table: str, columns: Sequence[str], score: str | None = None) -> dg.TableColumnLineage | None:
    """For each of a publication's columns those it is made of; None for a table that is made of files."""
    made = columns_from(table, columns, {"scored": [score] if score is not None else []})
    deps = {
        column: sorted({(origin.table, origin.column) for origin in origins if origin.table in FLOW})
        for column, origins in made.items()
    }
    return dg.TableColumnLineage({
        column: [dg.TableColumnDep(dg.AssetKey(upstream), name) for upstream, name in behind]
        for column, behind in deps.items()
    }) if deps else None  # fmt: skip


def short_type(kind: str) -> str:
    """A type without the fields of its structs, which would take the page from the descriptions."""
    head, struct, _ = kind.partition("STRUCT<")
    return f"{head}STRUCT{'>' * head.count('<')}" if struct else kind


def _told(says: str, kind: str, behind: Sequence[dg.TableColumnDep]) -> str:
    """A column's description with what it is made of, for not every UI draws that."""
    parts = [says, kind if short_type(kind) != kind else ""]
    parts.append(f"of {', '.join(f'{d.asset_key.to_user_string()}.{d.column_name}' for d in behind)}" if behind else "")
    return "; ".join(part for part in parts if part)


def _of_operators(table: str, recipe: Recipe) -> Iterator[tuple[str, str]]:
    if table == "cleaned":
        operators: list[Any] = [step.build() for step in recipe.cleaned.steps if step.kind == "filters"]
        yield from ((f"{o.name}__{s.name}", s.description) for o in operators for s in o.signals)
    elif table == "scored":
        scorers: list[Any] = [step.build() for step in recipe.scored.scorers]
        yield from ((f"{o.name}__{s.name}", s.description) for o in scorers for s in o.scores)

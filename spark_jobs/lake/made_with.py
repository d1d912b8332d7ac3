"""What publications were made with, from their records: models and lists by digest, code, versions of packages."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from spark_jobs.lake.records import Publication


def models_of(publications: Sequence[Publication]) -> list[dict[str, Any]]:
    """Every model by its digest (of what is served by others, the identity they gave), and the tables it made."""
    return _merged((one, p.table) for p in publications for one in _models(p))


def lists_of(publications: Sequence[Publication]) -> list[dict[str, Any]]:
    """Every list that an operator pinned, and every benchmark, by digest, and the tables it made."""
    return _merged((one, p.table) for p in publications for one in _lists(p))


def code_of(publications: Sequence[Publication]) -> list[dict[str, Any]]:
    """The commits whose code made the publications: commit, whether files differed from it, which publications."""
    found: dict[tuple[Any, Any], list[str]] = {}
    for p in publications:
        code = (p.record.get("provenance") or {}).get("code") or {}
        found.setdefault((code.get("commit"), code.get("dirty")), []).append(f"{p.table}/{p.partition}")
    ordered = sorted(found.items(), key=lambda entry: str(entry[0]))
    return [{"commit": commit, "dirty": dirty, "publications": sorted(made)} for (commit, dirty), made in ordered]


def packages_of(publications: Sequence[Publication]) -> list[dict[str, Any]]:
    """Versions of the packages that determine text; more than one of a package where publications differ."""
    found: dict[str, dict[str, list[str]]] = {}
    for p in publications:
        for name, version in ((p.record.get("provenance") or {}).get("packages") or {}).items():
            found.setdefault(name, {}).setdefault(str(version), []).append(f"{p.table}/{p.partition}")
    return [
        {"package": name, "versions": [
            {"version": version, "publications": sorted(made) if len(versions) > 1 else None}
            for version, made in sorted(versions.items())
        ]}
        for name, versions in sorted(found.items())
    ]  # fmt: skip


def _models(publication: Publication) -> Iterator[dict[str, Any]]:
    for operator in publication.record.get("operators", ()):
        if operator.get("artefact"):
            what = "prompt" if operator["kind"] == "strategies" else "model"
            yield {"operator": operator["name"], "kind": what, "digest": operator["artefact"]}
    facts = publication.record.get("facts", {})
    if language := facts.get("language"):
        yield {"operator": f"language {language.get('model')}", "kind": "model", "digest": language.get("digest")}
    if tokenizer := facts.get("tokenizer"):
        yield {"operator": tokenizer.get("name"), "kind": "tokenizer", "digest": tokenizer.get("digest")}
    if publication.table == "rewritten" and facts.get("model"):
        yield {"operator": "rewriting", "kind": "model", "digest": str(facts["model"])}


def _lists(publication: Publication) -> Iterator[dict[str, Any]]:
    for operator in publication.record.get("operators", ()):
        for file in _files(operator.get("params")):
            yield {"operator": operator["name"], "kind": "list", "name": file["path"], "digest": file["sha256"]}
    for benchmark in publication.record.get("facts", {}).get("benchmarks", ()):
        yield {
            "operator": "decontamination", "kind": "benchmark", "name": benchmark["name"],
            "digest": benchmark["digest"], "entries": benchmark.get("items"),
        }  # fmt: skip


def _files(params: Any) -> Iterator[Mapping[str, Any]]:
    """Pinned files, however deep they lie in the parameters of an operator."""
    if isinstance(params, Mapping):
        if params.get("sha256") and params.get("path"):
            yield params
        for value in params.values():
            yield from _files(value)
    elif isinstance(params, list | tuple):
        for value in params:
            yield from _files(value)


def _merged(found: Iterator[tuple[dict[str, Any], str]]) -> list[dict[str, Any]]:
    """Each digest of an operator once, with the tables that it made."""
    merged: dict[tuple[str, ...], dict[str, Any]] = {}
    for one, table in found:
        key = tuple(str(one.get(name)) for name in ("operator", "kind", "name", "digest"))
        entry = merged.setdefault(key, {**one, "tables": []})
        if table not in entry["tables"]:
            entry["tables"].append(table)
    return [merged[key] for key in sorted(merged)]

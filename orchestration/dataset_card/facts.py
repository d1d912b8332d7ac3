"""What a dataset card says, gathered from a release's lineage and manifest: plain values for the template. Pure."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Final

_TOTALS: Final = ("documents", "copies", "tokens", "unique_tokens", "characters", "rewritten_tokens", "rewritten_share")
_ENTRIES = 8  # of a list among parameters; longer ones are told by their length
_CHARACTERS = 80


def card_facts(tree: Mapping[str, Any], manifest: Mapping[str, Any]) -> dict[str, Any]:
    """All that the template names."""
    nodes = {table: _nodes(tree, table) for table in ("raw", "cleaned", "scored", "deduped", "rewritten")}
    contents, facts = list(manifest.get("contents", ())), manifest.get("facts", {})
    licences = manifest.get("licences")
    code = (tree.get("provenance") or {}).get("code") or {}
    return {
        "release": tree["release"], "state": tree["state"], "recipe": dict(tree.get("recipe") or {}),
        "totals": {name: (manifest.get("totals") or {}).get(name, 0) for name in _TOTALS},
        "contents": contents, "by_language": _summed(contents, "language", "documents"),
        "languages": _shares(contents, "language"), "origins": _shares(contents, "origin"),
        "sources": _sources(contents, manifest.get("epochs", {})),
        "phases": sorted({str(row["phase"]) for row in contents}, reverse=True),
        "licences": licences, "licence_names": _licence_names(tree, licences),
        "snapshots": [_snapshot(entry) for entry in tree["snapshots"]],
        "steps": _steps(nodes["cleaned"]), "scorers": _operators(nodes["scored"]),
        "dedup": {"operators": _operators(nodes["deduped"]), "by_step": _by_reason(nodes["deduped"]),
                  "documents": _counted(nodes["deduped"], "rows"), "kept": _counted(nodes["deduped"], "kept")},
        "rewriting": _rewriting(nodes["rewritten"]), "decisions": list(facts.get("decisions", ())),
        "selection": _operators([tree["mixed"]]), "benchmarks": list(facts.get("benchmarks", ())),
        "models": _models(tree, nodes["cleaned"], facts), "gates": _gates([*chain(*nodes.values()), tree["mixed"]]),
        "publication": manifest.get("publication"), "digest": manifest.get("digest"),
        "fingerprint": manifest.get("fingerprint"), "published_at": tree["mixed"]["published_at"],
        "code": {"commit": code.get("commit"), "dirty": bool(code.get("dirty"))},
        "packages": dict((tree.get("provenance") or {}).get("packages") or {}),
        "masks": any(step["name"] == "mask_pii" for step in _steps(nodes["cleaned"])),
    }  # fmt: skip


def _nodes(tree: Mapping[str, Any], table: str) -> list[Mapping[str, Any]]:
    return [node for entry in tree["snapshots"] for node in entry["tables"] if node["table"] == table]


def _summed(rows: Iterable[Mapping[str, Any]], key: str, value: str) -> dict[str | None, int]:
    sums: Counter[str | None] = Counter()
    for row in rows:
        sums[row[key]] += int(row[value])
    return dict(sums)


def _shares(rows: Sequence[Mapping[str, Any]], key: str) -> list[dict[str, Any]]:
    """Documents and tokens by a column, the most tokens first, with their share of all tokens."""
    documents, tokens = _summed(rows, key, "documents"), _summed(rows, key, "tokens")
    whole = sum(tokens.values())
    order = sorted(tokens, key=lambda name: (-tokens[name], str(name)))
    return [
        {"name": name, "documents": documents[name], "tokens": tokens[name],
         "share": f"{tokens[name] / whole:.1%}" if whole else "0.0%"}
        for name in order
    ]  # fmt: skip


def _sources(rows: Sequence[Mapping[str, Any]], epochs: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{**row, "epochs": epochs.get(row["name"] or "", {}).get("epochs")} for row in _shares(rows, "source")]


def _licence_names(tree: Mapping[str, Any], licences: Sequence[Mapping[str, Any]] | None) -> list[str | None]:
    """Those of the documents; of releases that did not count them, those of their snapshots."""
    if licences is not None:
        return [row["licence"] for row in licences]
    return [entry["input"].get("licence") for entry in tree["snapshots"]]


def _snapshot(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A snapshot's way, as counts; its files by one digest over theirs, since their places are a machine's."""
    counts = {node["table"]: node["counts"] for node in entry["tables"]}
    files = entry["input"].get("files", ())
    digests = "".join(sorted(str(file["sha256"]) for file in files))
    return {
        "name": entry["snapshot"], "source": entry["input"].get("source"), "licence": entry["input"].get("licence"),
        "files": len(files), "bytes": sum(int(file["bytes"]) for file in files),
        "records": entry["input"].get("documents"), "unreadable": sum(int(file["unreadable"]) for file in files),
        "raw": counts.get("raw", {}).get("rows"), "cleaned": counts.get("cleaned", {}).get("kept"),
        "deduped": counts.get("deduped", {}).get("kept"), "sha256": hashlib.sha256(digests.encode()).hexdigest(),
    }  # fmt: skip


def _operators(nodes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Each operator once; a release has one state of the recipe, so those of the first publication are all."""
    return [
        {"name": o["name"], "kind": o["kind"], "version": o["version"], "artefact": o.get("artefact"),
         "params": shown(o["params"])}
        for o in (nodes[0]["operators"] if nodes else ())
    ]  # fmt: skip


def _steps(cleaned: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The steps of cleaning with the documents that broke a rule of theirs; one document can have several reasons."""
    reasons = _by_reason(cleaned)
    return [
        {**step, "reasons": {name: n for name, n in reasons.items() if name.partition(".")[0] == step["name"]}}
        for step in _operators(cleaned)
    ]


def _by_reason(nodes: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for node in nodes:
        sums.update(node["counts"].get("by_reason", {}))
    return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))


def _counted(nodes: Iterable[Mapping[str, Any]], name: str) -> int:
    return sum(int(node["counts"].get(name, 0)) for node in nodes)


def _rewriting(nodes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    models = sorted({str(node["facts"]["model"]) for node in nodes if node.get("facts", {}).get("model")})
    return {
        "attempts": _counted(nodes, "rows"), "accepted": _counted(nodes, "kept"), "models": models,
        "operators": _operators(nodes), "by_reason": _by_reason(nodes),
    }  # fmt: skip


def _models(
    tree: Mapping[str, Any], cleaned: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Everything learned or listed that decided, by digest."""
    found = [{"use": model["operator"], "digest": model["digest"]} for model in tree["models"]]
    language = cleaned[0].get("facts", {}).get("language", {}) if cleaned else {}
    if language.get("digest"):
        found.append({"use": f"language ({language.get('model')})", "digest": language["digest"]})
    tokenizer = facts.get("tokenizer", {})
    if tokenizer.get("digest"):
        found.append({"use": f"tokenizer ({tokenizer.get('name')})", "digest": tokenizer["digest"]})
    return found


def _gates(nodes: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    listed = list(nodes)
    overrides = [f"{n['table']}/{n['partition']}: {override}" for n in listed for override in n.get("overrides") or ()]
    warnings = [f"{n['table']}/{n['partition']}: {name}" for n in listed for name in n["audit"]["warnings"]]
    return {
        "publications": len(listed), "passed": sum(n["audit"]["passed"] for n in listed),
        "of": sum(n["audit"]["of"] for n in listed), "warnings": warnings, "overrides": overrides,
    }  # fmt: skip


def shown(params: Mapping[str, Any]) -> str:
    """Parameters in one line: what is off is left out, long lists by their length."""
    return ", ".join(f"{name}={_short(value)}" for name, value in params.items() if value is not None)


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {_short(v)}" for k, v in value.items() if v not in (None, [], {})) + "}"
    if isinstance(value, list | tuple) and len(value) > _ENTRIES:
        return f"[{len(value)} entries]"
    text = str(value)
    return text if len(text) <= _CHARACTERS else f"{text[:_CHARACTERS]}..."

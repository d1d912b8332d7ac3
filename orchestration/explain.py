"""`explain`: everything that happened to a document, as values for `--json`, and as a tree for a person."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rich.tree import Tree

from orchestration.terminal_text import branch, line, number, shown
from spark_jobs.crawl.url import canonical_url, host_of, url_hash
from spark_jobs.lake.explain import explain, locate
from spark_jobs.lake.lake import Lake

_ID = re.compile(r"[0-9a-f]{32}")
# Shown by branches of their own, or on top.
_APART = frozenset({"snapshot", "doc_id", "drop_reasons", "edits", "cuts", "survivor_snapshot", "survivor_id"})
_MOST_CUTS = 10
_MOST_RELEASES = 10


def story_of(lake: Lake, asked: str) -> dict[str, Any]:
    """Everything that happened to a document id or a URL. Raises NotFoundError."""
    if _ID.fullmatch(asked):
        return explain(lake, asked, locate(lake, doc_id=asked))
    canonical = canonical_url(asked)
    captures = locate(lake, url_hash=url_hash(canonical))
    return explain(lake, asked, captures, url=canonical, host=host_of(asked) or None)


def render_story(story: Mapping[str, Any]) -> str:
    """One tree a capture, and what may never be published again."""
    trees = [_capture_tree(capture) for capture in story["captures"]]
    several = [f"{len(trees)} captures of {story['asked']}"] if len(trees) > 1 else []
    gone = [] if trees else [f"{story['asked']}: nothing of it is held any more"]
    return shown(*several, *trees, *gone, *map(_suppression, story["suppressions"]))


def _suppression(row: Mapping[str, Any]) -> str:
    receipt = f", receipt {row['receipt']}" if row["receipt"] else ""
    return f"suppressed: {row['kind']} {row['value']}: {row['reason']}{receipt}"


def _capture_tree(capture: Mapping[str, Any]) -> Tree:
    tree = Tree(line(f"{capture['doc_id']} in {capture['snapshot']}: {capture['verdict']}"))
    for table, stage in capture["stages"].items():
        _stage(tree, table, stage)
    for rewrite in capture["rewrites"]:
        broken = ", ".join(reason["reason"] for reason in rewrite["drop_reasons"] or ())
        kept = "accepted" if rewrite["kept"] else f"rejected: {broken or rewrite['parse_status']}"
        branch(tree, f"rewrite {rewrite['doc_id']} by {rewrite['strategy']} ({rewrite['model']}): {kept} "
                     f"(rewritten {_made(rewrite['published'])})")  # fmt: skip
    for release in capture["releases"]:
        state = "" if release["state"] == "published" else f" ({release['state']})"
        told = f"{release['origin']}, {release['copies']} copies, {release['tokens']} tokens, phase {release['phase']}"
        branch(tree, f"in release {release['release']}{state}: {told} (mixed {_made(release['published'])})")
    _left_out(tree, capture["left_out_of"])
    return tree


def _stage(tree: Tree, table: str, stage: Mapping[str, Any]) -> None:
    here = branch(tree, f"{table} ({_made(stage)})")
    row = stage["row"]
    if row is None:
        branch(here, "not here: dropped before")
        return
    measured = {f"{s['annotator']}__{s['signal']}" for s in stage.get("signals", ())} | set(stage.get("scores", ()))
    for key, value in row.items():
        if key not in _APART and key not in measured and value is not None:
            branch(here, f"{key}: {value}")
    _verdicts(here, row)
    for name, ranked in stage.get("scores", {}).items():
        place = "" if ranked["percentile"] is None else f"  above {ranked['percentile']:g} % of {ranked['of']:,}"
        branch(here, f"score {name} = {number(ranked['score'])}{place}")
    _cuts(here, row.get("cuts") or ())
    if survivor := stage.get("survivor"):
        branch(here, f"survivor {survivor['doc_id']} in {survivor['snapshot']}: {survivor['explain']}")
    if stage.get("signals"):
        signals = branch(here, f"signals ({len(stage['signals'])})")
        for signal in stage["signals"]:
            rules = "; ".join(map(_rule, signal["rules"]))
            told = f"{signal['annotator']}.{signal['signal']} = {number(signal['value'])}"
            branch(signals, f"{told}  {rules}" if rules else told)


def _made(published: Mapping[str, Any]) -> str:
    recipe = f"recipe {published['recipe']} {str(published['recipe_fingerprint'])[:16]}"
    return f"version {published['version']}, run {published['run_id']}, {recipe}"


def _verdicts(here: Tree, row: Mapping[str, Any]) -> None:
    for reason in row.get("drop_reasons") or ():
        branch(here, f"dropped by {reason['annotator']} v{reason['version']}: {reason['reason']}"
                     f" (value {number(reason['value'])}, bound {number(reason['bound'])})")  # fmt: skip
    for edit in row.get("edits") or ():
        branch(here, f"edited by {edit['editor']} v{edit['version']}: {edit['count']} times, "
                     f"{edit['chars_removed']} characters removed")  # fmt: skip


def _cuts(here: Tree, cuts: Sequence[Mapping[str, Any]]) -> None:
    for cut in cuts[:_MOST_CUTS]:
        branch(here, f"cut by {cut['step']}: {cut['length']} characters from {cut['start']}, which stand in "
                     f"{cut['linked_to']} of {cut['linked_snapshot']}")  # fmt: skip
    if len(cuts) > _MOST_CUTS:
        branch(here, f"and {len(cuts) - _MOST_CUTS} more cuts (--json shows all)")


def _rule(rule: Mapping[str, Any]) -> str:
    low, high = rule.get("minimum"), rule.get("maximum")
    strict = rule.get("exclusive", False)
    bounds = [] if low is None else [f"{'>' if strict else '>='} {number(low)}"]
    bounds += [] if high is None else [f"{'<' if strict else '<='} {number(high)}"]
    off = "(its limits are recorded by digest)" if rule.get("limits_sha256") else "off"
    return f"{'BROKEN' if rule['broken'] else 'ok'} {rule['reason']}: {' and '.join(bounds) or off}"


def _left_out(tree: Tree, rows: Sequence[Mapping[str, Any]]) -> None:
    """Releases that are out for the same reason share a line."""
    together: dict[str, list[str]] = {}
    for row in rows:
        state = "" if row["state"] == "published" else f" ({row['state']})"
        together.setdefault(_reason(row), []).append(f"{row['release']}{state}")
    for reason, names in together.items():
        more = f" and {len(names) - _MOST_RELEASES} more" if len(names) > _MOST_RELEASES else ""
        branch(tree, f"not in release {', '.join(names[:_MOST_RELEASES])}{more}: {reason}")


def _reason(row: Mapping[str, Any]) -> str:
    what = "" if row["origin"] == "original" else f"rewrite {row['doc_id']}: "
    told = f"{what}{row['reason']}"
    if row.get("drop_reasons"):
        told += f" by {', '.join(row['drop_reasons'])}"
    if row.get("quality") is not None:
        told += f", quality {number(row['quality'])}"
    for match in row.get("matches") or ():
        told += f", holds {match['benchmark']} {match['item']} ({match['length']} words)"
    if row.get("instead_id"):
        told += f" (instead: {row['instead_id']} in {row['instead_snapshot']})"
    return told

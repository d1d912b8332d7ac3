"""`clusters`: the duplicates of a snapshot, as values for `--json` and as text: sizes, levels, clusters, hosts."""

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from assets.workshop import Workshop
from orchestration.progress import Progress
from spark_jobs.analysis import clusters as analysis
from spark_jobs.analysis.clusters import Clustered
from spark_jobs.analysis.text_diff import with_diffs
from spark_jobs.lake.freshness import overtaken

_AT_ONCE = 4
_WIDTH = 140
_SHOWN_MEMBERS = 3
_SHOWN_HOSTS = 3


def clusters_of(
    workshop: Callable[[], Workshop], progress: Progress, snapshot: str, *, top: int, with_text: bool
) -> dict[str, Any]:
    """Everything that the command says."""
    lake = workshop().lake
    found = analysis.clustered(lake, snapshot)
    with progress.step(f"deduped/{snapshot}") as said:
        told = gather(found, top=top, with_text=with_text)
        said.append(f"{told['all']['documents']:,} documents in {told['all']['clusters']:,} clusters")
    return told | {"stale": list(overtaken(lake, "deduped").get(snapshot, ()))}


def gather(found: Clustered, *, top: int, with_text: bool) -> dict[str, Any]:
    """The counts and clusters of one publication; only `with_text` are texts read, else each `diff` is None."""
    head = {
        "snapshot": found.snapshot, "publication": found.publication.id, "version": found.publication.version,
        "counts_tokens": found.has_tokens,
    }  # fmt: skip

    def largest() -> list[dict[str, Any]]:
        chosen = analysis.largest(found, top)
        return with_diffs(found, chosen) if with_text else [{**cluster, "diff": None} for cluster in chosen]

    asked: dict[str, Callable[[], Any]] = {
        "all": lambda: analysis.overview(found), "steps": lambda: analysis.steps(found),
        "cuts": lambda: analysis.cuts(found.deduped), "sizes": lambda: analysis.sizes(found), "largest": largest,
        "hosts": lambda: analysis.copying(found, top),
    }  # fmt: skip
    found.rows.schema  # noqa: B018 - what the questions share is read once, before they are asked
    # Small queries, most of their cost is planning: side by side they take the time of the longest.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        answers = dict(zip(asked, pool.map(lambda ask: ask(), asked.values()), strict=True))
    return head | answers | {"facts": dict(found.publication.record.get("facts", {}))}


# text -------------------------------------------------------------------------------------------------------------


def render(found: Mapping[str, Any]) -> str:
    """What a person reads: totals, levels, sizes, the largest clusters, hosts."""
    every = found["all"]
    head = (
        f"deduped/{found['snapshot']} version {found['version']}: {every['kept']:,} of {every['documents']:,} "
        f"documents kept, {every['clusters']:,} clusters"
    )
    known = f"{every['of_earlier']:,} documents belong to clusters of earlier snapshots" if every["of_earlier"] else ""
    bridges = f"{every['bridges']:,} documents bridge clusters that were apart" if every["bridges"] else ""
    stale = f"stale: {', '.join(found['stale'])} was published again since; ./provender run" if found["stale"] else ""
    cuts = [
        f"cut out of kept documents by {row['step']}: {row['pieces']:,} pieces of {row['documents']:,} documents, "
        f"{row['characters']:,} characters"
        for row in found["cuts"]
    ]
    lines = [line for line in (head, known, bridges, stale, _searched(found["facts"]), *cuts) if line]
    return _text(*lines, "", _steps(found), _sizes(found), *_largest(found["largest"]), *_hosts(found["hosts"]))


def _searched(facts: Mapping[str, Any]) -> str:
    if "candidate_pairs" not in facts:
        return ""
    return (
        f"near-duplicates: {facts['candidate_pairs']:,} candidate pairs compared, {facts['similar_pairs']:,} of "
        f"similarity {facts.get('min_similarity', 0):g} or more, {facts['rejected_pairs']:,} rejected"
    )


def _steps(found: Mapping[str, Any]) -> RichTable | str:
    every, counts = found["all"], found["counts_tokens"]
    if not found["steps"]:
        return "no document is a duplicate"
    grid = RichTable(title="removed by", title_justify="left")
    columns = ("level", "documents", "of all", "of earlier snapshots", "characters", "tokens", "of all tokens")
    for column in columns:
        grid.add_column(column, justify="left" if column == "level" else "right")
    sums = {
        name: sum(row[name] for row in found["steps"]) for name in ("documents", "of_earlier", "characters", "tokens")
    }
    for row in [*found["steps"], {"step": "all", **sums}]:
        if row["step"] == "all":
            grid.add_section()
        tokens = (f"{row['tokens']:,}", _share(row["tokens"], every["tokens"])) if counts else ("-", "-")
        grid.add_row(row["step"], f"{row['documents']:,}", _share(row["documents"], every["documents"]),
                     f"{row['of_earlier']:,}", f"{row['characters']:,}", *tokens)  # fmt: skip
    return grid


def _sizes(found: Mapping[str, Any]) -> RichTable:
    grid = RichTable(title="clusters by size, over all snapshots so far", title_justify="left")
    for column in ("documents in it", "clusters", "documents here", "kept", ""):
        grid.add_column(column, justify="left" if not column else "right")
    most = max((row["documents"] for row in found["sizes"]), default=1)
    for row in found["sizes"]:
        bar = "█" * max(1, round(30 * row["documents"] / most))
        grid.add_row(band(row), f"{row['clusters']:,}", f"{row['documents']:,}", f"{row['kept']:,}", bar)
    return grid


def band(row: Mapping[str, int]) -> str:
    """The sizes of a row in words."""
    return f"{row['from']:,}" if row["from"] == row["to"] else f"{row['from']:,} to {row['to']:,}"


def _largest(clusters: Sequence[Mapping[str, Any]]) -> list[Any]:
    if not clusters:
        return []
    out: list[Any] = ["largest clusters"]
    for number, cluster in enumerate(clusters, 1):
        survivor = cluster["survivor"]
        more = cluster["hosts_in_all"] - _SHOWN_HOSTS
        hosts = ", ".join(f"{h['name'] or '(no host)'} {h['documents']:,}" for h in cluster["hosts"][:_SHOWN_HOSTS])
        counts = f"{cluster['size']:,} documents, {cluster['documents']:,} of this snapshot, {cluster['kept']:,} kept"
        out.append(f"{number:>3}. {counts}; on {hosts}{f' and {more:,} more hosts' if more > 0 else ''}")
        where = f"{survivor['doc_id']} in {survivor['snapshot']}"
        out.append(f"     survivor {where}  {survivor['url'] or '(no URL known)'}")
        out += [_member(member) for member in cluster["members"][:_SHOWN_MEMBERS]]
        left = cluster["documents"] - cluster["kept"] - len(cluster["members"][:_SHOWN_MEMBERS])
        out += [f"     and {left:,} more"] if left > 0 else []
        out += _diff(cluster["diff"])
    return out


def _member(member: Mapping[str, Any]) -> str:
    how = member["duplicate_step"]
    how += f" {member['similarity']:.3f}" if how == "minhash" else ""
    return f"     {how:<14} {member['doc_id']}  {member['url'] or '(no URL)'}"


def _diff(diff: Mapping[str, Any] | None) -> list[str]:
    if diff is None:
        return []
    if diff["same"]:
        return [f"       the text of {diff['doc_id']} is the survivor's"]
    lines = diff["lines"] or ["only in white space"]
    more = [f"... {diff['more']:,} more lines"] if diff["more"] else []
    cut = ["(long texts: only their beginnings are compared)"] if diff["cut"] else []
    return [f"       {line[: _WIDTH - 7]}" for line in [*lines, *more, *cut]]


def _hosts(hosts: Mapping[str, Any]) -> list[Any]:
    total = f"{hosts['within']:,} duplicates lie on the host of what they copy, {hosts['between']:,} on another"
    if not hosts["listed"]:
        return [total]
    title = f"hosts that copy from each other, {len(hosts['listed']):,} of {hosts['pairs']:,}"
    grid = RichTable(title=title, title_justify="left")
    for column in ("host", "and host", "duplicates", "removed of the first", "of the second"):
        grid.add_column(column, justify="left" if "host" in column else "right", overflow="fold")
    for row in hosts["listed"]:
        grid.add_row(printable(row["first"]) or "(none)", printable(row["second"]) or "(none)", f"{row['documents']:,}",
                     f"{row['removed_of_first']:,}", f"{row['removed_of_second']:,}")  # fmt: skip
    return ["", grid, total]


def printable(text: str) -> str:
    """Text of documents on a terminal: signs stand for what would move the cursor or turn the line."""
    return "".join(map(_sign, text))


def _sign(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F or unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return "\ufffd"
    return character


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _text(*renderables: Any) -> str:
    buffer = StringIO()
    console = Console(file=buffer, width=_WIDTH, highlight=False, color_system=None, soft_wrap=True)
    for renderable in renderables:
        console.print(Text(printable(renderable)) if isinstance(renderable, str) else renderable)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())

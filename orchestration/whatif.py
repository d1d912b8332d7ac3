"""`whatif`: what would be kept under other bounds, from stored signals; as values for `--json`, and as text."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

from assets.workshop import Workshop
from orchestration.progress import Progress
from orchestration.terminal_plot import plot
from spark_jobs.analysis import changes as asked
from spark_jobs.analysis import curve as retention
from spark_jobs.analysis import whatif as answer
from spark_jobs.analysis.stored import Stored, published
from spark_jobs.errors import UsageError

TOP = 20
_WIDTH = 140
_MOST_REASONS = 20


def compare(
    workshop: Callable[[], Workshop], progress: Progress, *, sets: Sequence[str], without: Sequence[str],
    snapshots: Sequence[str], by: str | None,
) -> dict[str, Any]:  # fmt: skip
    """The answer to `--set` and `--without`. What cannot be read of the question is told before the lake is opened."""
    changes = [asked.Change.parse(text) for text in sets]
    stored = published(workshop().lake, snapshots)
    for one in stored:
        # Wrong names and values are told before anything is scanned.
        asked.apply(one.filters, changes, without)
    with progress.step(_scanning(stored)) as said:
        found = answer.whatif(stored, changes, without, by=by, top=TOP)
        said.append(f"{found['all']['documents']:,} documents")
    return found


def retention_curve(
    workshop: Callable[[], Workshop], progress: Progress, *, target: str, points: int, snapshots: Sequence[str],
    sets: Sequence[str], without: Sequence[str],
) -> dict[str, Any]:  # fmt: skip
    """The answer to `--curve`; with `--set` and `--without` all other rules are as those say."""
    name, parameter = asked.split_target(target)
    changes = [asked.Change.parse(text) for text in sets]
    if name in without or any((c.filter, c.parameter) == (name, parameter) for c in changes):
        raise UsageError(f"--curve {target}: the bound is what the curve moves; leave it out of --set and --without")
    stored = published(workshop().lake, snapshots)
    filters = {one.publication: asked.apply(one.filters, changes, without) for one in stored}
    shown = retention.governed_in(filters, stored, name, parameter)
    with progress.step(_scanning(stored)) as said:
        points_found, everything = retention.curve(stored, filters, shown, points)
        said.append(f"{everything.documents:,} documents")
    return {
        "snapshots": [{"snapshot": s.snapshot, "publication": s.publication, "version": s.version} for s in stored],
        "filter": name, "parameter": parameter, "signal": shown.signal, "reason": f"{name}.{shown.rule.reason}",
        "bound": "minimum" if shown.lower else "maximum", "exclusive": shown.rule.exclusive, "published": shown.bound,
        "counts_tokens": all(one.has_tokens for one in stored),
        "all": asdict(everything), "points": [asdict(point) for point in points_found],
    }  # fmt: skip


def _scanning(stored: Sequence[Stored]) -> str:
    return f"stored signals of cleaned/{', '.join(one.snapshot for one in stored)}"


# text -------------------------------------------------------------------------------------------------------------


def render_comparison(found: Mapping[str, Any]) -> str:
    """What changes, the totals, the reasons and, where asked for, the column's values."""
    tables = [_totals(found), _reasons(found)]
    if "by" in found:
        tables.append(_by(found))
    notes = [] if found["counts_tokens"] else ["tokens: the recipe has no token_count, so none are known"]
    return _text(*[_change(change) for change in found["changes"]],
                 *[f"without {name}" for name in found["without"]], *tables, *notes)  # fmt: skip


def _change(change: Mapping[str, Any]) -> str:
    return f"{change['filter']}.{change['parameter']}: {change['published']} -> {change['value']}"


def _totals(found: Mapping[str, Any]) -> RichTable:
    grid = RichTable()
    for column in ("", "documents", "of all", "tokens", "of all"):
        grid.add_column(column, justify="left" if not column else "right")
    every = found["all"]
    for title, key in (("all", "all"), ("kept now", "before"), ("kept then", "after"),
                       ("newly kept", "newly_kept"), ("newly dropped", "newly_dropped")):  # fmt: skip
        row = found[key]
        shown = (f"{row['tokens']:,}", _share(row["tokens"], every["tokens"]))
        tokens = shown if found["counts_tokens"] else ("-", "-")
        grid.add_row(title, f"{row['documents']:,}", _share(row["documents"], every["documents"]), *tokens)
    return grid


def _reasons(found: Mapping[str, Any]) -> RichTable:
    grid = RichTable(caption="alone: dropped by this rule and no other", caption_justify="left")
    grid.add_column("reason")
    for column in ("now", "then", "change", "alone now", "alone then"):
        grid.add_column(column, justify="right")
    ranked = sorted(found["reasons"], key=lambda r: (r["before"] == r["after"], -r["before"]["documents"]))
    for row in ranked[:_MOST_REASONS]:
        now, then = row["before"], row["after"]
        moved = then["documents"] - now["documents"]
        grid.add_row(row["reason"], f"{now['documents']:,}", f"{then['documents']:,}", f"{moved:+,}" if moved else "",
                     f"{now['alone']:,}", f"{then['alone']:,}")  # fmt: skip
    if len(ranked) > _MOST_REASONS:
        grid.add_row(f"and {len(ranked) - _MOST_REASONS} more (--json shows all)")
    return grid


def _by(found: Mapping[str, Any]) -> RichTable:
    grid = RichTable()
    grid.add_column(found["by"]["column"])
    for column in ("documents", "kept now", "kept then", "change", "tokens now", "tokens then"):
        grid.add_column(column, justify="right")
    for row in found["by"]["rows"]:
        moved = row["kept_after"] - row["kept_before"]
        grid.add_row(row["key"] or "(none)", f"{row['documents']:,}", f"{row['kept_before']:,}",
                     f"{row['kept_after']:,}", f"{moved:+,}" if moved else "",
                     f"{row['tokens_before']:,}", f"{row['tokens_after']:,}")  # fmt: skip
    return grid


def render_curve(found: Mapping[str, Any]) -> str:
    """The plot, and a row a threshold."""
    grid = RichTable()
    for column in (found["parameter"], "documents kept", "of all", "tokens kept", "of all", ""):
        grid.add_column(column, justify="right")
    every, tokens = found["all"], found["counts_tokens"]
    for point in found["points"]:
        grid.add_row(
            f"{point['threshold']:g}", f"{point['documents']:,}", _share(point["documents"], every["documents"]),
            f"{point['tokens']:,}" if tokens else "-", _share(point["tokens"], every["tokens"]) if tokens else "-",
            "published" if point["published"] else "",
        )  # fmt: skip
    drawn = plot(
        [(point["threshold"], point["documents"] / max(every["documents"], 1)) for point in found["points"]],
        mark=found["published"],
    )
    side = "at least" if found["bound"] == "minimum" else "at most"
    title = f"documents kept (% of all) where {found['signal']} must be {side} the threshold; all other rules hold"
    return _text(title, *drawn, grid)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"


def _text(*renderables: Any) -> str:
    buffer = StringIO()
    console = Console(file=buffer, width=_WIDTH, highlight=False, color_system=None)
    for renderable in renderables:
        console.print(renderable, markup=False) if isinstance(renderable, str) else console.print(renderable)
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines())

"""The command line: parses, calls, prints. Results go to standard output, everything else to standard error.

Exit status: 0 done, 1 a gate or verification failed, 2 wrong usage or input, 3 interrupted or failed otherwise.
"""

import json
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from orchestration.progress import Progress
from orchestration.settings import VARIABLES, Settings
from orchestration.thresholds import thresholds
from spark_jobs import errors
from spark_jobs.errors import ProvenderError, TransientError

FAILED = 3
# An error of ours that was raised in an executor arrives inside Spark's, as the last line of the worker's trace.
_WORKER_ERROR = re.compile(r"^spark_jobs\.errors\.(?P<kind>\w+): (?P<message>.*)$", re.MULTILINE)


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of every command."""
    for option in (
        click.option("--home", metavar="DIR", help="Where the lake is (default: PROVENDER_HOME, or .provender here)."),
        click.option("--recipe", metavar="NAME_OR_FILE", help="Which recipe (default: PROVENDER_RECIPE, or default)."),
        click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output."),
    ):
        command = option(command)
    return command


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Settings come from the environment: " + "; ".join(f"{name}: {what}" for name, what in VARIABLES.items()),
)
@click.version_option("0.1.0", prog_name="provender")
def program() -> None:
    """Build the pretraining corpus of a language model, and say of every document why it is in or out."""


@program.command()
@click.option(
    "--input", "inputs", multiple=True, metavar="URI", help="Crawl file, folder, glob, list file or URI; repeatable."
)
@click.option("--snapshot", metavar="ID", help="Name of the snapshot that the input is (default: the input's name).")
@click.option("--refit", is_flag=True, help="Fit the quality models again, on all snapshots so far.")
@common
def run(
    *, inputs: tuple[str, ...], snapshot: str | None, refit: bool, home: str | None, recipe: str | None, as_json: bool
) -> None:
    """Read the input (default: the sample crawl) and build through to a release."""
    from orchestration.instance import open_instance
    from orchestration.run import Refresh
    from orchestration.workshop import WorkshopResource

    settings, progress = Settings.read(home, recipe).check(), Progress()
    # Unusable input and recipes are told before anything slow starts.
    resource = WorkshopResource(settings, progress.say)
    with open_instance(settings) as instance:
        report = Refresh(resource, instance, progress).run(inputs, snapshot, refit=refit)
    release = report["release"]
    show(
        report,
        f"{release['name']}: {release.get('documents', 0):,} documents, {release.get('tokens', 0):,} tokens"
        + ("" if report["built"] else "; nothing was new, nothing was published")
        + f"\n  ./provender lineage {release['name']}"
        + f"\n  ./provender export {release['name']} --format parquet --out DIR",
        as_json=as_json,
    )


@program.command(context_settings={"ignore_unknown_options": True})
@click.argument("args", nargs=-1, type=click.UNPROCESSED)
def test(args: tuple[str, ...]) -> None:
    """Lint, types, layers, all tests; with arguments, pytest with those."""
    from orchestration.testing import main as run_tests

    raise SystemExit(run_tests(list(args)))


@program.command()
@common
def status(*, home: str | None, recipe: str | None, as_json: bool) -> None:
    """Tables, snapshots, last publications, stale parts, failed gates."""
    from orchestration.report import render_status, status_of

    report = status_of(_workshop(home, recipe))
    show(report, render_status(report), as_json=as_json)


@program.command()
@click.argument("doc_id_or_url")
@common
def explain(*, doc_id_or_url: str, home: str | None, recipe: str | None, as_json: bool) -> None:
    """Everything that happened to a document, stage by stage."""
    from orchestration.report import render_story, story_of

    story = story_of(_workshop(home, recipe), doc_id_or_url)
    show(story, render_story(story), as_json=as_json)


@program.command()
@click.argument("release")
@common
def lineage(*, release: str, home: str | None, recipe: str | None, as_json: bool) -> None:
    """The filters, models, inputs and counts behind a release, as a tree."""
    from orchestration.report import lineage_of, render_lineage

    tree = lineage_of(_workshop(home, recipe), release)
    show(tree, render_lineage(tree), as_json=as_json)


@program.command()
@click.option(
    "--set", "sets", multiple=True, metavar="FILTER.PARAM=VALUE", help="A bound to move; null: off. Repeatable."
)
@click.option("--without", multiple=True, metavar="FILTER", help="A filter to take out; repeatable.")
@click.option("--curve", metavar="FILTER.PARAM", help="What is kept at every threshold of a bound, instead of at one.")
@click.option("--points", type=click.IntRange(2, 200), default=24, show_default=True, help="Thresholds of the curve.")
@click.option("--snapshot", "snapshots", multiple=True, metavar="ID", help="Only this snapshot; repeatable.")
@click.option("--by", type=click.Choice(["language", "source", "host"]), help="Also for each value of a column.")
@common
def whatif(
    *, sets: tuple[str, ...], without: tuple[str, ...], curve: str | None, points: int, snapshots: tuple[str, ...],
    by: str | None, home: str | None, recipe: str | None, as_json: bool,
) -> None:  # fmt: skip
    """What would be kept under other bounds or without a filter: from stored signals, nothing is built."""
    from orchestration.whatif import compare, render_comparison, render_curve, retention_curve

    if curve is None and not sets and not without:
        raise click.UsageError("say what to change: --set FILTER.PARAM=VALUE, --without FILTER or --curve FILTER.PARAM")
    if curve is not None and by is not None:
        raise click.UsageError("--curve and --by do not go together: a curve is over all documents")
    progress = Progress()
    if curve is not None:
        found = retention_curve(
            lambda: _workshop(home, recipe), progress, target=curve, points=points, snapshots=snapshots, sets=sets,
            without=without,
        )  # fmt: skip
        show(found, render_curve(found), as_json=as_json)
        return
    found = compare(lambda: _workshop(home, recipe), progress, sets=sets, without=without, snapshots=snapshots, by=by)
    show(found, render_comparison(found), as_json=as_json)


@program.command()
@click.argument("snapshot")
@click.option("--out", metavar="FILE", help="Where the page is written (default: below HOME/reports).")
@click.option(
    "--with-text", is_flag=False, flag_value=5, type=click.IntRange(1, 200), metavar="[N]",
    help="Also show N kept and N dropped documents (5 if N is left out); without it no text is read.",
)  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True, help="Which documents --with-text draws.")
@common
def report(
    *, snapshot: str, out: str | None, with_text: int | None, seed: int, home: str | None, recipe: str | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Write one HTML page on what cleaning did to a snapshot."""
    from orchestration.report_page.page import write_on_demand

    progress = Progress()
    told = write_on_demand(_workshop(home, recipe), progress, snapshot, out, examples=with_text or 0, seed=seed)
    show(told, told["file"], as_json=as_json)


@program.command()
@click.argument("snapshot")
@click.option("--top", type=click.IntRange(1, 200), default=10, show_default=True, help="Clusters and pairs of hosts.")
@click.option("--with-text", is_flag=True, help="Also show how a member's text differs from the survivor's.")
@common
def clusters(*, snapshot: str, top: int, with_text: bool, home: str | None, recipe: str | None, as_json: bool) -> None:
    """What is a duplicate of what in a snapshot: sizes, levels, the largest clusters, hosts that copy."""
    from orchestration.clusters import clusters_of, render

    found = clusters_of(lambda: _workshop(home, recipe), Progress(), snapshot, top=top, with_text=with_text)
    show(found, render(found), as_json=as_json)


@program.command()
@click.argument("release")
@click.option("--format", "fmt", type=click.Choice(["parquet", "jsonl"]), default="parquet", show_default=True)
@click.option("--out", required=True, metavar="DIR", help="An empty or new folder, or a URI.")
@common
def export(*, release: str, fmt: Any, out: str, home: str | None, recipe: str | None, as_json: bool) -> None:
    """Write a release as training files, with a manifest of their digests."""
    from orchestration.report import export_to

    report = export_to(_workshop(home, recipe), release, fmt, out)
    show(report, f"{report['release']}: {len(report['files'])} files in {report['out']}", as_json=as_json)


@program.command()
@click.option("--port", type=int, default=3000, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
@common
def ui(*, port: int, host: str, home: str | None, recipe: str | None, as_json: bool) -> None:  # noqa: ARG001
    """The Dagster UI on this project."""
    from orchestration.ui import serve

    raise SystemExit(serve(Settings.read(home, recipe).check(), host, port, Progress()))


@program.command()
@common
def doctor(*, home: str | None, recipe: str | None, as_json: bool) -> None:
    """Check the environment and say how to mend it."""
    from orchestration.doctor import diagnose, render

    checks = diagnose(Settings.read(home, recipe), say=Progress().say)
    show({"ok": all(c.ok for c in checks), "checks": [c.__dict__ for c in checks]}, render(checks), as_json=as_json)
    if not all(c.ok for c in checks):
        raise SystemExit(1)


program.add_command(thresholds)


def _workshop(home: str | None, recipe: str | None) -> Any:
    """Open an existing lake for reading. A missing lake is told before Spark starts."""
    from orchestration.workshop import WorkshopResource, require_lake

    settings = Settings.read(home, recipe).check()
    require_lake(settings)
    resource = WorkshopResource(settings, Progress().say)
    return resource.get()


def show(value: Any, text: str, *, as_json: bool) -> None:
    """The result on standard output: one JSON object, or what a person reads."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str) if as_json else text)


def main(argv: Sequence[str] | None = None) -> int:  # noqa: PLR0911 - one way out for each cause
    """Run the program; every error becomes one line and an exit status."""
    try:
        program.main(list(argv) if argv is not None else None, prog_name="provender", standalone_mode=False)
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.UsageError as error:
        return _fail(f"{error.format_message()} (see ./provender {_command(error)}--help)", 2)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted; what was published stands, run again to go on", FAILED)
    except ProvenderError as error:
        return _fail(str(error), error.exit_status)
    except Exception as error:  # noqa: BLE001 - the last resort: one line for the person, the trace in a file
        return _unexpected(error)
    return 0


def _command(error: click.UsageError) -> str:
    return f"{error.ctx.info_name} " if error.ctx is not None and error.ctx.parent is not None else ""


def _fail(message: str, status: int) -> int:
    click.echo(f"provender: {' '.join(message.split())}", err=True)
    return status


def _unexpected(error: BaseException) -> int:
    text = str(error)
    from_worker = _WORKER_ERROR.search(text)
    if from_worker is not None:
        kind = getattr(errors, from_worker["kind"], ProvenderError)
        return _fail(from_worker["message"], kind.exit_status)
    if (isinstance(error, OSError) and error.errno == 28) or "No space left on device" in text:
        return _fail(
            "no space left on the disk; nothing half-written was published, free some and run again",
            TransientError.exit_status,
        )
    trace = Path(Settings.read().scratch)
    try:
        trace.mkdir(parents=True, exist_ok=True)
        (trace / "last-error.txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8")
        where = f" The details lie in {trace / 'last-error.txt'}"
    except OSError:
        where = ""
    first = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    return _fail(f"failed unexpectedly: {type(error).__name__}: {first[:300]}.{where}", FAILED)


if __name__ == "__main__":
    sys.exit(main())

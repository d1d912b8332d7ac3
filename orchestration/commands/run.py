"""`provender run`: input through to a release."""

import click

from orchestration.command import common, show
from orchestration.progress import Progress
from orchestration.settings import Settings


@click.command()
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

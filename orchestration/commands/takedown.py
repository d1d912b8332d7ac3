"""`provender takedown`: remove documents everywhere, for good."""

import click

from orchestration.command import common, show, workshop_of
from orchestration.progress import Progress
from orchestration.settings import Settings


@click.command()
@click.option("--url", "urls", multiple=True, metavar="URL", help="All captures of a page; repeatable.")
@click.option("--domain", "domains", multiple=True, metavar="HOST", help="A host and all below it; repeatable.")
@click.option("--doc-id", "doc_ids", multiple=True, metavar="ID", help="One document; repeatable.")
@click.option("--licence", "licences", multiple=True, metavar="NAME", help="All of a licence, as in raw; repeatable.")
@click.option("--file", "files", multiple=True, metavar="FILE", help="One `KIND VALUE` a line of the kinds above.")
@click.option("--reason", required=True, metavar="TEXT", help="Why; it goes into the receipt.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@common
def takedown(
    *, urls: tuple[str, ...], domains: tuple[str, ...], doc_ids: tuple[str, ...], licences: tuple[str, ...],
    files: tuple[str, ...], reason: str, dry_run: bool, home: str | None, recipe: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Remove documents from every table, version, cache, release and export, and keep them out."""
    from orchestration.instance import open_instance
    from orchestration.takedown import render, take_down
    from orchestration.takedown_rules import request_of
    from orchestration.workshop import require_lake

    request = request_of(
        urls=urls, domains=domains, doc_ids=doc_ids, licences=licences, files=files, reason=reason
    )  # fmt: skip
    settings = Settings.read(home, recipe).check()
    require_lake(settings)
    with open_instance(settings) as instance:
        receipt = take_down(
            settings, lambda: workshop_of(home, recipe), instance, Progress(), request, dry_run=dry_run
        )  # fmt: skip
    show(receipt, render(receipt), as_json=as_json)
    if receipt.get("left"):
        raise SystemExit(1)

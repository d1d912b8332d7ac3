"""Makes the report of a publication of `cleaned`: one HTML page with everything in it, no script, nothing fetched."""

import importlib
import pkgutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment

from assets.workshop import Workshop
from orchestration.progress import Progress
from orchestration.report_page import sections as section_modules
from orchestration.report_page.section import Section, Subject
from orchestration.report_page.templates import templates
from spark_jobs.analysis.stored import published, stored_of
from spark_jobs.errors import UsageError
from spark_jobs.lake import storage
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import Publication

_AT_ONCE = 4
_FOLDER = Path(__file__).resolve().parent


def find_sections() -> tuple[Section, ...]:
    """The sections, in order."""
    names = (module.name for module in pkgutil.iter_modules(section_modules.__path__))
    modules = [importlib.import_module(f"{section_modules.__name__}.{name}") for name in names]
    return tuple(sorted((module.SECTION for module in modules), key=lambda section: section.place))


def render(lake: Lake, publication: Publication, *, examples: int = 0, seed: int = 0) -> str:
    """The page as text. Without `examples` no column with text is read."""
    subject = Subject(
        lake=lake, publication=publication, stored=stored_of(lake, publication), examples=examples, seed=seed
    )
    sections = find_sections()
    # Small queries, most of their cost is planning: side by side they take the time of the longest.
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        gathered = list(pool.map(lambda section: section.gather(subject), sections))
    drawn = [
        {"id": section.id, "title": section.title, "body": draw(section, found)}
        for section, found in zip(sections, gathered, strict=True)
        if found is not None
    ]
    environment, macros = _templates()
    page = environment.get_template("page.html.j2")
    return page.render(m=macros, snapshot=publication.partition, sections=drawn)


def draw(section: Section, found: Mapping[str, Any]) -> str:
    """One section as HTML."""
    environment, macros = _templates()
    return environment.from_string(section.template).render(m=macros, **found)


@lru_cache(maxsize=1)
def _templates() -> tuple[Environment, Any]:
    """The templates, and the macros of all sections."""
    environment = templates((_FOLDER,))
    return environment, environment.get_template("macros.html.j2").module


def write(lake: Lake, publication: Publication) -> str:
    """Write the page without texts below the lake's `reports/`; returns where."""
    location = location_of(lake, publication, texts=False)
    storage.write_text(location, render(lake, publication))
    return location


def location_of(lake: Lake, publication: Publication, *, texts: bool) -> str:
    """Where the page of a publication lies if nobody says otherwise. One with texts has a name of its own."""
    name = f"{publication.id}{'-with-text' if texts else ''}.html"
    return storage.join(lake.home, "reports", "cleaned", publication.partition, name)


def write_on_demand(
    workshop: Workshop, progress: Progress, snapshot: str, out: str | None, *, examples: int, seed: int
) -> dict[str, Any]:
    """The command `report`: the page on what cleaning did to a snapshot, and where it lies."""
    lake = workshop.lake
    (stored,) = published(lake, [snapshot])
    publication = lake.publications("cleaned")[snapshot]
    location = out or location_of(lake, publication, texts=bool(examples))
    with progress.step(f"report on cleaned/{snapshot}") as said:
        page = render(lake, publication, examples=examples, seed=seed)
        try:
            storage.write_text(location, page)
        except OSError as error:
            raise UsageError(f"{location}: cannot be written ({error.strerror or error}); name another --out") from None
        said.append(f"{len(page.encode()) // 1024:,} KiB")
    return {"file": location, "snapshot": snapshot, "publication": stored.publication, "version": stored.version,
            "examples": examples, "seed": seed}  # fmt: skip

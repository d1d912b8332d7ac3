"""The workshop: what building a table needs at hand (lake, recipe, services); `orchestration` makes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from assets.announce import LineageSink
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import Publication
from spark_jobs.lake.releases import Release
from spark_jobs.recipe.recipe import Recipe


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Plain objects, no Dagster: the lake, the recipe with its fingerprint and folder, and where work is done.

    `provenance` goes into every record: code commit, whether the tree was dirty, package versions. `rewrite_endpoint`
    is a context manager factory that gives an endpoint of a language model for as long as it is needed. `write_report`
    writes the page on a publication of `cleaned` and says where it lies, `write_card` the dataset card of a release.
    `lineage` is told of every attempt to publish.
    """

    lake: Lake
    recipe: Recipe
    recipe_fingerprint: str
    recipe_folder: str | None = None
    provenance: Mapping[str, Any]
    scratch: str
    storage_options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    rewrite_endpoint: Callable[..., Any] | None = None
    write_report: Callable[[Lake, Publication], str] | None = None
    write_card: Callable[[Lake, Release], str] | None = None
    lineage: LineageSink | None = None
    say: Callable[[str], None] = lambda _message: None

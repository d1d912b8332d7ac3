"""A lake in Python, for notebooks: `from provender import Lake`. Reading only, and only what is published.

The commands that answer questions are a thin layer over this. Spark starts when the first question is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any

from pyspark.errors import AnalysisException
from pyspark.sql import Column, DataFrame, SparkSession

from orchestration import report
from orchestration.dataset_card.card import card_of
from orchestration.diff import compared
from orchestration.explain import story_of
from orchestration.lineage import lineage_of
from orchestration.settings import Settings
from orchestration.workshop import open_lake, require_lake
from spark_jobs.errors import NotFoundError, UsageError
from spark_jobs.lake import lake as stored
from spark_jobs.lake.registry import registered
from spark_jobs.lake.releases import LATEST, find_release
from spark_jobs.lake.releases import Release as StoredRelease
from spark_jobs.lake.releases import releases as all_releases
from spark_jobs.lake.tables import FLOW
from spark_jobs.stages.export import Format

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl
    import pyarrow as pa


@dataclass(frozen=True)
class Documents:
    """Rows that nobody has read yet, in the form that is asked for. Frames but Spark's hold all rows in memory."""

    _frame: DataFrame = field(repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns."""
        return tuple(self._frame.columns)

    def count(self) -> int:
        """How many rows there are."""
        return self._frame.count()

    def to_spark(self) -> DataFrame:
        """As a Spark frame, lazily."""
        return self._frame

    def to_arrow(self) -> "pa.Table":
        """As an Arrow table."""
        return self._frame.toArrow()

    def to_polars(self) -> "pl.DataFrame":
        """As a Polars frame, by way of Arrow."""
        import polars as pl

        frame = pl.from_arrow(self.to_arrow())
        assert isinstance(frame, pl.DataFrame)  # noqa: S101 - of a table: a series is made of a column
        return frame

    def to_pandas(self) -> "pd.DataFrame":
        """As a pandas frame, by way of Arrow."""
        frame: pd.DataFrame = self.to_arrow().to_pandas()
        return frame


@dataclass(frozen=True)
class Release:
    """One published release. `manifest` pins every ancestor and counts what is in it."""

    name: str
    recipe: str
    publication: str
    manifest: Mapping[str, Any] = field(repr=False)
    _lake: stored.Lake = field(repr=False, compare=False)

    @property
    def totals(self) -> Mapping[str, Any]:
        """Documents, copies, tokens, characters and the share of rewritten text."""
        return dict(self.manifest["totals"])

    def documents(self, columns: Sequence[str] | None = None, where: str | Column | None = None) -> Documents:
        """Its documents as they were published, whatever came later. `where` is SQL or a Spark column.

        Raises UsageError for a column that is not there, or a condition that is none.
        """
        publication = next((p for p in self._lake.history("mixed") if p.id == self.publication), None)
        if publication is None:
            raise NotFoundError(f"{self.name}: its publication {self.publication} is not in the lake any more")
        return Documents(_chosen(self._lake.read([publication]), columns, where))

    def lineage(self) -> dict[str, Any]:
        """The publications behind it, from its files on: operators with parameters, counts, models, digests."""
        return lineage_of(self._lake, self.name)

    def card(self) -> str:
        """Its dataset card: Markdown with a head for the Hugging Face Hub."""
        return card_of(self._lake, self._stored())

    def export(self, out: str | PathLike[str], *, fmt: Format = "parquet") -> dict[str, Any]:
        """Write training files, dataset card and manifest below an empty folder or a URI; says what was written."""
        return report.export_to(self._lake, self.name, fmt, fspath(out))

    def _stored(self) -> StoredRelease:
        return find_release(self._lake, self.name)


class Lake:
    """The lake at `home`: a folder or a URI, without one that of PROVENDER_HOME, else `.provender` of the project.

    `recipe` refuses a lake that serves another one; `spark` is a session of yours with Delta (by default one is
    started as for the commands). Raises NotFoundError where there is no lake.
    """

    def __init__(
        self, home: str | PathLike[str] | None = None, *, recipe: str | None = None, spark: SparkSession | None = None
    ) -> None:
        self._settings = Settings.read(None if home is None else fspath(home), recipe).check()
        self._recipe, self._spark = recipe, spark
        require_lake(self._settings)

    def __repr__(self) -> str:
        return f"Lake({self.home!r})"

    @property
    def home(self) -> str:
        """Where it lies."""
        return self._settings.home

    @cached_property
    def _lake(self) -> stored.Lake:
        return open_lake(self._settings, check_recipe=self._recipe is not None, spark=self._spark)

    # what there is ------------------------------------------------------------------------------------------------

    def releases(self) -> tuple[str, ...]:
        """Names of the published releases, oldest first."""
        return tuple(r.name for r in all_releases(self._fresh()) if r.state == "published")

    def snapshots(self) -> tuple[str, ...]:
        """Names of the crawl snapshots, in the order in which they are deduplicated."""
        return tuple(registered(self._fresh()))

    def release(self, name: str = LATEST) -> Release:
        """A release by its name, by a beginning that only it has, or `latest`. Raises NotFoundError."""
        found = find_release(self._fresh(), name)
        return Release(found.name, found.recipe, found.publication, found.manifest, self._lake)

    def documents(
        self, table: str, *, snapshots: Sequence[str] | None = None, columns: Sequence[str] | None = None,
        where: str | Column | None = None,
    ) -> Documents:  # fmt: skip
        """Rows of a table as they are published now, dropped ones too: filter on `kept`.

        `scored` and `deduped` come with the text and the attributes of `cleaned`. Raises UsageError for a table that
        has no documents, NotFoundError for a snapshot (of `mixed`: a release) that is not published.
        """
        if table not in FLOW:
            raise UsageError(f"{table!r} holds no documents; the tables that do are {', '.join(FLOW)}")
        lake = self._fresh()
        known = lake.publications(table)
        missing = [name for name in snapshots or () if name not in known]
        if missing:
            raise NotFoundError(f"{table}: nothing is published for {', '.join(missing)}; there are {', '.join(known)}")
        return Documents(_chosen(lake.documents(table, snapshots), columns, where))

    # questions ----------------------------------------------------------------------------------------------------

    def explain(self, doc_id_or_url: str) -> dict[str, Any]:
        """Everything that happened to a document, stage by stage, in every capture of it. Raises NotFoundError."""
        return story_of(self._fresh(), doc_id_or_url)

    def lineage(self, release: str = LATEST) -> dict[str, Any]:
        """What is behind a release, also of one that is retired or withdrawn; see `Release.lineage`."""
        return lineage_of(self._fresh(), release)

    def diff(
        self, before: str, after: str = LATEST, *, examples: int = 0, with_text: bool = False
    ) -> dict[str, Any]:  # fmt: skip
        """What is different of two releases, each document for one cause; `HOME:RELEASE` for one of another lake.

        With `examples`, that many documents of each cause are named, `with_text` what is different of their text.
        """
        return compared(self._fresh(), before, after, examples=examples, with_text=with_text)

    def _fresh(self) -> stored.Lake:
        """The lake as it is now: another process may have published."""
        self._lake.refresh()
        return self._lake


def _chosen(frame: DataFrame, columns: Sequence[str] | None, where: str | Column | None) -> DataFrame:
    if isinstance(columns, str):
        raise UsageError(f"columns={columns!r}: give a list of names")
    unknown = [name for name in columns or () if name not in frame.columns]
    if unknown:
        near = [match for name in unknown for match in get_close_matches(name, frame.columns, 1)]
        hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(frame.columns)}"
        raise UsageError(f"no column {', '.join(unknown)}; {hint}")
    try:
        rows = frame if where is None else frame.where(where)
    except AnalysisException as error:
        raise UsageError(f"where: {str(error).partition('SQLSTATE')[0].strip()}") from None
    return rows if columns is None else rows.select(*(f"`{name}`" for name in columns))

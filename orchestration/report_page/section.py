"""What a section of the report is. A new section is a new file in `sections/` with a `SECTION`; nothing lists them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from pyspark.sql import functions as F

from spark_jobs.analysis import overlap
from spark_jobs.analysis.distribution import Bin, distributions
from spark_jobs.analysis.overlap import Counted, Tally
from spark_jobs.analysis.stored import Stored
from spark_jobs.analysis.verdicts import groups, tokens_of, verdicts
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import Publication


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What the report is about. `examples` is how many documents of each kind may be shown: 0 shows no text at all.

    Sections are gathered side by side; what they share is found once.
    """

    lake: Lake
    publication: Publication
    stored: Stored
    examples: int
    seed: int
    _scanning: Lock = field(default_factory=Lock, repr=False)
    _shared: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def counted(self) -> Counted:
        """Documents and tokens by what they break; one scan, shared by the sections."""
        found = self._once("groups", lambda: groups(verdicts(self.stored, self.stored.filters)))
        return tuple((group.before, Tally(group.documents, group.tokens)) for group in found)

    @property
    def bins(self) -> Mapping[str, tuple[Bin, ...]]:
        """The distribution of every signal; one scan, shared by the sections."""
        kept, tokens = F.col("kept"), tokens_of(self.stored)
        signals = dict.fromkeys(self.stored.signals, ())
        found: Mapping[str, tuple[Bin, ...]] = self._once(
            "bins", lambda: distributions(self.stored.rows, signals, kept=kept, tokens=tokens)
        )
        return found

    def _once(self, name: str, find: Callable[[], Any]) -> Any:
        with self._scanning:
            if name not in self._shared:
                self._shared[name] = find()
            return self._shared[name]

    @property
    def all(self) -> Tally:
        """All documents."""
        return overlap.total(self.counted)

    @property
    def kept(self) -> Tally:
        """Kept documents."""
        return overlap.kept(self.counted)


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the page: `gather` gives what `template` (Jinja, with the macros as `m`) shows; None leaves it out.

    Sections come in the order of `place`. `id` is the anchor; what varies is escaped by the template engine.
    """

    id: str
    title: str
    place: int
    gather: Callable[[Subject], Mapping[str, Any] | None]
    template: str

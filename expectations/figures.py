"""Laws over figures: numbers counted for a candidate, each at most what the `gates` of a recipe's section allow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from pyspark.sql import DataFrame

from expectations.aggregate import ExpectAggregateToHold
from expectations.gate import Audited, Law


@dataclass(frozen=True)
class Figure:
    """A number, and what is behind it in words: names of hosts, languages and steps, never text."""

    value: float
    told: str


@dataclass(frozen=True)
class Figures:
    """All figures of a suite, counted once an audit by `count`; `section` is the part of the recipe with the bounds."""

    section: str
    count: Callable[[Audited], Mapping[str, Figure]]

    def frame(self, audited: Audited) -> DataFrame:
        """The figures as one row of doubles."""
        found = audited.once(self.count)
        schema = ", ".join(f"{name} DOUBLE" for name in found)
        row = tuple(float(figure.value) for figure in found.values())
        return audited.candidate.sparkSession.createDataFrame([row], schema)

    def at_most(self, name: str, says: str, figure: str, bound: Callable[[Any], float | None], gate: str) -> Law:
        """A figure that is at most the bound of the gates (None: whatever it is), as severe as its gate says."""

        def expect(audited: Audited) -> ExpectAggregateToHold:
            most = bound(attrgetter(f"{self.section}.gates")(audited.recipe))
            return ExpectAggregateToHold(
                aggregate=f"max({figure}) >= 0{'' if most is None else f' AND max({figure}) <= {most!r}'}"
            )

        return Law(
            name=name, says=says, expect=expect, frame=self.frame,
            severity_in=attrgetter(f"{self.section}.gates.{gate}.severity"),
            detail=lambda audited: audited.once(self.count)[figure].told,
        )  # fmt: skip

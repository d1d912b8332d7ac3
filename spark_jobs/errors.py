"""The errors of Provender, one class a cause; the message says what, where and the remedy.

ProvenderError               exit 3
├── UsageError               exit 2: the person can mend it
│   ├── RecipeError          a recipe that cannot be loaded or does not fit
│   │   └── ParameterError   an operator that cannot be built with these parameters
│   ├── InputError           crawl files that are missing, empty or unreadable
│   │   └── UnreachableError a place of crawl files that does not answer; later it may
│   ├── LakeError            a lake that another version or another recipe made
│   ├── NotFoundError        a document, release or snapshot that the lake does not hold
│   └── TakenDownError       a version or release that a takedown removed
├── GateError                exit 1: an expectation failed, nothing was published
├── VerificationError        exit 1: what lies in the lake is not what was released
├── LostRaceError            exit 3: another publisher was first
└── TransientError           exit 3: an endpoint or a disk that failed; run again
"""

from collections.abc import Sequence


class ProvenderError(Exception):
    """Base of every error whose message is meant for a person; never shown with a traceback."""

    exit_status = 3


class UsageError(ProvenderError):
    """Wrong usage or unusable input."""

    exit_status = 2


class RecipeError(UsageError):
    """A recipe that cannot be loaded, or that does not fit the lake."""


class ParameterError(RecipeError):
    """An operator that cannot be built: each fault is the key below the operator's parameters, and what is wrong."""

    def __init__(self, operator: str, faults: Sequence[tuple[tuple[str | int, ...], str]]) -> None:
        self.operator = operator
        self.faults = tuple(faults)
        told = (f"{'.'.join([operator, *map(str, key)])}: {fault}" for key, fault in self.faults)
        super().__init__("; ".join(told))


class InputError(UsageError):
    """Crawl input that is missing, empty or unreadable."""


class UnreachableError(InputError):
    """Crawl input of which nothing can be said now: its place does not answer, or lets nobody in."""


class LakeError(UsageError):
    """A lake made by another version, or serving another recipe."""


class NotFoundError(UsageError):
    """A document, release or snapshot that the lake does not hold."""


class TakenDownError(UsageError):
    """An earlier version, or a withdrawn release, whose data a takedown removed for good."""


class GateError(ProvenderError):
    """A blocking expectation failed; nothing was published."""

    exit_status = 1


class VerificationError(ProvenderError):
    """Data that does not match its publication record."""

    exit_status = 1


class LostRaceError(ProvenderError):
    """Another publisher published this partition first."""


class TransientError(ProvenderError):
    """A fault outside the data: an endpoint, a disk, a killed child. Running again may help."""

"""Which code a rebuild may run: the clean commit that every publication of the release pins, with its packages."""

from datetime import UTC, datetime
from typing import Any

import pytest

from assets.rebuild import other_code
from spark_jobs.lake.records import Publication

THIS, OTHER = "a" * 40, "b" * 40


def made_by(table: str, commit: str | None = THIS, *, dirty: bool = False, packages: Any = None) -> Publication:
    provenance = {"code": {"commit": commit, "dirty": dirty}, "packages": packages or {"numba": "1"}}
    return Publication(table, "one", 1, datetime(2026, 1, 1, tzinfo=UTC), {"provenance": provenance})


def running(commit: str | None = THIS, *, dirty: bool | None = False) -> dict[str, Any]:
    return {"code": {"commit": commit, "dirty": dirty}, "packages": {"numba": "1"}}


def test_the_pinned_clean_commit_is_the_same_code() -> None:
    assert other_code([made_by("cleaned"), made_by("mixed")], running()) == []


def test_the_registry_is_nobodys_code() -> None:
    registry = Publication("snapshots", "one", 1, datetime(2026, 1, 1, tzinfo=UTC), {})
    assert other_code([registry, made_by("mixed")], running()) == []


@pytest.mark.parametrize(
    ("publications", "now", "told"),
    [
        ([made_by("mixed")], running(dirty=True), [f"commit {THIS} with uncommitted changes"]),
        ([made_by("mixed")], running(None, dirty=None), ["in no git checkout"]),
        ([made_by("cleaned", OTHER), made_by("mixed")], running(), [f"cleaned/one was made by commit {OTHER}"]),
        ([made_by("mixed", dirty=True)], running(), [f"mixed/one was made by commit {THIS} with uncommitted changes"]),
        ([made_by("mixed", None)], running(), ["mixed/one was made by an unknown commit"]),
        ([made_by("mixed", packages={"numba": "0"})], running(), ["package numba 0 then, 1 now"]),
        (
            [made_by("raw", OTHER), made_by("cleaned", OTHER)], running(dirty=True),
            ["with uncommitted changes", f"raw/one, cleaned/one were made by commit {OTHER}"],
        ),
    ],
)  # fmt: skip
def test_any_other_code_is_named(publications: list[Publication], now: dict[str, Any], told: list[str]) -> None:
    found = other_code(publications, now)
    assert len(found) >= len(told)
    for part in told:
        assert any(part in line for line in found), found

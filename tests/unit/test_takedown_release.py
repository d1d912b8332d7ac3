"""The next revision of a release: contents by arithmetic, and what a receipt says of it."""

from typing import Any

import pytest

from spark_jobs.lake.releases import Release
from spark_jobs.stages.takedown_release import _most_copies_unknown, _without, licences_without, told


def row(source: str, documents: int, *, copies: int = 1, most: int = 1) -> dict[str, Any]:
    return {
        "source": source, "origin": "original", "phase": "main", "language": "en", "documents": documents,
        "copies": documents * copies, "max_copies": most, "unique_tokens": 10 * documents,
        "tokens": 10 * documents * copies, "characters": 50 * documents,
    }  # fmt: skip


def test_contents_are_what_is_left() -> None:
    left = _without([row("a", 5), row("b", 2), row("c", 1)], [row("a", 2), row("c", 1)])
    assert left == [row("a", 3), row("b", 2)]


@pytest.mark.parametrize(("gone", "unknown"), [(1, False), (2, False), (3, True)])
def test_the_rows_are_asked_only_when_the_most_copied_document_went(gone: int, *, unknown: bool) -> None:
    assert _most_copies_unknown([row("a", 5, most=3)], [row("a", 1, most=gone)]) is unknown


def test_licences_are_what_is_left() -> None:
    def licence(name: str | None, documents: int) -> dict[str, Any]:
        return {"licence": name, "documents": documents, "tokens": 10 * documents}

    left = licences_without(
        [licence(None, 4), licence("CC0", 3), licence("MIT", 2)], [licence("CC0", 3), licence(None, 1)]
    )
    assert left == [licence(None, 3), licence("MIT", 2)]


def test_what_was_revised_again_for_the_same_receipt_is_told_as_it_is_now() -> None:
    again = [
        {"receipt": "t", "revision": n, "publication": f"p{n}", "digest": "d", "removed_documents": n} for n in (1, 2)
    ]
    manifest = {"revision": 3, "totals": {"documents": 7, "tokens": 70}, "takedowns": again}
    found = told(Release("r", "default", "published", "p3", manifest), "t")
    assert found is not None
    assert (found["revision"], found["withdrawn"], found["removed_documents"]) == (3, "r-r2", 2)


def test_a_release_that_was_not_touched_is_not_told() -> None:
    manifest = {
        "revision": 3, "totals": {"documents": 7, "tokens": 70},
        "takedowns": [
            {"receipt": "t1", "revision": 1, "publication": "p1", "digest": "d", "removed_documents": 2},
            {"receipt": "t2", "revision": 2, "publication": "p2", "digest": "d", "removed_documents": 1},
        ],
    }  # fmt: skip
    release = Release("r", "default", "published", "p3", manifest)
    assert told(release, "t3") is None
    assert told(Release("r-r2", "default", "withdrawn", "p2", manifest), "t2") is None
    assert told(release, "t2") == {
        "release": "r", "revision": 3, "publication": "p3", "withdrawn": "r-r2", "withdrawn_publication": "p2",
        "removed_documents": 1, "documents_left": 7, "tokens_left": 70,
    }  # fmt: skip

"""Making a release again in a lake of its own, from raw, with the recipe and models of then; and comparing the two.

No Dagster here, and no model is asked: rewrites come from the request cache, fitted models from the lake.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assets.build import build
from assets.catalog import full_fingerprints, tables
from assets.pinned_recipe import keep_recipe, pinned_recipe
from assets.workshop import Workshop
from spark_jobs.errors import NotFoundError, UsageError, VerificationError
from spark_jobs.lake import storage
from spark_jobs.lake.ancestors import with_ancestors
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import Publication
from spark_jobs.lake.releases import Release
from spark_jobs.lake.tables import FLOW
from spark_jobs.lake.transplant import transplant
from spark_jobs.recipe.recipe import Recipe

_DERIVED = ("cleaned", "scored", "deduped", "rewritten")


@dataclass(frozen=True)
class Compared:
    """One publication of the release, and the digest of the same rows as they were made again (None: not made)."""

    table: str
    partition: str
    version: int
    published: str
    rebuilt: str | None
    taken_by: str | None = None  # the receipt of the takedown that destroyed its rows, so that nothing can be compared

    @property
    def equal(self) -> bool:
        """Whether the rows are the same, or those that a takedown left of them."""
        return self.taken_by is None and self.published == self.rebuilt


def behind(lake: Lake, release: Release) -> tuple[Publication, list[Publication]]:
    """The release's own publication, and it with all that it was made from. Raises VerificationError without it."""
    lake.refresh()
    head = next((p for p in lake.history("mixed") if p.id == release.publication), None)
    if head is None:
        raise VerificationError(
            f"{release.name}: its publication {release.publication} is not among the commits; ./provender verify it"
        )
    return head, with_ancestors(lake, [head])


def other_code(publications: Sequence[Publication], running: Mapping[str, Any]) -> list[str]:
    """In what the running code (a `provenance`) is not the one that made these publications; empty: it is the same."""
    code = running.get("code", {})
    wrong = []
    if code.get("commit") is None:
        wrong.append("the running code is in no git checkout, so its commit is not known")
    elif code.get("dirty"):
        wrong.append(f"the running code is commit {code['commit']} with uncommitted changes")
    made_by: dict[str, list[str]] = {}
    packages: set[str] = set()
    for p in publications:
        if p.table not in FLOW:
            continue
        then = p.record.get("provenance", {})
        commit, dirty = then.get("code", {}).get("commit"), then.get("code", {}).get("dirty")
        if commit != code.get("commit") or commit is None or dirty:
            told = f"commit {commit}{' with uncommitted changes' if dirty else ''}" if commit else "an unknown commit"
            made_by.setdefault(told, []).append(f"{p.table}/{p.partition}")
        now = running.get("packages", {})
        packages |= {f"{k} {v} then, {now.get(k)} now" for k, v in then.get("packages", {}).items() if now.get(k) != v}
    wrong += [f"{', '.join(parts)} {'was' if len(parts) == 1 else 'were'} made by {told}"
              for told, parts in made_by.items()]  # fmt: skip
    return wrong + [f"package {told}" for told in sorted(packages)]


def rebuild(
    source: Lake, release: Release, into: str, *, furnish: Callable[[Lake, Recipe, str | None], Workshop], run_id: str,
    say: Callable[[str], None] = lambda _: None,
) -> list[Compared]:  # fmt: skip
    """Make a release again in a new lake at `into`, and compare every table by content digest.

    Of what takedowns amended the rest is made again. `furnish` gives the workshop for a lake, a recipe and the folder
    of its relative paths. Raises UsageError where something lies at `into`, NotFoundError where a vacuum and
    TakenDownError where a takedown took what it starts from, VerificationError where it cannot be made.
    """
    head, publications = behind(source, release)
    if storage.names(into):
        raise UsageError(f"{into}: not empty; give a new folder for the lake that the release is made again in")
    gone = [p for p in publications if p.table == "raw" and p.id in source.vacuumed("raw")]
    if gone:
        raise NotFoundError(
            f"raw/{gone[0].partition} version {gone[0].version}: a vacuum removed it; nothing to begin from"
        )
    left = {p.id: source.standing(p) for p in publications}
    source.refuse_gone([p for p in publications if p.table == "raw" and left[p.id] is None])
    recipe, folder = pinned_recipe(source, str(head.record["recipe"]["fingerprint"]))
    target = Lake(source.spark, into).make(recipe.name)
    again = furnish(target, recipe, folder)
    keep_recipe(again)
    by_place = {(p.table, p.partition): p for p in publications if p.table in FLOW}
    by_place |= {(p.table, p.partition): p for p in publications if p.id in {i["publication"] for i in head.inputs}}
    order = transplant(
        source, target, [left[p.id] or p for p in publications], run_id=run_id, say=say,
        raw_fingerprint=full_fingerprints(tables(), again)["raw"],
    )  # fmt: skip
    for snapshot in order:
        for table in _DERIVED:
            _build(again, by_place[table, snapshot], run_id)
    _build(again, head, run_id)
    target.refresh()
    return [_compared(target, p, left[p.id], source.destroyed_by(p)) for p in by_place.values()]


def _build(again: Workshop, then: Publication, run_id: str) -> None:
    """Build one table as it was built."""
    again.say(f"{then.table}/{then.partition}")
    table = tables()[then.table]
    prepare = table.prepare if then.table != "rewritten" else lambda *_: _answers(then)
    built = build(
        again, table.stage, table.laws, partition=then.partition,
        fingerprint=full_fingerprints(tables(), again)[then.table], run_id=run_id, prepare=prepare,
        again=then,
    )  # fmt: skip
    if table.after is not None:
        table.after(again, built.publication)


def _answers(then: Publication) -> Mapping[str, Any]:
    """What the stage has to know of the asking, as it was. It reads the cache; what failed then has no answer there."""
    facts = then.record.get("facts", {})
    return {
        "planned_attempts": facts.get("planned_attempts", 0), "rewrite_model": facts.get("model"),
        "rewrite_grammar": facts.get("grammar"), "generation": facts.get("generation", {}),
    }  # fmt: skip


def _compared(target: Lake, then: Publication, left: Publication | None, receipt: str | None) -> Compared:
    """`left` is what stands of the publication by now; None where the takedown of a receipt destroyed it."""
    now, wanted = target.current(then.table, then.partition), left or then
    return Compared(
        then.table, then.partition, wanted.version, wanted.digest, None if now is None else now.digest,
        taken_by=receipt if left is None else None,
    )  # fmt: skip

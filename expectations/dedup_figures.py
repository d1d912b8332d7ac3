"""The figures that a snapshot's duplicates are judged by: one row of numbers, each at least 0, small where all is well.

Counts of the candidate, who lost documents to whom, what moved, and the re-check of `dedup_recheck.py`. How large they
may be is said by the laws in `dedup_guards.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from expectations.cleaning_figures import Share, beyond_chance
from expectations.dedup_recheck import rechecked, snapshots_named
from expectations.figures import Figure
from expectations.gate import Audited
from spark_jobs.dedup.tally import Tally, from_counts, tally
from spark_jobs.lake.records import Publication
from spark_jobs.recipe.sections.dedup_gates import DedupGates

_MOST_NAMES = 5
_MOST_GONE = 1000  # more hosts than these are not counted: one is enough


@dataclass(frozen=True)
class Lost:
    """A host or source, its documents, and how many are copies of what lies elsewhere."""

    facet: str
    name: str
    documents: int
    kept: int
    lost: int

    @property
    def gone(self) -> bool:
        """Whether all of it is said to be copies."""
        return self.lost == self.documents

    def __str__(self) -> str:
        return f"{self.name or '(no name)'}: {self.lost:,} of {self.documents:,}"


def tally_of(audited: Audited) -> Tally:
    """The candidate, counted; take it by `audited.once`."""
    return tally(audited.candidate, audited.partition)


def figures_of(audited: Audited) -> Mapping[str, Figure]:
    """All figures by name; take them by `audited.once`."""
    gates, now = audited.recipe.deduped.gates, audited.once(tally_of)
    return {
        "largest_cluster_share": _largest(now, gates),
        **_losses(audited, gates),
        **_drift(audited, now, gates),
        **rechecked(audited, gates),
    }


def _largest(now: Tally, gates: DedupGates) -> Figure:
    if now.documents < gates.min_documents:
        return Figure(0.0, _few(now.documents, gates))
    told = f"{now.largest:,} of {now.documents:,} documents are in {now.largest_name}"
    return Figure(now.largest / now.documents, told)


def _few(documents: int, gates: DedupGates) -> str:
    return f"{documents:,} documents are fewer than {gates.min_documents:,}"


# who lost documents to whom -----------------------------------------------------------------------------------------


def _losses(audited: Audited, gates: DedupGates) -> dict[str, Figure]:
    found = _lost(audited, gates)
    gone = {facet: [one for one in found if one.facet == facet and one.gone] for facet in ("host", "source")}
    partly = [one for one in found if one.facet == "host" and not one.gone]
    worst = max(partly, key=lambda one: (one.lost / one.documents, one.name), default=None)
    share = 0.0 if worst is None else worst.lost / worst.documents
    return {
        "host_lost_share": Figure(share, f"{worst}, to other hosts" if worst else "no host lost a document to another"),
        **{f"{facet}s_wiped_out": Figure(len(gone[facet]), _named(gone[facet])) for facet in gone},
    }


def _named(gone: Sequence[Lost]) -> str:
    more = f" and {len(gone) - _MOST_NAMES} more" if len(gone) > _MOST_NAMES else ""
    return (", ".join(str(one) for one in gone[:_MOST_NAMES]) or "none") + more


def _lost(audited: Audited, gates: DedupGates) -> list[Lost]:
    """Hosts and sources that are worth a word, worst first: those that are gone, and the one that lost most."""
    least = {"host": gates.hosts.min_documents, "source": gates.sources.min_documents}
    own = audited.inputs.partition("cleaned", audited.partition).select("doc_id", "host", "source")
    places = _survivors_places(audited)
    rows = audited.candidate.select("doc_id", "kept", "survivor_snapshot", "survivor_id").join(own, "doc_id")
    placed = rows.join(places, ["survivor_snapshot", "survivor_id"], "left")
    # A document without a host lies nowhere that a copy could lie too.
    other_host = ~F.coalesce((F.col("host") == F.col("its_host")) & (F.col("host") != ""), F.lit(False))
    other_source = ~F.col("source").eqNullSafe(F.col("its_source"))
    lost = ~F.col("kept")
    facets = {"host": lost & other_host & (F.coalesce("host", F.lit("")) != ""),
              "source": lost & other_host & other_source}  # fmt: skip
    entries = F.explode(F.array(*(_entry(facet, test) for facet, test in facets.items()))).alias("entry")
    counted = (
        placed.select("kept", entries)
        .groupBy("entry.facet", "entry.name")
        .agg(
            F.count(F.lit(1)).alias("documents"),
            F.count_if("kept").alias("kept"),
            F.count_if("entry.lost").alias("lost"),
        )
    )
    enough = F.lit(False)
    for facet, documents in least.items():
        if documents is not None:
            enough |= (F.col("facet") == facet) & (F.col("documents") >= documents)
    share = F.col("lost") / F.col("documents")
    judged = counted.where(enough & (F.col("lost") > 0)).withColumn("gone", F.col("lost") == F.col("documents"))
    gone = judged.where("gone").orderBy(F.desc("documents"), "facet", "name").limit(_MOST_GONE)
    partly = judged.where("NOT gone AND facet = 'host'").orderBy(F.desc(share), F.desc("name")).limit(1)
    rows_found = gone.unionByName(partly).collect()
    listed = [Lost(r["facet"], r["name"], r["documents"], r["kept"], r["lost"]) for r in rows_found]
    return sorted(listed, key=lambda one: (-one.documents, one.facet, one.name))


def _entry(facet: str, lost: Column) -> Column:
    name = F.coalesce(F.col(facet), F.lit("")).alias("name")
    return F.struct(F.lit(facet).alias("facet"), name, F.coalesce(lost, F.lit(False)).alias("lost"))


def _survivors_places(audited: Audited) -> DataFrame:
    """Host and source of the documents that duplicates name as their survivors."""
    places = audited.inputs.partition("cleaned", audited.partition).select("snapshot", "doc_id", "host", "source")
    named = snapshots_named(audited, "survivor_snapshot")
    if named:
        before = audited.inputs.behind("deduped", "cleaned", named)
        places = places.unionByName(before.select("snapshot", "doc_id", "host", "source"))
    return places.select(
        F.col("snapshot").alias("survivor_snapshot"), F.col("doc_id").alias("survivor_id"),
        F.col("host").alias("its_host"), F.col("source").alias("its_source"),
    )  # fmt: skip


# against the snapshot before ----------------------------------------------------------------------------------------


def _drift(audited: Audited, now: Tally, gates: DedupGates) -> dict[str, Figure]:
    names = ("repeated_change", "known_change", "step_change")
    rules = [operator.fingerprint for operator in audited.operators]

    def same_rules(publication: Publication) -> bool:
        record = publication.record
        return [operator["fingerprint"] for operator in record.get("operators", ())] == rules and from_counts(
            record.get("counts", {})
        ) is not None

    found = audited.inputs.earlier("deduped", audited.partition, same_rules)
    before = None if found is None else from_counts(found.record["counts"])
    if found is None or before is None:
        why = "nothing to compare with: the first snapshot that was deduped by these rules"
        return dict.fromkeys(names, Figure(0.0, why))
    least = min(now.documents, before.documents)
    if least < gates.min_documents:
        why = f"not compared with {found.partition}: {_few(least, gates)}"
        return dict.fromkeys(names, Figure(0.0, why))
    repeated = _change("repeated within the snapshot", now.repeated, before.repeated, now, before, gates)
    moved = {"repeated_change": _told(repeated, found)}
    if found.partition == audited.inputs.snapshots()[0]:
        # The first snapshot has no earlier one to be a copy of, so what follows it is always different in this.
        why = f"not compared with {found.partition}, which has no snapshot before it"
        return moved | dict.fromkeys(names[1:], Figure(0.0, why))
    known = _change("copies of earlier snapshots", now.known, before.known, now, before, gates)
    steps = [
        _change(step, now.by_step.get(step, 0), before.by_step.get(step, 0), now, before, gates)
        for step in sorted(now.by_step.keys() | before.by_step.keys())
    ]
    worst = max(steps, key=lambda change: change[0], default=(0.0, "no step removed anything"))
    return moved | {"known_change": _told(known, found), "step_change": _told(worst, found)}


def _change(  # noqa: PLR0917 - two counts of two tallies
    name: str, hits: int, hits_before: int, now: Tally, before: Tally, gates: DedupGates
) -> tuple[float, str]:
    a, b = Share(name, hits_before, before.documents), Share(name, hits, now.documents)
    told = f"{name} went from {a.value:.3f} of {a.documents:,} to {b.value:.3f} of {b.documents:,}"
    return beyond_chance(a, b, gates.sigmas), told


def _told(change: tuple[float, str], found: Publication) -> Figure:
    return Figure(change[0], f"{change[0]:.3f} beyond chance: {change[1]}, against {found.partition}")

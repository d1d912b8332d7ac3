"""Guards of `deduped` against false matches: what counts and keys cannot see, within the bands of `deduped.gates`.

No cluster, host or source may vanish into another, nothing may move much against the snapshot before, and for a sample
of the removed documents the evidence is proved again from the texts. All figures are in `dedup_figures.py`.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from expectations.common_laws import no_row
from expectations.dedup_figures import figures_of
from expectations.dedup_recheck import earlier_of
from expectations.figures import Figures
from expectations.gate import Audited, Law
from spark_jobs.recipe.sections.dedup_gates import DedupGates

_FIGURES = Figures("deduped", figures_of)


def _none_gone(gates: DedupGates, facet: str) -> float | None:
    return None if getattr(gates, facet).min_documents is None else 0


def _with_evidence(audited: Audited) -> DataFrame:
    """Duplicates beside the document that they are linked to, from this snapshot or an earlier one."""
    earlier = earlier_of(audited)
    if audited.recipe.deduped.participants == "cleaned":
        # Evidence can be a document that the filters dropped: only the index knows it.
        known = audited.side["signatures"].select(F.lit(audited.partition).alias("snapshot"), "doc_id")
        before = "signatures"
    else:
        known, before = audited.candidate.select("snapshot", "doc_id"), "deduped"
    if earlier:
        known = known.unionByName(audited.inputs.partitions(before, earlier).select("snapshot", "doc_id"))
    found = known.select(
        F.col("snapshot").alias("linked_snapshot"), F.col("doc_id").alias("linked_to"), F.lit(True).alias("there")
    )
    asked = audited.candidate.where("NOT kept AND linked_to IS NOT NULL")
    return asked.join(found, ["linked_snapshot", "linked_to"], "left")


GUARDS: tuple[Law, ...] = (
    no_row(
        "evidence_is_there",
        "what a duplicate is linked to is a document of this snapshot or an earlier one, and not itself",
        "there IS NULL OR (linked_snapshot = snapshot AND linked_to = doc_id)",
        frame=_with_evidence,
    ),
    _FIGURES.at_most(
        "no_cluster_swallows_the_snapshot", "the largest cluster has at most the recipe's share of the documents",
        "largest_cluster_share", lambda gates: gates.largest_cluster.max_share, "largest_cluster",
    ),
    _FIGURES.at_most(
        "hosts_keep_their_documents", "no host with something left lost more than the recipe's share to other hosts",
        "host_lost_share", lambda gates: gates.by_host.max_share, "by_host",
    ),
    _FIGURES.at_most(
        "no_host_is_wiped_out", "no host has all its documents replaced by those of other hosts",
        "hosts_wiped_out", lambda gates: _none_gone(gates, "hosts"), "hosts",
    ),
    _FIGURES.at_most(
        "no_source_is_wiped_out", "no source has all its documents replaced by those of other hosts and sources",
        "sources_wiped_out", lambda gates: _none_gone(gates, "sources"), "sources",
    ),
    _FIGURES.at_most(
        "repeats_are_as_frequent_as_before", "the share of documents beyond the first of their cluster changed little",
        "repeated_change", lambda gates: gates.drift.max_change, "drift",
    ),
    _FIGURES.at_most(
        "known_documents_are_as_frequent_as_before", "the share of copies of earlier snapshots changed little",
        "known_change", lambda gates: gates.drift.max_change, "drift",
    ),
    _FIGURES.at_most(
        "steps_remove_as_much_as_before", "the share of documents that a step removes changed little",
        "step_change", lambda gates: gates.drift.max_change, "drift",
    ),
    _FIGURES.at_most(
        "removed_documents_are_duplicates", "of a sample of removed documents, few are no duplicates by their texts",
        "wrong_share", lambda gates: 1 - gates.recheck.min_precision, "recheck",
    ),
    _FIGURES.at_most(
        "similarities_are_true", "of a sample of removed documents, every similarity is that of the texts",
        "untrue_similarities", lambda _: 0, "recheck",
    ),
)  # fmt: skip

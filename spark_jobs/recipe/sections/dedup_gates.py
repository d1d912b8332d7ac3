"""Part `gates` of the section `deduped`: what the duplicates of a snapshot may look like before they are published.

Bounds are inclusive, null is off. They judge a candidate and do not change it, so they are in no table's fingerprint.
"""

from pydantic import BaseModel, ConfigDict, Field

from spark_jobs.recipe.sections.gates import SEVERITY, Gate, Severity, Share


class LargestCluster(Gate):
    """One cluster that swallows a snapshot: a chain of near-duplicates, or a page that everything looks like."""

    max_share: Share | None = Field(0.25, description="share of the snapshot's documents in one cluster")


class HostLoss(Gate):
    """Documents of a host that are duplicates of other hosts' documents; copies within a host take nothing from it."""

    severity: Severity = Field("warning", description=SEVERITY)
    max_share: Share | None = Field(0.9, description="share of its documents that a host with something left may lose")


class WipedOut(Gate):
    """A host or source of which nothing is left: all of it is said to be copies of what lies elsewhere."""

    min_documents: int | None = Field(20, ge=1, description="documents of it; fewer are not judged; null: off")


class Mirrors(WipedOut):
    """The same of a host, which can be a true mirror of another."""

    severity: Severity = Field("warning", description=SEVERITY)


class Drift(Gate):
    """How much a share may differ from that of the nearest earlier snapshot deduped the same way, beyond chance."""

    severity: Severity = Field("warning", description=SEVERITY)
    max_change: Share | None = Field(0.2, description="difference of the shares, less the allowance for chance")


class Recheck(Gate):
    """Removed documents whose evidence is proved again from the texts, without hash or signature."""

    documents: int = Field(200, ge=0, le=10_000, description="removed documents, chosen by hash; 0: off")
    min_precision: Share = Field(0.99, description="share of them that are duplicates of what they are linked to")
    max_chars: int = Field(1_000_000, ge=1, description="characters of a text from which a pair is not judged")
    seed: int = Field(0, ge=0, description="seed of the choice")


class DedupGates(BaseModel):
    """Guards against false matches, which no count of rows can see."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    min_documents: int = Field(100, ge=1, description="documents below which no share of a snapshot is judged")
    sigmas: float = Field(3.0, ge=0, description="allowance for chance, in standard errors of the difference")
    largest_cluster: LargestCluster = LargestCluster()
    by_host: HostLoss = HostLoss()
    hosts: Mirrors = Mirrors()
    sources: WipedOut = WipedOut()
    drift: Drift = Drift()
    recheck: Recheck = Recheck()

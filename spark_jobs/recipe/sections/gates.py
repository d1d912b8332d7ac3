"""Part `gates` of the section `cleaned`: how far a snapshot may differ from the one before, and from what is sound.

Bounds are inclusive, null is off. They judge a candidate and do not change it, so they are in no table's fingerprint:
where a change is meant, widen the bound or make it a warning, and run again.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Severity = Literal["error", "warning"]
SEVERITY = "error: a candidate beyond the bound is not published; warning: it is, and the check says so"


class Gate(BaseModel):
    """How severe a gate is."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    severity: Severity = Field("error", description=SEVERITY)


class Change(Gate):
    """How much a share may differ from that of the snapshot before, either way, beyond what chance explains."""

    max_change: Share | None = Field(0.2, description="difference of the shares, less the allowance for chance")


class WipedOut(Gate):
    """A host or source of which nothing is left, though something was before."""

    min_documents: int | None = Field(20, ge=10, description="documents of it, then and now; fewer are not judged")
    min_kept_before: Share = Field(0.1, description="share of its documents that was kept before, at least")


class Effect(Gate):
    """How many documents a step touches: an editor changes them, a filter finds a reason in them."""

    expect: dict[str, Share] = Field(default_factory=dict, description="step -> share of the documents at least")
    at_most: dict[str, Share] = Field(default_factory=dict, description="step -> share of the documents at most")
    max_removed: Share | None = Field(0.8, description="share of all characters that one editor removes")


class Growth(Gate):
    """Text that editors make longer."""

    max_share: float | None = Field(0.02, ge=0, description="characters one editor adds, net, over those extracted")


class Encoding(Gate):
    """Signs in kept text that bytes were decoded wrongly."""

    max_replacement: float | None = Field(
        20.0, ge=0, le=1000, description="documents with a replacement character (U+FFFD), of 1,000 kept"
    )
    max_mojibake: float | None = Field(
        20.0, ge=0, le=1000, description="documents with UTF-8 read as Latin-1 or Windows-1252, of 1,000 kept"
    )


class Loss(Gate):
    """Documents that end without any text."""

    max_emptied: Share | None = Field(0.5, description="share of the documents whose whole text was edited away")
    max_not_extracted: Share | None = Field(0.5, description="share of the documents that no text was extracted from")
    max_undetermined: Share | None = Field(0.5, description="share of the documents without a language (und)")


class GatesSection(BaseModel):
    """Comparisons are with the nearest earlier snapshot that was cleaned by the same steps and has the same hosts."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    min_documents: int = Field(100, ge=1, description="documents, of both sides, below which no share is judged")
    sigmas: float = Field(3.0, ge=0, description="allowance for chance, in standard errors of the difference")
    min_common_hosts: Share = Field(
        0.5, description="share of the documents on hosts that the other snapshot has too; below it nothing is compared"
    )
    by_language: Change = Change()
    by_host: Change = Change(max_change=0.3, severity="warning")
    by_reason: Change = Change()
    languages: Change = Change(max_change=0.3, severity="warning")
    wiped_out: WipedOut = WipedOut()
    effect: Effect = Effect()
    growth: Growth = Growth()
    encoding: Encoding = Encoding()
    loss: Loss = Loss()

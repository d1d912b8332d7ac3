"""Agreement of the sentences with their document: is the text in one language throughout."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from spark_jobs.errors import RecipeError
from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.language import UNDETERMINED, model_digest
from spark_jobs.text.ratios import ratio
from spark_jobs.text.sentence_languages import sentence_languages

_ENGLISH = "All of the members of the committee have read the report and agree with what it says."
_FRENCH = "Tous les membres du comité ont lu le rapport et sont d'accord avec ses conclusions."


class LanguageModel(BaseModel):
    """A fastText model by its file, pinned by digest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str | None = Field(None, description="file of the model; null is lid.176, which is shipped")
    sha256: str | None = Field(None, description="hex digest of the file; filled in when the recipe is loaded")

    def pinned(self) -> "LanguageModel":
        """The same model with its digest; RecipeError if it is missing or not the pinned one."""
        digest = model_digest(self.path)
        if self.sha256 not in (None, digest):
            raise RecipeError(
                f"sentence_language: the model has SHA-256 {digest}, the recipe pins {self.sha256}; pin anew"
            )
        return self.model_copy(update={"sha256": digest})


class SentenceLanguageParams(Params):
    """How many sentences must agree, and which ones are asked."""

    min_agreement: float | None = Field(0.6, ge=0, le=1, description="share of the labelled sentences; None is off")
    max_sentences: int = Field(100, ge=1, description="sentences of a document that are labelled, from its start")
    min_letters: int = Field(1, ge=1, description="letters; shorter sentences are not labelled and do not count")
    model: LanguageModel = Field(
        LanguageModel(path=None, sha256=None), description="must be the model that labels the documents"
    )


class SentenceLanguage:
    """Share of the sentences whose top label is that of the document; documents labelled `und` are exempt.

    Sentences end at line ends and sentence enders; one without letters has no label and does not count.
    """

    name: ClassVar[str] = "sentence_language"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2410.23825 (GlotCC: at least 60 % of the sentences)"
    Params: ClassVar[type[Params]] = SentenceLanguageParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("agreement", "sentences with the label of the document over labelled sentences"),
        Signal("sentences", "labelled sentences, at most max_sentences"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            f"{_ENGLISH} {_ENGLISH}\n{_FRENCH}\n12:30",
            columns={"language": "en"},
            signals={"sentences": 3.0, "agreement": 2 / 3},
            reasons=(),
        ),
        Example(f"{_ENGLISH}\n{_FRENCH}", columns={"language": "en"}, reasons=("mixed_languages",)),
        Example(f"{_ENGLISH}\n{_FRENCH}", columns={"language": "und"}, reasons=()),
    )

    def __init__(self, params: SentenceLanguageParams) -> None:
        """Take the limits, and pin the model."""
        self.params = params.model_copy(update={"model": params.model.pinned()})

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Label the sentences and compare; no agreement where there is nothing to compare."""
        documents = [name or UNDETERMINED for name in batch.column("language").to_pylist()]
        found = sentence_languages(
            batch, self.params.model.path, most=self.params.max_sentences, min_letters=self.params.min_letters
        )
        labelled, same = found.agreement(documents)
        agreement = ratio(same, labelled)
        agreement[np.array(documents, dtype=object) == UNDETERMINED] = np.nan
        return {"agreement": agreement, "sentences": labelled.astype(np.float64)}

    def rules(self) -> tuple[Rule, ...]:
        """Enough of them agree."""
        return (Rule(reason="mixed_languages", signal="agreement", minimum=self.params.min_agreement),)

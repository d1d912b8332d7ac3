"""Unicode normal form: one spelling for what looks the same, so that equal words are equal to every later step."""

from typing import ClassVar, Literal

from pydantic import Field

from spark_jobs.operators.base import Edited, Example, Params
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.unicode_forms import normalised


class UnicodeFormParams(Params):
    """Which form."""

    form: Literal["NFC", "NFKC", "NFD", "NFKD"] = Field(
        "NFC", description="NFC composes; NFD takes apart; the K forms also lose ligatures, widths and superscripts"
    )


class UnicodeForm:
    """Texts in a Unicode normal form; the count is of characters that changed, a base with its marks as one."""

    name: ClassVar[str] = "unicode_form"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "Unicode Standard Annex 15; arXiv 2404.04167 (NFKC)"
    Params: ClassVar[type[Params]] = UnicodeFormParams
    examples: ClassVar[tuple[Example, ...]] = (
        Example("cafe\u0301", edited="caf\u00e9"),
        Example("10 \u212b, \u1100\u1161", edited="10 \u00c5, \uac00"),
        Example("caf\u00e9 \ufb01ne \uff21", edited="caf\u00e9 \ufb01ne \uff21"),
    )

    def __init__(self, params: UnicodeFormParams) -> None:
        """Take the form."""
        self.params = params

    def edit(self, batch: TextBatch) -> Edited:
        """Texts in the form."""
        return Edited(*normalised(batch.texts, self.params.form))

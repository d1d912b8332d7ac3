"""Masks e-mail addresses and public IP addresses with addresses that are reserved for documentation.

The mask is always the same, so nothing of the address stays in it, and nobody's, so masking twice changes nothing.
"""

from collections.abc import Callable, Iterator
from typing import ClassVar

import pyarrow.compute as pc
from pydantic import Field, model_validator

from spark_jobs.operators.base import Edited, Example, Params
from spark_jobs.text.addresses import Span, email_spans, ipv4_spans, ipv6_spans
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.row_edits import edit_rows

_Finder = Callable[[str], Iterator[Span]]
# What a text must hold for a search to be worth while.
_SUSPECT = r"[@\x{FF20}]|\d\.\d{1,3}\.\d{1,3}\.\d|[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]*:"


class MaskPiiParams(Params):
    """What is masked, and by what."""

    email: bool = Field(default=True, description="mask e-mail addresses")
    ip: bool = Field(default=True, description="mask globally routable IPv4 and IPv6 addresses")
    email_mask: str = Field("email@example.com", description="stands for an e-mail address; RFC 2606 names are safe")
    ipv4_mask: str = Field("192.0.2.1", description="stands for an IPv4 address; RFC 5737 ranges are safe")
    ipv6_mask: str = Field("2001:db8::1", description="stands for an IPv6 address; RFC 3849 range is safe")

    @model_validator(mode="after")
    def _masks_stay(self) -> "MaskPiiParams":
        for mask in (self.email_mask, self.ipv4_mask, self.ipv6_mask):
            if any(next(find(mask), None) for find in (email_spans, ipv4_spans, ipv6_spans)):
                raise ValueError(f"mask {mask} would itself be masked; use a reserved address (example.com, 192.0.2.1)")
        return self


class MaskPii:
    """Replace each address by a fixed one. Addresses at reserved names, and private or reserved IP addresses, stay."""

    name: ClassVar[str] = "mask_pii"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2406.17557; huggingface/datatrove (what is masked); RFC 2606, 5737, 3849, 6890"
    Params: ClassVar[type[Params]] = MaskPiiParams
    examples: ClassVar[tuple[Example, ...]] = (
        Example("Write to jo.doe+news@mail.test.org.", edited="Write to email@example.com."),
        Example("Server 8.8.8.8, router 192.168.0.1", edited="Server 192.0.2.1, router 192.168.0.1"),
        Example("Version 1.2.3.4 and 1.2.3.4.5 stay", edited="Version 1.2.3.4 and 1.2.3.4.5 stay"),
        Example("dns 2001:4860:4860::8888", edited="dns 2001:db8::1"),
    )

    def __init__(self, params: MaskPiiParams) -> None:
        """Take the parameters."""
        self.params = params
        self._searches: tuple[tuple[_Finder, str], ...] = (
            *(((email_spans, params.email_mask),) if params.email else ()),
            *(((ipv6_spans, params.ipv6_mask), (ipv4_spans, params.ipv4_mask)) if params.ip else ()),
        )

    def edit(self, batch: TextBatch) -> Edited:
        """Masked texts; the count is of addresses."""
        suspects = pc.match_substring_regex(batch.texts, _SUSPECT)
        texts, counts = edit_rows(batch.texts, suspects, self._mask)
        return Edited(texts, counts)

    def _mask(self, text: str) -> tuple[str, int]:
        count = 0
        for find, mask in self._searches:
            pieces, end = [], 0
            for begin, stop in find(text):
                pieces += [text[end:begin], mask]
                end = stop
                count += 1
            if pieces:
                text = "".join(pieces) + text[end:]
        return text, count

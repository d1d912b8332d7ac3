"""Masks personal data: e-mail and public IP addresses, bank account, payment card and telephone numbers.

A mask is nobody's: a name or range reserved for documentation or fiction, or a number that cannot be issued. Nothing
of what was there stays, and a second run finds nothing to mask. With several masks of a kind, which one stands in a
place follows from the document's id and the place's number; equal documents are then no longer equal, so the default is
one, and several are for after deduplication.
"""

from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from spark_jobs.operators.base import Edited, Edits, Example, Params
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.phone_numbers import Leniency, PhoneNumbers
from spark_jobs.text.phone_regions import HOSTS, LANGUAGES
from spark_jobs.text.phone_words import CUES
from spark_jobs.text.pii import KINDS, Finding, PiiFinder


class MaskPiiParams(Params):
    """What is masked, and by what."""

    email: bool = Field(default=True, description="mask e-mail addresses")
    ip: bool = Field(default=True, description="mask globally routable IPv4 and IPv6 addresses")
    iban: bool = Field(
        default=True, description="mask bank account numbers (IBAN) that are right in form and modulo 97"
    )
    card: bool = Field(default=True, description="mask payment card numbers that are right in issuer, length and Luhn")
    phone: bool = Field(default=True, description="mask telephone numbers")
    phone_leniency: Leniency = Field(
        "strict_grouping",
        description="how strict to be with a national number that no word announces: possible, valid, strict_grouping, "
        "exact_grouping; one with + or after such a word need be valid only",
    )
    phone_regions: Mapping[str, tuple[str, ...]] = Field(
        LANGUAGES, description="countries (ISO 3166) whose national numbers are looked for, by language of the document"
    )
    phone_hosts: Mapping[str, str] = Field(
        HOSTS, description='the country an ending of the host stands for; "" is none; others of two letters are codes'
    )
    phone_cues: tuple[str, ...] = Field(
        CUES, description="words, one each, before a number that tell that it is a telephone's"
    )
    email_masks: tuple[str, ...] = Field(
        ("email@example.com",), min_length=1, description="stand for e-mail addresses; RFC 2606 names are safe"
    )
    ipv4_masks: tuple[str, ...] = Field(
        ("192.0.2.1",), min_length=1, description="stand for IPv4 addresses; RFC 5737 ranges are safe"
    )
    ipv6_masks: tuple[str, ...] = Field(
        ("2001:db8::1",), min_length=1, description="stand for IPv6 addresses; RFC 3849 range is safe"
    )
    iban_masks: tuple[str, ...] = Field(
        ("XX00 0000 0000 0000 0000",), min_length=1, description="stand for bank account numbers; XX is no country"
    )
    card_masks: tuple[str, ...] = Field(
        ("0000 0000 0000 0000",), min_length=1, description="stand for card numbers; no issuer's begin with 0"
    )
    phone_masks: tuple[str, ...] = Field(
        ("+1 202-555-0100",),
        min_length=1,
        description="stand for telephone numbers; 555-0100 to 555-0199 are kept for fiction in North America",
    )

    @model_validator(mode="after")
    def _masks_stay(self) -> "MaskPiiParams":
        # Found or not is a matter of the other numbers' strictness, being somebody's is not.
        phones = PhoneNumbers("valid", self.phone_regions, self.phone_hosts, self.phone_cues)
        finder = PiiFinder(frozenset(KINDS), phones, ())
        for mask in (mask for kind in KINDS for mask in self.masks(kind)):
            announced = pa.array([f"tel. {mask}"], pa.large_string())
            if not mask.strip() or any(finder.findings(announced, ["en"], ["example.de"])):
                raise ValueError(
                    f"mask {mask!r} would itself be masked; use a reserved one (example.com, 192.0.2.1, 555-0100)"
                )
        return self

    def masks(self, kind: str) -> tuple[str, ...]:
        """The masks of a kind."""
        masks: tuple[str, ...] = getattr(self, f"{kind}_masks")
        return masks

    def finder(self) -> PiiFinder:
        """Finds the kinds that are masked."""
        switches = {"ipv4": self.ip, "ipv6": self.ip}
        kinds = frozenset(kind for kind in KINDS if switches.get(kind, getattr(self, kind, False)))
        masks = tuple(mask for kind in KINDS for mask in self.masks(kind))
        phones = PhoneNumbers(self.phone_leniency, self.phone_regions, self.phone_hosts, self.phone_cues)
        return PiiFinder(kinds, phones, masks)


class MaskPii:
    """Replace personal data by masks that are nobody's; each kind is recorded with its own count.

    What is nobody's already stays: names of RFC 2606, private and reserved IP addresses, numbers kept for fiction; so
    do version and section numbers, dates, book and order numbers.
    """

    name: ClassVar[str] = "mask_pii"
    version: ClassVar[int] = 3
    source: ClassVar[str] = (
        "arXiv 2406.17557; huggingface/datatrove (e-mail, IP); arXiv 2506.07463 (phones); RFC 2606, 5737, 3849, 6890; "
        "ISO 13616; ISO/IEC 7812; google/libphonenumber"
    )
    Params: ClassVar[type[Params]] = MaskPiiParams
    examples: ClassVar[tuple[Example, ...]] = (
        Example("Write to jo.doe+news@mail.test.org.", edited="Write to email@example.com."),
        Example("Server 8.8.8.8, router 192.168.0.1", edited="Server 192.0.2.1, router 192.168.0.1"),
        Example("Version 1.2.3.4 and 1.2.3.4.5 stay", edited="Version 1.2.3.4 and 1.2.3.4.5 stay"),
        Example("dns 2001:4860:4860::8888", edited="dns 2001:db8::1"),
        Example("IBAN DE89 3704 0044 0532 0130 00.", edited="IBAN XX00 0000 0000 0000 0000."),
        Example("Visa 4111 1111 1111 1111", edited="Visa 0000 0000 0000 0000"),
        Example("Tel. 030 123456", columns={"language": "de"}, edited="Tel. +1 202-555-0100"),
        Example("ISBN 978-3-16-148410-0, 2021-08-25", edited="ISBN 978-3-16-148410-0, 2021-08-25"),
    )

    def __init__(self, params: MaskPiiParams) -> None:
        """Take the parameters."""
        self.params = params
        self._finder = params.finder()

    def edit(self, batch: TextBatch) -> Edited:
        """Masked texts; the count is of masks, and of each kind."""
        made = _Made(len(batch))
        texts = batch.texts
        languages, hosts, ids = (_values(batch, name) for name in ("language", "host", "doc_id"))
        rows = np.arange(len(batch))
        # What stands around a mask may become a finding only now: texts that changed are looked at until none does.
        while len(rows):
            around = [languages[row] for row in rows], [hosts[row] for row in rows]
            changed: dict[int, str] = {}
            looked_at = texts if len(rows) == len(batch) else texts.take(pa.array(rows))
            for place, text, findings in self._finder.findings(looked_at, *around):
                row = int(rows[place])
                changed[row] = self._masked(text, findings, made, row, ids[row] or "")
            rows = np.array(list(changed), dtype=np.int64)
            if changed:
                places = np.zeros(len(batch), dtype=bool)
                places[rows] = True
                texts = pc.replace_with_mask(texts, pa.array(places), pa.array(changed.values(), pa.large_string()))
        return Edited(texts, made.total(), kinds=made.edits())

    def _masked(self, text: str, findings: list[Finding], made: "_Made", row: int, doc_id: str) -> str:
        pieces, end = [], 0
        for begin, stop, kind in findings:
            mask = _choice(self.params.masks(kind), doc_id, made.masks[row])
            pieces += [text[end:begin], mask]
            made.note(row, kind, removed=stop - begin - len(mask))
            end = stop
        return "".join(pieces) + text[end:]


class _Made:
    """Masks made so far, by row and kind."""

    def __init__(self, rows: int) -> None:
        self.masks: Counter[int] = Counter()
        self._counts = {kind: np.zeros(rows, np.int32) for kind in KINDS}
        self._removed = {kind: np.zeros(rows, np.int64) for kind in KINDS}

    def note(self, row: int, kind: str, *, removed: int) -> None:
        self.masks[row] += 1
        self._counts[kind][row] += 1
        self._removed[kind][row] += removed

    def total(self) -> npt.NDArray[np.int32]:
        whole: npt.NDArray[np.int32] = np.sum(list(self._counts.values()), axis=0, dtype=np.int32)
        return whole

    def edits(self) -> dict[str, Edits]:
        return {kind: Edits(self._counts[kind], self._removed[kind]) for kind in KINDS}


def _choice(masks: tuple[str, ...], doc_id: str, ordinal: int) -> str:
    """One of the masks, by document and number of the mask in it, never by what is masked."""
    digest = blake2b(f"{doc_id}\0{ordinal}".encode("utf-8", "replace"), digest_size=8).digest()
    return masks[int.from_bytes(digest, "big") % len(masks)]


def _values(batch: TextBatch, name: str) -> list[str | None]:
    return batch.column(name).to_pylist() if name in batch.columns else [None] * len(batch)

"""Bank account and payment card numbers that are right in country or issuer, length, grouping and check digits."""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

Span = tuple[int, int]

# SWIFT IBAN registry (ISO 13616): what follows country and check digits; n digits, a capital letters, c either.
IBAN_FORMS: Final[Mapping[str, str]] = {
    "AD": "8n12c", "AE": "19n", "AL": "8n16c", "AT": "16n", "AZ": "4a20c", "BA": "16n", "BE": "12n", "BG": "4a6n8c",
    "BH": "4a14c", "BI": "23n", "BR": "23n1a1c", "BY": "4c4n16c", "CH": "5n12c", "CR": "18n", "CY": "8n16c",
    "CZ": "20n", "DE": "18n", "DJ": "23n", "DK": "14n", "DO": "4c20n", "EE": "16n", "EG": "25n", "ES": "20n",
    "FI": "14n", "FK": "2a12n", "FO": "14n", "FR": "10n11c2n", "GB": "4a14n", "GE": "2a16n", "GI": "4a15c",
    "GL": "14n", "GR": "7n16c", "GT": "24c", "HN": "4a20n", "HR": "17n", "HU": "24n", "IE": "4a14n", "IL": "19n",
    "IQ": "4a15n", "IS": "22n", "IT": "1a10n12c", "JO": "4a4n18c", "KW": "4a22c", "KZ": "3n13c", "LB": "4n20c",
    "LC": "4a24c", "LI": "5n12c", "LT": "16n", "LU": "3n13c", "LV": "4a13c", "LY": "21n", "MC": "10n11c2n",
    "MD": "20c", "ME": "18n", "MK": "3n10c2n", "MN": "16n", "MR": "23n", "MT": "4a5n18c", "MU": "4a19n3a",
    "NI": "4a20n", "NL": "4a10n", "NO": "11n", "OM": "3n16c", "PK": "4a16c", "PL": "24n", "PS": "4a21c", "PT": "21n",
    "QA": "4a21c", "RO": "4a16c", "RS": "18n", "RU": "14n15c", "SA": "2n18c", "SC": "4a20n3a", "SD": "14n", "SE": "20n",
    "SI": "15n", "SK": "20n", "SM": "1a10n12c", "SO": "19n", "ST": "21n", "SV": "4a20n", "TL": "19n", "TN": "20n",
    "TR": "6n16c", "UA": "6n19c", "VA": "18n", "VG": "4a16n", "XK": "16n", "YE": "4a4n18c",
}  # fmt: skip
_CLASSES = {"n": "[0-9]", "a": "[A-Z]", "c": "[A-Z0-9]"}

# Groups as they are printed on cards, or no groups at all; 19 digits have a fifth group.
_CARD = re.compile(
    r"(?<!\d)(?:(?P<fours>\d{4}([ \u00a0-])\d{4}\2\d{4}\2\d{4})(?P<fifth>\2\d{3}(?!\d))?|"
    r"\d{4}([ \u00a0-])\d{6}\4\d{4,5}|\d{14,19})(?!\d)"
)
# Not within a word, a longer dotted or hyphenated number, an address or a formula.
_BEFORE = re.compile(r"[\w=/#&@%.,:+~-]\Z")
_AFTER = re.compile(r"\w|[=/@%]|[-.,:]\w")
# First digits and lengths of the issuers (ISO/IEC 7812).
_ISSUERS: Final = (
    (r"4", (16, 19)),  # Visa; its old numbers of 13 digits are too much like article numbers
    (r"5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720", (16,)),  # Mastercard
    (r"3[47]", (15,)),  # American Express
    (r"30[0-5]|3095|3[689]", (14, 16, 19)),  # Diners Club
    (r"6011|64[4-9]|65", (16, 19)),  # Discover
    (r"352[89]|35[3-8]", (16, 19)),  # JCB
    (r"62|81", (16, 17, 18, 19)),  # UnionPay
    (r"50(?:18|20|38)|5893|6304|6759|676[1-3]", (16, 17, 18, 19)),  # Maestro
    (r"220[0-4]", (16, 17, 18, 19)),  # Mir
    (r"508[5-9]|60698|60[7-9]|6521", (16,)),  # RuPay
    (r"9792", (16,)),  # Troy
)
_ISSUER = tuple((re.compile(prefix), lengths) for prefix, lengths in _ISSUERS)


@lru_cache(maxsize=1)
def iban_lengths() -> npt.NDArray[np.int64]:
    """Characters of an account number by country, at 26 times the first letter plus the second; 0 where none is."""
    lengths = np.zeros(26 * 26, dtype=np.int64)
    for country, form in IBAN_FORMS.items():
        place = 26 * (ord(country[0]) - ord("A")) + ord(country[1]) - ord("A")
        lengths[place] = 4 + sum(int(count) for count in re.findall(r"\d+", form))
    lengths.flags.writeable = False
    return lengths


def is_iban(written: str) -> bool:
    """Whether letters and digits, with what separates them, are an account number: form of the country, modulo 97."""
    number = re.sub(r"[ \u00a0-]", "", written).upper()
    form = _iban_form(number[:2])
    if form is None or not form.fullmatch(number):
        return False
    digits = "".join(str(int(character, 36)) for character in number[4:] + number[:4])
    return int(digits) % 97 == 1


@lru_cache(maxsize=len(IBAN_FORMS) + 1)
def _iban_form(country: str) -> re.Pattern[str] | None:
    form = IBAN_FORMS.get(country)
    if form is None:
        return None
    return re.compile(country + "[0-9]{2}" + re.sub(r"(\d+)([nac])", lambda m: f"{_CLASSES[m[2]]}{{{m[1]}}}", form))


def card_spans(text: str, begin: int, end: int) -> Iterator[Span]:
    """Card numbers in a row of digits and separators of the text: issuer, length and check digit (Luhn) are right."""
    for found in _CARD.finditer(text, begin, end):
        # What follows four groups of four may be a code of the card and no part of its number.
        for part in (0, "fours") if found["fifth"] else (0,):
            first, last = found.span(part)
            digits = "".join(str(unicodedata.decimal(sign)) for sign in text[first:last] if sign.isdecimal())
            alone = not (_BEFORE.search(text, max(0, first - 1), first) or _AFTER.match(text, last))
            if alone and _has_issuer(digits) and _luhn(digits):
                yield first, last
                break


def _has_issuer(digits: str) -> bool:
    return any(len(digits) in lengths and prefix.match(digits) for prefix, lengths in _ISSUER)


def _luhn(digits: str) -> bool:
    values = [int(digit) for digit in reversed(digits)]
    doubled = (sum(divmod(2 * value, 10)) for value in values[1::2])
    return (sum(values[::2]) + sum(doubled)) % 10 == 0

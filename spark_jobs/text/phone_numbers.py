"""Telephone numbers in text, with Google's rules for each country (`phonenumbers`) and what stands around the digits.

Digits that are valid in some numbering plan are everywhere: order numbers, dates, tables. So a number needs a plus
sign, a word such as "Tel." before it, or the look of a national number: a trunk prefix, brackets or hyphens, in the
groups in which its country writes it.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Literal

from spark_jobs.text.language_codes import forms_of
from spark_jobs.text.phone_words import OTHERS

Span = tuple[int, int]
Leniency = Literal["possible", "valid", "strict_grouping", "exact_grouping"]

_WORD = re.compile(r"[^\W\d_]+|[^\w\s]")
_NOTHING, _PHONE, _OTHER = range(3)
REACH = 28  # characters before a number in which a word counts
# Between two numbers of one list.
_LINK = re.compile(r"\s*(?:[,;/|&、，]|or|und|oder|et|ou|and|y|e|o|i|и|или)?\s*\Z")
_MAX_LINK = 8

# Digits that are no number of a telephone: dates, years, ZIP codes; thousands, decimals, addresses.
_DATE = re.compile(
    r"\(?(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./](?:\d{4}|\d{2}))(?!\d)|"
    r"(?:1[5-9]|20)\d\d\s?[-\u2010-\u2015/]\s?(?:1[5-9]|20)?\d\d(?!\d)|"
    r"\d{5}-\d{4}\Z"
)
_QUANTITY = re.compile(r"(?!0)\d{1,3}(?:([ .\u00a0\u202f])\d{3})(?:\1\d{3})*|\d+\.\d+|\d{1,3}(?:\.\d{1,3}){3}")
_TABLE = re.compile(r"\s{2}|~")
_DIGITS = re.compile(r"\d+")
_AREA = re.compile(r"(?:\d\s?)?[(（]\s?\d{1,5}\s?[)）]")
_HYPHEN = re.compile(r"[-\u2010-\u2015\u2212\uff0d]")
_BEFORE = re.compile(r"[\w%$€£¥₹#=&@^*+]\Z|\d[.,:'’]\Z")
_AFTER = re.compile(r"[^\W\d_]|[%°€£¥$²³=]|[.,:'’]\d|\s[%€£¥$₽₴₹]")
_CODE_BEFORE = re.compile(r"\w[-_/]\Z")
_CODE_AFTER = re.compile(r"[-_/]\w")
# Letters of scripts that put no space between a word and a number.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u3000-\u9fff\uac00-\ud7af\uff00-\uffef]\Z")
_EXTENSION = re.compile(
    r"\s{0,2}[,(]?\s?(?:ext|extn|extension|x|доб|вн|durchwahl|dw|poste|ramal|int|内線|내선|분기|轉|转)[ .:#]{0,3}"
    r"\d{1,6}(?!\w)\)?",
    re.IGNORECASE,
)
_BLANKS = str.maketrans({"\u202f": " ", "\u2009": " ", "\t": " "})

_PLUS = ("+", "＋", "(+", "（+", "（＋", "(＋")
# From a sign, bracket or digit to the last digit before the next plus sign.
_PIECE = re.compile(r"[(（]?[+＋]?[(（]?\d(?:[^+＋]*\d)?")
_MOST_DIGITS = 15  # E.164
_MAX_TRIES = 50  # readings of a piece that are tried: a bound on time, far above what a number needs

# Numbers that regulators keep for fiction: nobody's.
_FICTION = {1: re.compile(r"\d{3}55501\d\d"), 44: re.compile(r"7700900\d{3}|2079460\d{3}|1632960\d{3}")}


@dataclass(frozen=True)
class PhoneNumbers:
    """Finds telephone numbers: which regions a document's language and host name stand for, and how strict to be."""

    leniency: Leniency
    languages: Mapping[str, tuple[str, ...]]
    hosts: Mapping[str, str]
    cues: tuple[str, ...]

    def regions_of(self, language: str | None, host: str | None) -> tuple[str, ...]:
        """Regions whose national numbers are looked for: that of the host's country code, then of the language."""
        ending = (host or "").rstrip(".").rpartition(".")[2].lower()
        region = self.hosts.get(ending, ending.upper() if len(ending) == 2 else "")
        return self._supported((language or "", region))

    def spans(
        self, text: str, rows: Iterable[Span], barriers: Sequence[Span], regions: tuple[str, ...]
    ) -> Iterator[Span]:
        """Telephone numbers in rows of digits and separators of a text.

        Barriers, ascending and apart, are what is something else already: no number reaches into one, and words before
        one say nothing about a number behind it.
        """
        last = -1
        for begin, end, floor in _pieces(text, rows, barriers):
            linked = last >= floor and begin - last <= _MAX_LINK and _LINK.match(text, last, begin) is not None
            before = text[max(floor, last, begin - REACH) : begin]
            for first, stop in self._numbers(text, begin, end, regions, before=before, linked=linked):
                yield first, stop
                last = stop

    def _numbers(
        self, text: str, begin: int, end: int, regions: tuple[str, ...], *, before: str, linked: bool
    ) -> Iterator[Span]:
        piece = text[begin:end].translate(_BLANKS)
        plus = piece.startswith(_PLUS)
        if not plus and not regions:
            return
        cue = self._cue(before)
        sure = plus or linked or cue == _PHONE
        if not sure and (cue == _OTHER or not _looks_national(piece) or _is_isbn(piece)):
            return
        extension = _EXTENSION.match(text, end)
        if _is_part(text, begin, end if extension is None else extension.end(), sure=sure):
            return
        for first, stop in _matches(piece, regions, _at_most_valid(self.leniency) if sure else self.leniency):
            if sure or _looks_national(piece[first:stop]):
                whole = extension is not None and begin + stop == end
                yield begin + first, extension.end() if extension is not None and whole else begin + stop

    def _cue(self, before: str) -> int:
        """What the words before a number announce: the last that names a telephone, or one of the last two, another."""
        words = _WORD.findall(before.lower())
        for nearness, word in enumerate(reversed([word for word in words if word.isalpha() or not word.isascii()])):
            if word in self._words:
                return _PHONE
            if nearness < 2 and word in OTHERS:
                return _OTHER
            if word >= "\u0e00" and any(part in word for part in self._unspaced):
                return _PHONE
        return _OTHER if words and words[-1] == "#" else _NOTHING

    @cached_property
    def _supported(self) -> Callable[[tuple[str, str]], tuple[str, ...]]:
        """Regions by a document's language and the region of its host: few pairs, asked for by each document."""
        from phonenumbers import SUPPORTED_REGIONS

        @lru_cache(maxsize=4096)
        def regions(pair: tuple[str, str]) -> tuple[str, ...]:
            language, region = pair
            spoken = self._spoken.get(re.split(r"[_-]", language)[0], ())
            return tuple(dict.fromkeys(r for r in (region, *spoken) if r in SUPPORTED_REGIONS))

        return regions

    @cached_property
    def _spoken(self) -> Mapping[str, tuple[str, ...]]:
        """Regions by language, also under the codes that GlotLID has for it."""
        spoken = dict(self.languages)
        for label, regions in self.languages.items():
            for form in forms_of(label):
                spoken.setdefault(form.partition("_")[0], regions)
        return spoken

    @cached_property
    def _words(self) -> frozenset[str]:
        return frozenset(cue.lower() for cue in self.cues)

    @cached_property
    def _unspaced(self) -> tuple[str, ...]:
        """Words of scripts in which nothing stands between a word and the next one."""
        return tuple(cue for cue in self.cues if cue >= "\u0e00")


def _pieces(text: str, rows: Iterable[Span], barriers: Sequence[Span]) -> Iterator[tuple[int, int, int]]:
    """Parts of rows between barriers and before plus signs, and where the last barrier before each ends."""
    at, floor = 0, 0
    for row_begin, row_end in rows:
        begin = row_begin
        while begin < row_end:
            while at < len(barriers) and barriers[at][1] <= begin:
                floor = barriers[at][1]
                at += 1
            inside = at < len(barriers) and barriers[at][0] < row_end
            end = max(begin, barriers[at][0]) if inside else row_end
            for piece in _PIECE.finditer(text, begin, end):
                yield *piece.span(), floor
            begin = barriers[at][1] if inside else row_end


def _is_part(text: str, begin: int, end: int, *, sure: bool) -> bool:
    """Whether the digits go on into a word, an amount, a longer number or a code."""
    before, after = text[max(0, begin - 2) : begin], text[end : end + 2]
    if _BEFORE.search(before) and not _UNSPACED.search(before):
        return True
    if _AFTER.match(after) and not _UNSPACED.match(after[:1]):
        return True
    return not sure and (_CODE_BEFORE.search(before) is not None or _CODE_AFTER.match(after) is not None)


def _looks_national(piece: str) -> bool:
    """Whether digits are grouped as national numbers are, and are no date, span, quantity, version or table.

    They begin with a trunk prefix of a longer group or with an area code in brackets, or are three groups with hyphens.
    """
    groups = _DIGITS.findall(piece)
    if len(groups) < 2 or sum(map(len, groups)) > _MOST_DIGITS or sum(len(group) == 1 for group in groups) > 1:
        return False
    trunk = len(groups[0]) > 1 and unicodedata.decimal(groups[0][0]) == 0
    if not (trunk or _AREA.match(piece) or (len(groups) > 2 and _HYPHEN.search(piece))):
        return False
    return not (_DATE.match(piece) or _QUANTITY.fullmatch(piece) or _TABLE.search(piece))


def _is_isbn(piece: str) -> bool:
    """Four or five groups whose check digit is that of a book number."""
    groups = _DIGITS.findall(piece)
    digits = [unicodedata.decimal(character) for character in "".join(groups)]
    if len(groups) == 4 and len(digits) == 10:
        return sum((10 - place) * digit for place, digit in enumerate(digits)) % 11 == 0
    if len(groups) == 5 and len(digits) == 13:
        return sum(digits[::2] + [3 * digit for digit in digits[1::2]]) % 10 == 0
    return False


def _at_most_valid(leniency: Leniency) -> Leniency:
    return "possible" if leniency == "possible" else "valid"


def _matches(piece: str, regions: tuple[str, ...], leniency: Leniency) -> list[Span]:
    """Numbers in a piece that are somebody's, by the first region that finds any; without regions only those with +."""
    from phonenumbers import Leniency as Level
    from phonenumbers import PhoneNumberMatcher

    level = getattr(Level, leniency.upper())
    for region in regions or (None,):
        found = list(PhoneNumberMatcher(piece, region, leniency=level, max_tries=_MAX_TRIES))
        if found:
            return [(match.start, match.end) for match in found if not _is_fiction(match.number)]
    return []


def _is_fiction(number: Any) -> bool:
    pattern = _FICTION.get(number.country_code)
    return pattern is not None and pattern.fullmatch(str(number.national_number)) is not None

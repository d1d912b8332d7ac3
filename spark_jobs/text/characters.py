"""Characters of a batch: code points decoded from the UTF-8 buffer, with a row of flags for each.

The flags come from the Unicode data of the interpreter, once per process. Words, lines and sentences are defined on
these flags in the neighbouring modules.
"""

import unicodedata
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark_jobs.text.native import kernel

LETTER = 1  # category L*: what str.isalpha says
NUMBER = 2  # category N*
MARK = 4  # category M*, and kana marks that belong to the sign before them
SPACE = 8  # what str.isspace says
LINE_END = 16  # where str.splitlines cuts
IDEOGRAPH = 32  # a word of its own: Han, Hiragana, Katakana
SENTENCE_END = 64  # Unicode property Sentence_Terminal
LOWER = 128
CLOSING = 256  # closing brackets and quotation marks, which may follow the end of a sentence
DECIMAL = 1024  # category Nd: what \d matches
HINGE = 2048  # one of `{ [ j k m v`, which the phrases of the C4 rules hold, or a shad, which ends Tibetan sentences
IGNORED = 512  # controls and format characters: they neither make nor break a word

# Unicode 16 PropList, Sentence_Terminal, hexadecimal: sentence enders of all scripts; no quotation mark, no ellipsis.
SENTENCE_TERMINALS = """21 2e 3f 589 61d-61f 6d4 700-702 7f9 837 839 83d-83e 964-965 104a-104b 1362 1367-1368 166e
1735-1736 17d4-17d5 1803 1809 1944-1945 1aa8-1aab 1b4e-1b4f 1b5a-1b5b 1b5e-1b5f 1b7d-1b7f 1c3b-1c3c 1c7e-1c7f 2024
203c-203d 2047-2049 2cf9-2cfb 2e2e 2e3c 2e53-2e54 2e60-2e61 3002 a4ff a60e-a60f a6f3 a6f7 a876-a877 a8ce-a8cf a92f
a9c8-a9c9 aa5d-aa5f aaf0-aaf1 abeb fe12 fe15-fe16 fe52 fe56-fe57 ff01 ff0e ff1f ff61 10a56-10a57 10f55-10f59
10f86-10f89 11047-11048 110be-110c1 11141-11143 111c5-111c6 111cd 111de-111df 11238-11239 1123b-1123c 112a9
113d4-113d5 1144b-1144c 115c2-115c3 115c9-115d7 11641-11642 1173c-1173e 11944 11946 11a42-11a43 11a9b-11a9c
11c41-11c42 11ef7-11ef8 11f43-11f44 16a6e-16a6f 16af5 16b37-16b38 16b44 16d6e-16d6f 16e98 1bc9f 1da88"""

_LINE_ENDS = "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"
_HINGES = "{[jkmvJKMV\u212a\u0f0d\u0f0e"
_KANA_MARKS = (0x30FC, 0xFF70, 0xFF9E, 0xFF9F)
_IDEOGRAPHS = (
    (0x3005, 0x3007),
    (0x3021, 0x3029),
    (0x3041, 0x309F),
    (0x30A1, 0x30FF),
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),
    (0x1B000, 0x1B16F),
    (0x20000, 0x3FFFF),
)
# Planes 4 to 13 hold no characters, 15 and 16 only private ones: both are symbols without flags.
_ASSIGNED = (*range(0x40000), *range(0xE0000, 0xE1000))

_BLOCK = 32  # bytes looked at together: most stretches of most texts are ASCII

Codes = npt.NDArray[np.uint32]
Flags = npt.NDArray[np.uint16]
Offsets = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Characters:
    """All characters of a batch in one row: text i is `codes[offsets[i]:offsets[i + 1]]`, `flags` in step with it."""

    codes: Codes
    flags: Flags
    offsets: Offsets

    @cached_property
    def line_ends(self) -> npt.NDArray[np.int64]:
        """Places of all LINE_END characters, ascending."""
        found: npt.NDArray[np.int64] = _places(self.flags, LINE_END)
        return found


@lru_cache(maxsize=1)
def flag_table() -> Flags:
    """Flags of every code point; symbols and punctuation have none of LETTER, NUMBER, MARK, SPACE and IGNORED."""
    table = np.zeros(0x110000, dtype=np.uint16)
    for code in _ASSIGNED:
        table[code] = _flags_of(chr(code))
    for first, last in sentence_terminal_ranges():
        table[first : last + 1] |= SENTENCE_END
    for first, last in _IDEOGRAPHS:
        span = table[first : last + 1]
        span[(span & (LETTER | NUMBER)) != 0] |= IDEOGRAPH
    for code in _KANA_MARKS:
        table[code] = MARK
    for character in _HINGES:
        table[ord(character)] |= HINGE
    table.flags.writeable = False
    return table


def sentence_terminal_ranges() -> tuple[tuple[int, int], ...]:
    """First and last code point of each range of sentence enders."""
    pairs = (part.partition("-") for part in SENTENCE_TERMINALS.split())
    return tuple((int(first, 16), int(last or first, 16)) for first, _, last in pairs)


def _flags_of(character: str) -> int:
    category = unicodedata.category(character)
    flags = {"L": LETTER, "N": NUMBER, "M": MARK}.get(category[0], 0)
    if character.isspace():
        flags |= SPACE
    elif category in ("Cc", "Cf"):
        flags |= IGNORED
    if character in _LINE_ENDS:
        flags |= LINE_END
    if category == "Ll":
        flags |= LOWER
    if category == "Nd":
        flags |= DECIMAL
    if category in ("Pe", "Pf") or character in "\"'":
        flags |= CLOSING
    return flags


def decode(texts: pa.LargeStringArray) -> Characters:
    """The characters of an array without nulls; bytes that are no UTF-8 become U+FFFD, one each."""
    count = len(texts)
    _, offset_buffer, data_buffer = texts.buffers()
    starts = np.zeros(1, dtype=np.int64)
    if offset_buffer is not None and count:
        starts = np.frombuffer(offset_buffer, dtype=np.int64)[texts.offset : texts.offset + count + 1]
    data = np.frombuffer(data_buffer or b"", dtype=np.uint8)
    starts.flags.writeable = False
    codes, flags, offsets = _decode(data, starts, flag_table())
    return Characters(codes, flags, offsets)


def encode(codes: Codes, offsets: Offsets) -> pa.LargeStringArray:
    """UTF-8 texts from code points: the inverse of `decode`."""
    data, starts = _encode(codes, offsets)
    buffers = [None, pa.py_buffer(starts), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_string(), len(starts) - 1, buffers)


@kernel
def _sequence(data: npt.NDArray[np.uint8], i: np.uint64, end: np.uint64) -> tuple[np.uint32, np.uint64]:
    """The code point and length of a sequence of several bytes; U+FFFD and 1 where it is none."""
    lead = np.uint32(data[i])
    code = lead & np.uint32(0x1F)
    length = np.uint64(2)
    if lead >= 0xF0:
        length = np.uint64(4)
        code = lead & np.uint32(0x07)
    elif lead >= 0xE0:
        length = np.uint64(3)
        code = lead & np.uint32(0x0F)
    valid = lead >= 0xC2 and lead <= 0xF4 and i + length <= end
    if valid:
        for k in range(1, np.int64(length)):
            follow = np.uint32(data[i + np.uint64(k)])
            valid = valid and (follow & np.uint32(0xC0)) == 0x80
            code = (code << np.uint32(6)) | (follow & np.uint32(0x3F))
    if not valid or code > 0x10FFFF or (code >= 0xD800 and code < 0xE000):
        return np.uint32(0xFFFD), np.uint64(1)
    return code, length


@kernel
def _decode(data: npt.NDArray[np.uint8], starts: Offsets, table: Flags) -> tuple[Codes, Flags, Offsets]:
    # Unsigned positions everywhere: a signed one is tested for being negative at each access.
    total = starts[-1] - starts[0]
    codes = np.empty(total, dtype=np.uint32)
    flags = np.empty(total, dtype=np.uint16)
    offsets = np.zeros(len(starts), dtype=np.int64)
    one = np.uint64(1)
    block = np.uint64(_BLOCK)
    out = np.uint64(0)
    for row in range(len(starts) - 1):
        i = np.uint64(starts[row])
        end = np.uint64(starts[row + 1])
        while i < end:
            if i + block <= end:
                seen = np.uint8(0)
                for k in range(_BLOCK):
                    seen |= data[i + np.uint64(k)]
                if seen < 0x80:
                    for k in range(_BLOCK):
                        codes[out + np.uint64(k)] = data[i + np.uint64(k)]
                    for k in range(_BLOCK):
                        flags[out + np.uint64(k)] = table[data[i + np.uint64(k)]]
                    i += block
                    out += block
                    continue
            # Up to where the next block may be plain again.
            stop = min(i + block, end)
            while i < stop:
                code = np.uint32(data[i])
                length = one
                if code >= 0x80:
                    code, length = _sequence(data, i, end)
                codes[out] = code
                flags[out] = table[code]
                out += one
                i += length
        offsets[row + 1] = out
    return codes[:out], flags[:out], offsets


@kernel
def _places(flags: Flags, wanted: int) -> npt.NDArray[np.int64]:
    """Places of the characters that have one of the wanted flags, ascending."""
    mask = np.uint16(wanted)
    found = np.empty(len(flags) + 1, dtype=np.int64)
    count = np.uint64(0)
    block = 64
    for base in range(0, len(flags), block):
        part = flags[base : base + block]
        seen = np.uint16(0)
        for k in range(len(part)):
            seen |= part[k]
        if seen & mask:
            for k in range(len(part)):
                found[count] = base + k
                count += np.uint64((part[k] & mask) != 0)
    return found[:count].copy()


@kernel
def _encode(codes: Codes, offsets: Offsets) -> tuple[npt.NDArray[np.uint8], Offsets]:
    size = len(codes)
    for i in range(len(codes)):
        size += (codes[i] >= 0x80) + (codes[i] >= 0x800) + (codes[i] >= 0x10000)
    data = np.empty(size, dtype=np.uint8)
    starts = np.zeros(len(offsets), dtype=np.int64)
    one = np.uint64(1)
    out = np.uint64(0)
    for row in range(len(offsets) - 1):
        for i in range(np.uint64(offsets[row]), np.uint64(offsets[row + 1])):
            code = codes[i]
            if code < 0x80:
                data[out] = code
                out += one
                continue
            extra = 1 if code < 0x800 else (2 if code < 0x10000 else 3)
            lead = 0xC0 if extra == 1 else (0xE0 if extra == 2 else 0xF0)
            data[out] = lead | (code >> np.uint32(6 * extra))
            out += one
            for k in range(extra - 1, -1, -1):
                data[out] = 0x80 | ((code >> np.uint32(6 * k)) & np.uint32(0x3F))
                out += one
        starts[row + 1] = out
    return data, starts

"""The writing system of a text: ISO 15924 code of the script most of its letters belong to.

Scripts come from the Unicode names of the interpreter's own data; signs shared by scripts (digits, punctuation,
spaces, combining marks) count for none.
"""

import unicodedata
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from spark_jobs.text.native import kernel

UNKNOWN: Final = "Zyyy"

# First words of Unicode names -> ISO 15924. Longest match wins; what is not here counts for no script.
_CODES: Final = {
    "ADLAM": "Adlm", "ARABIC": "Arab", "ARMENIAN": "Armn", "BALINESE": "Bali", "BAMUM": "Bamu", "BATAK": "Batk",
    "BENGALI": "Beng", "BOPOMOFO": "Bopo", "BRAILLE": "Brai", "BUGINESE": "Bugi", "BUHID": "Buhd",
    "CANADIAN SYLLABICS": "Cans", "CHAKMA": "Cakm", "CHAM": "Cham", "CHEROKEE": "Cher", "COPTIC": "Copt",
    "CUNEIFORM": "Xsux", "CYRILLIC": "Cyrl", "DEVANAGARI": "Deva", "EGYPTIAN": "Egyp", "ETHIOPIC": "Ethi",
    "GEORGIAN": "Geor", "GLAGOLITIC": "Glag", "GOTHIC": "Goth", "GREEK": "Grek", "GUJARATI": "Gujr",
    "GURMUKHI": "Guru", "HANGUL": "Hang", "HALFWIDTH HANGUL": "Hang", "HANUNOO": "Hano", "HEBREW": "Hebr",
    "HIRAGANA": "Hira", "JAVANESE": "Java", "KANNADA": "Knda", "KATAKANA": "Kana", "HALFWIDTH KATAKANA": "Kana",
    "KAYAH": "Kali", "KHMER": "Khmr", "LAO": "Laoo", "LATIN": "Latn", "FULLWIDTH LATIN": "Latn", "LEPCHA": "Lepc",
    "LIMBU": "Limb", "LISU": "Lisu", "MALAYALAM": "Mlym", "MANDAIC": "Mand", "MEETEI MAYEK": "Mtei",
    "MODIFIER LETTER SMALL": "Latn", "MONGOLIAN": "Mong", "MYANMAR": "Mymr", "NEW TAI LUE": "Talu", "NKO": "Nkoo",
    "OGHAM": "Ogam", "OL CHIKI": "Olck", "OLD PERSIAN": "Xpeo", "ORIYA": "Orya", "OSAGE": "Osge",
    "PAHAWH HMONG": "Hmng", "PHAGS-PA": "Phag", "REJANG": "Rjng", "RUNIC": "Runr", "SAMARITAN": "Samr",
    "SAURASHTRA": "Saur", "SINHALA": "Sinh", "SUNDANESE": "Sund", "SYLOTI NAGRI": "Sylo", "SYRIAC": "Syrc",
    "TAGALOG": "Tglg", "TAGBANWA": "Tagb", "TAI LE": "Tale", "TAI THAM": "Lana", "TAI VIET": "Tavt", "TAMIL": "Taml",
    "TELUGU": "Telu", "THAANA": "Thaa", "THAI": "Thai", "TIBETAN": "Tibt", "TIFINAGH": "Tfng", "VAI": "Vaii",
    "WANCHO": "Wcho", "YI": "Yiii", "AHOM": "Ahom", "BASSA VAH": "Bass", "BRAHMI": "Brah", "DESERET": "Dsrt",
    "GRANTHA": "Gran", "GUNJALA GONDI": "Gong", "HANIFI ROHINGYA": "Rohg", "KAITHI": "Kthi", "KHUDAWADI": "Sind",
    "MASARAM GONDI": "Gonm", "MEDEFAIDRIN": "Medf", "MIAO": "Plrd", "MODI": "Modi", "MRO": "Mroo", "NEWA": "Newa",
    "NUSHU": "Nshu", "NYIAKENG PUACHUE HMONG": "Hmnp", "OLD ITALIC": "Ital", "OSMANYA": "Osma", "PHOENICIAN": "Phnx",
    "SHARADA": "Shrd", "SHAVIAN": "Shaw", "SIDDHAM": "Sidd", "SORA SOMPENG": "Sora", "TAKRI": "Takr", "TANGSA": "Tnsa",
    "TANGUT": "Tang", "TIRHUTA": "Tirh", "TOTO": "Toto", "UGARITIC": "Ugar", "VITHKUQI": "Vith",
    "WARANG CITI": "Wara", "YEZIDI": "Yezi",
    "CJK": "Hani", "KANGXI": "Hani", "IDEOGRAPHIC": "Hani",
}  # fmt: skip
_NAMES: Final = (UNKNOWN, *sorted(set(_CODES.values())))
_HANI, _HIRA, _KANA, _HANG = (_NAMES.index(name) for name in ("Hani", "Hira", "Kana", "Hang"))
_LETTERS: Final = frozenset({"Lu", "Ll", "Lt", "Lo", "Lm", "Mc"})
_NAMED: Final = 0x20000  # planes 2 and 3 are Han, the others hold no letters
_HAN_RANGES: Final = ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x40000))


@lru_cache(maxsize=1)
def _script_of_code_point() -> npt.NDArray[np.uint8]:
    table = np.zeros(0x110000, np.uint8)
    for code in range(_NAMED):
        character = chr(code)
        if unicodedata.category(character) in _LETTERS:
            parts = unicodedata.name(character, "").split(" ")
            for length in (3, 2, 1):
                script = _CODES.get(" ".join(parts[:length]))
                if script:
                    table[code] = _NAMES.index(script)
                    break
    for begin, end in _HAN_RANGES:
        table[begin:end] = _HANI
    return table


@kernel
def _count_scripts(buffer: Any, starts: Any, ends: Any, table: Any, scripts: int) -> Any:
    """Letters of each script, one row a text, from UTF-8."""
    counts = np.zeros((starts.size, scripts), np.int64)
    for row in range(starts.size):
        i, end = starts[row], ends[row]
        while i < end:
            lead = buffer[i]
            if lead < 0x80:
                code, step = np.int64(lead), 1
            elif lead < 0xE0:
                code, step = np.int64(lead & 0x1F), 2
            elif lead < 0xF0:
                code, step = np.int64(lead & 0x0F), 3
            else:
                code, step = np.int64(lead & 0x07), 4
            for k in range(1, step):
                if i + k < end:
                    code = (code << 6) | (buffer[i + k] & 0x3F)
            if code < table.size:
                counts[row, table[code]] += 1
            i += step
    return counts


def scripts_of(buffer: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64]) -> list[str]:
    """Script of each UTF-8 text `buffer[starts[i]:ends[i]]` by majority of letters; ties by code, `Zyyy` without any.

    Han with kana is `Jpan` (kana at least a twentieth of the two together: names in kana inside a Chinese text stay
    Han); Hangul with or without Han is `Kore`; Han alone is `Hani`.
    """
    counts = _count_scripts(buffer, starts, ends, _script_of_code_point(), len(_NAMES))
    counts[:, 0] = 0
    kana = counts[:, _HIRA] + counts[:, _KANA]
    japanese = (kana > 0) & (kana * 20 >= kana + counts[:, _HANI])
    counts[:, _HIRA] = np.where(japanese, kana + counts[:, _HANI], counts[:, _HIRA])
    counts[japanese, _KANA] = counts[japanese, _HANI] = 0
    hangul = counts[:, _HANG]
    korean = ~japanese & (hangul > 0) & (hangul * 20 >= hangul + counts[:, _HANI])
    counts[:, _HANG] += np.where(korean, counts[:, _HANI], 0)
    counts[korean, _HANI] = 0
    best = counts.argmax(axis=1)
    names = list(_NAMES)
    names[_HIRA], names[_HANG] = "Jpan", "Kore"
    return [names[script] for script in best]


def scripts_by_code_point() -> tuple[npt.NDArray[np.uint8], tuple[str, ...]]:
    """For each code point the place of its script in the names that are given with it; place 0 is no script."""
    return _script_of_code_point(), _NAMES

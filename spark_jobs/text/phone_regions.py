"""Which countries' telephone numbers are looked for in a document: defaults by language and by ending of the host."""

from collections.abc import Mapping
from typing import Final

# The countries in which most pages of a language are written, the likeliest first (ISO 639-1: ISO 3166).
LANGUAGES: Final[Mapping[str, tuple[str, ...]]] = {
    "af": ("ZA",), "am": ("ET",), "ar": ("SA", "EG", "AE"), "az": ("AZ",), "be": ("BY",), "bg": ("BG",),
    "bn": ("BD", "IN"), "bs": ("BA",), "ca": ("ES",), "cs": ("CZ",), "da": ("DK",), "de": ("DE", "AT", "CH"),
    "el": ("GR",), "en": ("US", "GB"), "es": ("ES", "MX", "AR", "CO", "CL", "PE"), "et": ("EE",), "eu": ("ES",),
    "fa": ("IR",), "fi": ("FI",), "fr": ("FR", "BE", "CH"), "ga": ("IE",), "gl": ("ES",), "gu": ("IN",),
    "he": ("IL",), "hi": ("IN",), "hr": ("HR",), "hu": ("HU",), "hy": ("AM",), "id": ("ID",), "is": ("IS",),
    "it": ("IT",), "ja": ("JP",), "ka": ("GE",), "kk": ("KZ",), "km": ("KH",), "kn": ("IN",), "ko": ("KR",),
    "lt": ("LT",), "lv": ("LV",), "mk": ("MK",), "ml": ("IN",), "mn": ("MN",), "mr": ("IN",), "ms": ("MY",),
    "my": ("MM",), "nb": ("NO",), "ne": ("NP",), "nl": ("NL", "BE"), "nn": ("NO",), "no": ("NO",), "pa": ("IN",),
    "pl": ("PL",), "pt": ("BR", "PT"), "ro": ("RO",), "ru": ("RU",), "si": ("LK",), "sk": ("SK",), "sl": ("SI",),
    "sq": ("AL",), "sr": ("RS",), "sv": ("SE",), "sw": ("KE", "TZ"), "ta": ("IN",), "te": ("IN",), "th": ("TH",),
    "tl": ("PH",), "tr": ("TR",), "uk": ("UA",), "ur": ("PK",), "uz": ("UZ",), "vi": ("VN",),
    "zh": ("CN", "TW", "HK"),
}  # fmt: skip

# Endings of host names that are no country code of two letters, or are sold to everybody ("" is no country).
_SOLD = "ac ai am as cc cd cf co cx fm ga gg gl gq im io la ly me ml ms mu nu pw sc sh so st tc tk to tv vc vg ws"
HOSTS: Final[Mapping[str, str]] = {
    **dict.fromkeys(_SOLD.split(), ""),
    "uk": "GB",
    "su": "RU",
    **dict.fromkeys(("edu", "gov", "mil"), "US"),
}

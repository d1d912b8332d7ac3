"""Bytes of a web page to text: which encoding, and never an exception.

Order: BOM, HTTP charset, XML declaration or meta, detection (uchardet inside resiliparse). A declaration that the
bytes contradict is overridden: see `decode_payload`. Encodings are named by the Python codec that decodes them,
which is the superset browsers use for a label (WHATWG Encoding Standard): iso-8859-1 is windows-1252.
"""

import codecs
import re
from collections.abc import Sequence
from typing import Final

UTF8: Final = "utf-8"
FALLBACK: Final = "windows-1252"
DECLARATION_SPAN = 4096  # bytes: the standard looks at 1024, real pages put long scripts before their meta
UTF8_EVIDENCE = 8  # sequences: a tenth of double-byte characters are valid UTF-8 pairs, eight in a row are none
UTF8_ERRORS = 0.5  # share of bad sequences among those that are not ASCII; legacy text has nine in ten
LEGACY_ERRORS = 0.05
HIGH_RUN_EVIDENCE = 16  # bytes in runs of four or more; no Western word has four accented letters in a row

# Python codec -> labels of the WHATWG standard. Labels that are codec names or plain iso-8859-N are added below.
_LABELS: Final = {
    UTF8: "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8",
    "utf-16-le": "utf-16 utf-16le utf16 csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff",
    "utf-16-be": "utf-16be unicodefffe",
    "windows-1252": "windows-1252 cp1252 x-cp1252 iso-8859-1 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 latin1 l1 "
    "latin-1 ascii us-ascii ansi_x3.4-1968 cp819 csisolatin1 ibm819 iso-ir-100",
    "windows-1250": "windows-1250 cp1250 x-cp1250",
    "windows-1251": "windows-1251 cp1251 x-cp1251 win-1251 windows1251",
    "windows-1253": "windows-1253 cp1253 x-cp1253",
    "windows-1254": "windows-1254 cp1254 x-cp1254 iso-8859-9 iso8859-9 iso88599 iso_8859-9 latin5 l5 csisolatin5",
    "windows-1255": "windows-1255 cp1255 x-cp1255",
    "windows-1256": "windows-1256 cp1256 x-cp1256",
    "windows-1257": "windows-1257 cp1257 x-cp1257",
    "windows-1258": "windows-1258 cp1258 x-cp1258",
    "iso8859-2": "iso-8859-2 iso8859-2 iso88592 iso_8859-2 latin2 l2 csisolatin2",
    "iso8859-3": "iso-8859-3 latin3 l3",
    "iso8859-4": "iso-8859-4 latin4 l4",
    "iso8859-5": "iso-8859-5 iso8859-5 cyrillic csisolatincyrillic",
    "iso8859-6": "iso-8859-6 iso-8859-6-e iso-8859-6-i iso8859-6 arabic asmo-708 ecma-114",
    "iso8859-7": "iso-8859-7 iso8859-7 greek greek8 ecma-118 elot_928 sun_eu_greek",
    "iso8859-8": "iso-8859-8 iso-8859-8-e iso-8859-8-i iso8859-8 hebrew visual logical",
    "iso8859-10": "iso-8859-10 latin6 l6",
    "iso8859-13": "iso-8859-13 iso8859-13",
    "iso8859-14": "iso-8859-14 iso8859-14",
    "iso8859-15": "iso-8859-15 iso8859-15 iso885915 iso_8859-15 latin-9 latin9 l9",
    "iso8859-16": "iso-8859-16 iso8859-16",
    "koi8-r": "koi8-r koi8 koi koi8_r cskoi8r",
    "koi8-u": "koi8-u koi8-ru",
    "cp866": "ibm866 cp866 866 csibm866",
    "cp874": "windows-874 cp874 tis-620 tis620 iso-8859-11 iso8859-11 dos-874",
    "mac_roman": "macintosh mac x-mac-roman csmacintosh mac-roman",
    "mac_cyrillic": "x-mac-cyrillic x-mac-ukrainian mac-cyrillic",
    "gb18030": "gb18030 gbk gb2312 gb_2312 gb_2312-80 gb2312-80 chinese csgb2312 csiso58gb231280 x-gbk cp936 euc-cn",
    "hz": "hz-gb-2312 hz",
    "big5hkscs": "big5 big5-hkscs big5hkscs cn-big5 x-x-big5 csbig5 cp950",
    "cp949": "euc-kr euckr euc_kr ks_c_5601 ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 korean cseuckr windows-949 "
    "cp949 uhc x-windows-949 iso-ir-149 csksc56011987",
    "iso2022_kr": "iso-2022-kr csiso2022kr",
    "cp932": "shift_jis shift-jis sjis x-sjis ms_kanji ms932 windows-31j csshiftjis cp932",
    "euc_jp": "euc-jp eucjp euc_jp x-euc-jp cseucpkdfmtjapanese",
    "iso2022_jp_ext": "iso-2022-jp iso2022_jp csiso2022jp",
}
_CODEC_OF: Final = {label: codec for codec, labels in _LABELS.items() for label in labels.split()}
_MULTIBYTE: Final = frozenset({"gb18030", "big5hkscs", "cp949", "cp932", "euc_jp"})
# Another codec to try where the first leaves holes: vendor characters that the web uses under the same label.
_SECOND: Final = {"euc_jp": "euc_jis_2004", "iso2022_jp_ext": "iso2022_jp_2004", "big5hkscs": "cp950"}
_BOMS: Final = (
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# The detector tells letters apart, not these twins: bytes 80-9F are letters or quotes only in the windows page.
_WINDOWS_TWIN: Final = {
    "iso8859-2": "windows-1250",
    "iso8859-16": "windows-1250",
    "iso8859-7": "windows-1253",
    "iso8859-8": "windows-1255",
    "iso8859-13": "windows-1257",
    "iso8859-15": "windows-1252",
}
# Answers of the detector for short Western text that pages on the web do not have.
_UNLIKELY: Final = frozenset({"iso8859-3", "iso8859-4", "iso8859-10", "iso8859-14", "mac_roman"})

_HTTP_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([^\s;\"',]+)", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"^\s*<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]+)")
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_META = re.compile(rb"<meta[\s/]([^>]*)>", re.IGNORECASE)
_META_CHARSET = re.compile(rb"(?:^|[\s\"'/])charset\s*=\s*[\"']?\s*([A-Za-z0-9._:-]+)", re.IGNORECASE)
_META_CONTENT = re.compile(rb"content\s*=\s*[\"'][^\"']*?charset\s*=\s*([A-Za-z0-9._:-]+)", re.IGNORECASE)
_ISO2022JP = re.compile(rb"\x1b(?:\$[@B]|\([IJ])")
_UKRAINIAN_KOI8 = re.compile(rb"[\xc0-\xff][\xa4\xa6\xa7\xad]|[\xa4\xa6\xa7\xad][\xc0-\xff]")
_C1_BYTES = re.compile(rb"[\x80-\x9f]")
_HIGH_RUN = re.compile(rb"[\x80-\xff]{4,}")
_HIGH_BYTES: Final = bytes(range(128, 256))


def codec_of(label: str | None) -> str | None:
    """Python codec for a charset label of the web, None for a label no browser knows."""
    return _CODEC_OF.get(label.strip().lower()) if label else None


def decode_payloads(
    payloads: Sequence[bytes | None], content_types: Sequence[str | None]
) -> tuple[list[str], list[str]]:
    """Decode pages: texts and codec names, in the order given. A missing payload is an empty text in utf-8."""
    decoded = [decode_payload(data, kind) for data, kind in zip(payloads, content_types, strict=True)]
    return [text for text, _ in decoded], [codec for _, codec in decoded]


def decode_payload(data: bytes | None, content_type: str | None) -> tuple[str, str]:
    """Decode one page: its text and the codec used; undecodable bytes become U+FFFD, nothing raises.

    A byte order mark decides. Otherwise bytes that are not all ASCII and are valid UTF-8 (a character cut at the end
    aside) are UTF-8 whatever was declared, unless a double-byte encoding was declared, decodes them without a fault,
    and there are fewer than 8 UTF-8 sequences, which then may be chance. ASCII bytes with ISO-2022-JP escapes are
    that. What is left is not clean UTF-8: the HTTP charset, then the document's own, is taken if faults are at most
    5 % of its characters beyond ASCII (50 % for UTF-8, so a spoilt UTF-8 page stays one; Western names are not believed
    where bytes beyond ASCII come in runs); then the detector.
    """
    if not data:
        return "", UTF8
    marked = next(((mark, codec) for mark, codec in _BOMS if data.startswith(mark)), None)
    if marked:
        return data[len(marked[0]) :].decode(marked[1], "replace"), marked[1]
    declared = _declared(data, content_type)
    wide = _wide(data, declared)
    if wide is not None:
        return data.decode(wide, "replace"), wide
    return _decode_seven_bit(data, declared) if data.isascii() else _decode_eight_bit(data, declared)


def _declared(data: bytes, content_type: str | None) -> tuple[str, ...]:
    """Codecs the HTTP header and the document name, in that order, unknown labels left out."""
    found = []
    header = _HTTP_CHARSET.search(content_type or "")
    if header:
        found.append(codec_of(header.group(1)))
    if not (content_type or "").strip().lower().startswith("text/plain"):
        inner = codec_of(_document_label(data[:DECLARATION_SPAN]))
        # A label that could be read byte by byte is not UTF-16: the standard says UTF-8.
        found.append(UTF8 if inner in ("utf-16-le", "utf-16-be") else inner)
    return tuple(dict.fromkeys(codec for codec in found if codec))


def _document_label(head: bytes) -> str | None:
    """Label in an XML declaration or in the first meta element that has one."""
    xml = _XML_ENCODING.match(head)
    if xml:
        return xml.group(1).decode("ascii")
    for meta in _META.finditer(_COMMENT.sub(b"", head)):
        attributes = meta.group(1)
        if b"http-equiv" in attributes.lower():
            label = _META_CONTENT.search(attributes)
        elif b"content" in attributes.lower():
            label = None
        else:
            label = _META_CHARSET.search(attributes)
        if label:
            return label.group(1).decode("ascii")
    return None


def _wide(data: bytes, declared: tuple[str, ...]) -> str | None:
    """UTF-16 without a byte order mark: every other byte of the markup is NUL."""
    head = data[:512]
    if b"\0" not in head:
        return None
    evens, odds = head[0::2].count(0), head[1::2].count(0)
    if odds > 4 * evens + len(head) // 16:
        return "utf-16-le"
    if evens > 4 * odds + len(head) // 16:
        return "utf-16-be"
    # Pages in CJK have fewer NULs: believe the header if the markup's own NULs are there.
    return next(
        (codec for codec in declared if codec.startswith("utf-16") and (b"<\0" in head or b"\0<" in head)), None
    )


def _decode_seven_bit(data: bytes, declared: tuple[str, ...]) -> tuple[str, str]:
    """ASCII bytes: plain, or one of the encodings that shift with escapes."""
    if _ISO2022JP.search(data):
        return _replacing(data, "iso2022_jp_ext"), "iso2022_jp_ext"
    for codec, sign in (("hz", b"~{"), ("iso2022_kr", b"\x1b$)C")):
        if codec in declared and sign in data:
            return _replacing(data, codec), codec
    return data.decode("ascii"), UTF8


def _decode_eight_bit(data: bytes, declared: tuple[str, ...]) -> tuple[str, str]:
    """Bytes beyond ASCII: UTF-8 where they are that beyond chance, else a legacy encoding."""
    text = _decode_utf8(data)
    if text is None:
        return _decode_legacy(data, declared)
    first = declared[0] if declared else UTF8
    if first in _MULTIBYTE and _beyond_ascii(text) < UTF8_EVIDENCE:
        candidate = _replacing(data, first)
        if "\ufffd" not in candidate:
            return candidate, first
    return text, UTF8


def _decode_utf8(data: bytes) -> str | None:
    """The text if the bytes are UTF-8, a character cut at the end allowed; else None."""
    try:
        return data.decode(UTF8)
    except UnicodeDecodeError as fault:
        if fault.reason == "unexpected end of data" and fault.start and not data[: fault.start].isascii():
            return data[: fault.start].decode(UTF8) + "\ufffd"
        return None


def _decode_legacy(data: bytes, declared: tuple[str, ...]) -> tuple[str, str]:
    """Bytes that are not UTF-8: the first declared codec that fits, spoilt UTF-8, else what the detector says."""
    for codec in (*declared, UTF8):
        if codec.startswith("utf-16") or (codec == FALLBACK and _is_not_western(data)):
            continue
        text = _replacing(data, codec)
        allowed = UTF8_ERRORS if codec == UTF8 else LEGACY_ERRORS
        faults = text.count("\ufffd")
        # The detector would see noise in the few bad bytes of a page that is otherwise good.
        if faults <= allowed * _beyond_ascii(text):
            return text, codec
    codec = _detect(data)
    text = _replacing(data, codec)
    if codec != FALLBACK and text.count("\ufffd") > LEGACY_ERRORS * _beyond_ascii(text):
        return _replacing(data, FALLBACK), FALLBACK
    return text, codec


def _is_not_western(data: bytes) -> bool:
    """Most bytes beyond ASCII stand in runs: words of another alphabet, which windows-1252 decodes without a fault."""
    runs = sum(map(len, _HIGH_RUN.findall(data)))
    return runs >= HIGH_RUN_EVIDENCE and 2 * runs > len(data) - len(data.translate(None, _HIGH_BYTES))


def _detect(data: bytes) -> str:
    """Codec by the detector's letter statistics; windows-1252 where it has none."""
    from resiliparse.parse.encoding import detect_encoding

    codec = codec_of(detect_encoding(data, html5_compatible=False))
    if codec is None or codec in _UNLIKELY or codec == UTF8:
        return FALLBACK
    if codec == "mac_cyrillic":
        return "windows-1251"
    if codec == "koi8-r" and _UKRAINIAN_KOI8.search(data):
        return "koi8-u"
    if codec in _WINDOWS_TWIN and _C1_BYTES.search(data):
        return _WINDOWS_TWIN[codec]
    return codec


def _replacing(data: bytes, codec: str) -> str:
    """Decode with U+FFFD for faults, by the codec's second choice where that leaves fewer."""
    text = data.decode(codec, "replace")
    faults = text.count("\ufffd")
    if faults and codec in _SECOND:
        other = data.decode(_SECOND[codec], "replace")
        if other.count("\ufffd") < faults:
            return other
    return text


def _beyond_ascii(text: str) -> int:
    """Number of characters that are not ASCII."""
    return len(text) - len(text.encode("ascii", "ignore"))

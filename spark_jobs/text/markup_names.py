"""What the names of HTML elements mean to the parser (WHATWG HTML, section 13.2): numbers and flags for the kernel.

Names are known by their 32-bit FNV-1a hash, so that the kernel needs no string.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

VOID: Final = 1  # no content: img, br
RAW: Final = 2  # content is not markup: script, title
CLOSES_P: Final = 4  # its start ends an open paragraph
SCOPE: Final = 8  # end tags inside do not reach beyond it
SPECIAL: Final = 16  # end tags of ordinary elements inside do not reach beyond it
FORMATTING: Final = 32  # is opened again after the block that held it ends: b, font, a
MARKER: Final = 64  # formatting opened outside is not opened again inside
IN_TABLE: Final = 128  # ignored outside a table: tr, td
IGNORED: Final = 256  # opens nothing new: html, head, body
BREAKS_OUT: Final = 512  # ends embedded svg or mathml

# Kinds the kernel treats one by one; headings are one kind, since the end tag of one closes any other.
(P, LI, DD, ROWGROUP, ROW, CELL, CAPTION, TABLE, SELECT, OPTION, OPTGROUP, BUTTON, FORM, A, NOBR) = range(1, 16)
(TEMPLATE, FOREIGN, INTEGRATION, HEADING, PLAINTEXT, ADDRESS, DIV, LIST) = range(16, 24)
FIRST_PLAIN: Final = 24
FIRST_UNKNOWN: Final = 128
KINDS: Final = 256
SLOTS: Final = 1 << 16

_NAMED = {
    P: "p",
    LI: "li",
    DD: "dd dt",
    ROWGROUP: "tbody thead tfoot",
    ROW: "tr",
    CELL: "td th",
    CAPTION: "caption",
    TABLE: "table",
    SELECT: "select",
    OPTION: "option",
    OPTGROUP: "optgroup",
    BUTTON: "button",
    FORM: "form",
    A: "a",
    NOBR: "nobr",
    TEMPLATE: "template",
    FOREIGN: "svg math",
    INTEGRATION: "foreignobject desc annotation-xml mi mo mn ms mtext",
    HEADING: "h1 h2 h3 h4 h5 h6",
    PLAINTEXT: "plaintext",
    ADDRESS: "address",
    DIV: "div",
    LIST: "ul ol",
}
_PLAIN = (
    "applet area article aside base basefont bgsound blockquote body br center col colgroup details dialog dir dl "
    "embed fieldset figcaption figure footer frame frameset head header hgroup hr html iframe img input keygen link "
    "listing main marquee menu meta nav noembed noframes noscript object param pre script search section source style "
    "summary textarea title track wbr xmp b big code em font i s small strike strong tt u span ruby rp rt rb rtc sub "
    "sup var"
)
_FLAGGED = {
    VOID: "area base basefont bgsound br col embed frame hr img input keygen link meta param source track wbr",
    RAW: "script style textarea title xmp iframe noembed noframes plaintext",
    CLOSES_P: "address article aside blockquote center details dialog dir div dl fieldset figcaption figure footer "
    "form h1 h2 h3 h4 h5 h6 header hgroup hr li dd dt listing main menu nav ol p plaintext pre search section summary "
    "table ul xmp",
    SCOPE: "applet caption table td th marquee object template foreignobject desc annotation-xml mi mo mn ms mtext",
    FORMATTING: "a b big code em font i nobr s small strike strong tt u",
    MARKER: "applet caption marquee object td th template",
    IN_TABLE: "tbody thead tfoot tr td th caption col colgroup",
    IGNORED: "html head body frame frameset",
    BREAKS_OUT: "b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing "
    "menu meta nobr ol p pre ruby s small span strong strike sub sup table tt u ul var",
    SPECIAL: "address applet area article aside base basefont bgsound blockquote br button caption center col colgroup "
    "dd details dir div dl dt embed fieldset figcaption figure footer form frame h1 h2 h3 h4 h5 h6 header hgroup hr "
    "iframe img input keygen li link listing main marquee menu meta nav noembed noframes noscript object ol p param "
    "plaintext pre script search section select source style summary table tbody td template textarea tfoot th thead "
    "title tr track ul wbr xmp foreignobject desc annotation-xml mi mo mn ms mtext",
}


def fnv1a(name: bytes) -> int:
    """32-bit FNV-1a."""
    value = 2166136261
    for byte in name:
        value = ((value ^ byte) * 16777619) & 0xFFFFFFFF
    return value


def slot(value: int) -> int:
    """Place of a hash in the table of names."""
    return (value ^ (value >> 16)) & (SLOTS - 1)


def _tables() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32], npt.NDArray[np.uint16]]:
    """Kind and full hash by slot (kind 0: no such name), flags by slot."""
    named = [(kind, name) for kind, names in _NAMED.items() for name in names.split()]
    plain = list(enumerate(_PLAIN.split(), start=FIRST_PLAIN))
    kinds = np.zeros(SLOTS, np.uint8)
    hashes = np.zeros(SLOTS, np.uint32)
    flags = np.zeros(SLOTS, np.uint16)
    for kind, name in named + plain:
        value = fnv1a(name.encode())
        if kinds[slot(value)]:
            raise AssertionError(f"two element names fall on one slot: {name}")
        kinds[slot(value)] = kind
        hashes[slot(value)] = value
        flags[slot(value)] = sum(flag for flag, names in _FLAGGED.items() if name in names.split())
    return kinds, hashes, flags


KIND_OF_SLOT, HASH_OF_SLOT, FLAGS_OF_SLOT = _tables()

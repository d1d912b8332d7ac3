"""What names of elements and words in class and id attributes mean to main-text extraction, as tables for kernels.

Names and words are known by their 32-bit FNV-1a hash. Words are those that sites give to the parts of a page in any
language, since style sheets are written in English; a word may be matched at the start of a longer one.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from spark_jobs.text.markup_names import SLOTS, fnv1a, slot

# Kinds of elements. Below BLOCK an element does not end a block of text.
(INLINE, LINK, STRONG, CODE) = range(4)
BLOCK: Final = 4
(DIV, P, HEADING, LI, LIST, CELL, ROW, TABLE, PRE, QUOTE, FIGURE, CAPTION, TERM, DEFINITION, HR) = range(4, 19)
(ARTICLE, MAIN, NAV, HEADER, FOOTER, ASIDE, FORM, SECTION, SUMMARY, BODY) = range(19, 29)
BR: Final = 29
(SKIP, RAW, VOID, MATH) = range(30, 34)
KINDS: Final = 34

_ELEMENTS: Final = {
    INLINE: "span font i em small u tt sub sup abbr acronym cite q dfn var samp kbd ins del s strike mark time data "
    "bdi bdo ruby rb rt rp big label nobr blink wbr",
    LINK: "a",
    STRONG: "b strong",
    CODE: "code",
    DIV: "div center fieldset legend dir menu details dialog frameset hgroup address search",
    P: "p",
    HEADING: "h1 h2 h3 h4 h5 h6",
    LI: "li",
    LIST: "ul ol dl",
    CELL: "td th",
    ROW: "tr",
    TABLE: "table tbody thead tfoot",
    PRE: "pre listing xmp plaintext",
    QUOTE: "blockquote",
    FIGURE: "figure",
    CAPTION: "figcaption caption",
    TERM: "dt",
    DEFINITION: "dd",
    HR: "hr",
    ARTICLE: "article",
    MAIN: "main",
    NAV: "nav",
    HEADER: "header",
    FOOTER: "footer",
    ASIDE: "aside",
    FORM: "form",
    SECTION: "section",
    SUMMARY: "summary",
    BODY: "body html",
    BR: "br",
    SKIP: "template svg select noscript object audio video canvas map datalist applet button rp",
    RAW: "script style textarea title iframe noembed noframes",
    VOID: "img input meta link base col area embed source track param keygen frame basefont bgsound",
    MATH: "math",
}

# Words of class and id by what the part of the page is.
(COMMENT, SHARE, RELATED, NAVIGATION, FOOT, HEAD, SIDE, ADVERT, BYLINE, MEDIA, SIGNUP, TAGS) = range(12)
(TEXT_BODY, CONTENT, HIDDEN, TITLE, TEASER, NOTE) = range(12, 18)
HINTS: Final = 18

_WORDS: Final = {
    COMMENT: "kommentar comentario commentaire comment disqus discussion reply replies respond livefyre",
    SHARE: "teilen compartir partager share sharing social facebook twitter addthis addtoany whatsapp pinterest "
    "sharedaddy follow like likes",
    RELATED: "verwandt weitere relacionad related recommend popular trending similar outbrain taboola readmore "
    "mostread latest recirc also morefrom morestories readnext upnext nextpost prevpost seealso recent "
    "zergnet",
    NAVIGATION: "nav navigation navbar menu breadcrumb pagination pager sitemap tabs toc skip dropdown",
    FOOT: "fusszeile footer foot copyright bottom colophon disclaimer legal",
    HEAD: "kopfzeile header masthead topbar banner logo branding toolbar",
    SIDE: "sidebar aside widget rail secondary sidecol rightcol leftcol",
    ADVERT: "werbung anzeige publicidad pubblicita ad ads adv advert advertisement sponsor sponsored promo promoted "
    "dfp adsense affiliate advertorial gpt adslot adunit commercial",
    BYLINE: "autor auteur autore datum fecha author byline date time datetime meta posted published timestamp bio "
    "dateline updated views category categories postinfo contributor profile writer readtime",
    MEDIA: "caption gallery slideshow photo image img media video credit figure player thumbnail thumb embed",
    SIGNUP: "newsletter subscribe subscription signup login signin register popup modal cookie consent gdpr paywall "
    "optin form mailchimp donate donation cta",
    TAGS: "tag tags keyword keywords topic topics labels taglist taglinks catlinks",
    TEXT_BODY: "articlebody articlecontent articletext entrycontent postcontent postbody posttext storybody "
    "storycontent storytext contentbody bodytext bodycopy bodycontent textbody richtext markdown prose blogcontent "
    "newscontent newsbody newstext maintext mainarticle fulltext entrybody messagebody messagecontent "
    "mwparseroutput",
    CONTENT: "artikel articolo articulo beitrag inhalt contenido contenu conteudo texto testo content article entry "
    "post story text main body page single blog news detail copy paragraph message",
    HIDDEN: "hidden sronly screenreader visuallyhidden visuallyhide noprint invisible hide dnone displaynone noscript",
    TITLE: "title headline heading subtitle deck dek standfirst subhead hed",
    TEASER: "teaser card excerpt tile feed carousel slider grid listing items results summary abstract pullquote "
    "highlight blurb",
    NOTE: "footnote footnotes reference references citation editsection endnote correction note",
}
_WHOLE_BELOW: Final = 5  # letters: shorter words count only where they stand alone
ALONE: Final = 64  # flag beside the hint of such a word


def _named(groups: dict[int, str]) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32]]:
    values = np.zeros(SLOTS, np.uint8)
    hashes = np.zeros(SLOTS, np.uint32)
    for value, names in groups.items():
        for name in names.split():
            number = fnv1a(name.encode())
            if values[slot(number)] and hashes[slot(number)] != number:
                raise AssertionError(f"two names fall on one slot: {name}")
            alone = groups is _WORDS and len(name) < _WHOLE_BELOW
            values[slot(number)] = 1 + value + (ALONE if alone else 0)
            hashes[slot(number)] = number
    return values, hashes


# By slot: the kind of an element plus one, the hint of a word plus one and its flag; 0 is none.
ELEMENT_OF_SLOT, ELEMENT_HASH = _named(_ELEMENTS)
HINT_OF_SLOT, HINT_HASH = _named(_WORDS)
LONGEST_WORD: Final = max(len(word) for words in _WORDS.values() for word in words.split())

(A_CLASS, A_ID, A_HREF, A_HIDDEN, A_STYLE, A_ITEMPROP, A_ROLE) = range(1, 8)
_ATTRIBUTES: Final = "class id href hidden style itemprop role"
ATTRIBUTE_HASHES: Final = np.array([fnv1a(name.encode()) for name in _ATTRIBUTES.split()], np.int64)
OL_HASH: Final = fnv1a(b"ol")
H1_HASH: Final = fnv1a(b"h1")
TITLE_HASH: Final = fnv1a(b"title")

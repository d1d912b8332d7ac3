"""The vocabulary of the fuzzer: what a program that reads pages could trip over, piece by piece.

Only pieces; how they become pages is in `fuzz_pages.py`.
"""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Cut UTF-8, surrogates as bytes, overlong forms, marks of byte order, shifts of old encodings.
BROKEN_BYTES = (
    b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xed\xb0\x80", b"\xc0\xaf",
    b"\xf4\x90\x80\x80", b"\xe2\x82", b"\xf0\x9f\x98", b"\x80", b"\x00", b"\x00\x00\x00", b"\x1b$B", b"\x1b(J",
    b"\x0e\x0f", b"\x1a", b"\x7f",
)  # fmt: skip
ODD = (
    "\u202e", "\u202d", "\u2066", "\u2069", "\u200f", "\u061c", "\u0301", "\u0323\u0301\u0302", "\u20e3", "\u200d",
    "\u200b", "\u00ad", "\ufeff", "\ufffd", "\ufffe", "\uffff", "\x00", "\x01", "\x07", "\x1b[31m", "\x7f", "\x85",
    "\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\ue000", "\uf8ff", "\U000f0000", "\U0010ffff",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\U0001f44d\U0001f3fd", "\U000e0041", "ﬁ",
    "ß", "İ", "ı", "ǅ", "Ω", "Å", "\u1e9b\u0323", "ﷺ", "𝕳", "①", "½", "Ⅷ", "\u3000", "\u00a0", "\u1680", "…", "。",
    "！", "؟", "।", "។", "\u0e33", "\u1039", "\u0f0b", "😀", "ÃƒÂ©", "â€™", "&amp;amp;", "&#0;", "&#x110000;",
    "&#xd800;", "&nosuch;", "&#9999999999;", "&lt", "\\u0000", "%00", "%ud800",
)  # fmt: skip
WORDS = _words(
    "the be to of and that have with a I in it not on he as you do at this but his by from they we say her she or an "
    "will river barge timber evening bank people along walk press policy cookies javascript lorem ipsum terms privacy "
    "casino sign-in read more items in cart 12 comments share likes 1.5K views www.x.example/p?q=1 a.b@c.example +49 "
    "30 1234567 8.8.8.8 2001:4860:4860::8888 10.0.0.1 4111111111111111 DE89370400440532013000 v1.2.3.4 - • # ## ... "
    "{x} | || [12] der die und ist nicht être où garçon ñandú łódź straße Привет мир это не так Καλημέρα שלום עולם "
    "مرحبا بالعالم سلام नमस्ते दुनिया বাংলা ไทยไม่มีช่องว่าง ဗမာစာ ខ្មែរ ລາວ བོད་ཡིག 这是一个句子没有空格 "
    "日本語のテキスト 한국어 텍스트 "
    "ქართული አማርኛ"
)
NOUNS = _words(
    "river barge timber evening bridge people market harbour garden winter letter teacher history morning village "
    "council engine mountain weather kitchen station library science machine painter theatre journey captain shelter "
    "traffic"
)
ENDS = (
    ". ", "! ", "? ", "\n", "\n\n", ", ", " ", "。", "؟ ", "...\n", "\r\n", "\u2028", "\t", "|\n", "\n- ", "\n• ",
)  # fmt: skip
TAGS = _words(
    "html head body div p span a b i table tr td th ul ol li dl dt dd script style template noscript svg math title "
    "pre code textarea select option optgroup form input button iframe frameset frame object embed img br hr article "
    "main nav header footer aside section h1 h2 h6 font center marquee plaintext xmp listing noframes noembed base "
    "link meta x-y ruby rt rp details summary dialog picture source video audio canvas area map col colgroup caption "
    "tbody thead image isindex"
)
ATTRIBUTES = _words(
    "id class style href src hidden aria-hidden role lang dir charset content name http-equiv data-x onclick value "
    "rel property"
)
ENCODINGS = (
    "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1251", "cp1252", "cp1256", "koi8-r",
    "shift_jis", "euc-jp", "iso-2022-jp", "euc-kr", "gb18030", "big5", "iso-8859-7", "tis-620", "utf-7",
)  # fmt: skip
CHARSETS = (
    *ENCODINGS, "UTF8", '"utf-8"', "'utf-8'", "", "utf-99", "x-user-defined", "unicode", "none", "ascii",
    "windows-31j", "utf-8; charset=latin-1", "\x00", "😀", "idna", "base64", "rot13", "undefined", "punycode",
    "utf-8" * 500,
)  # fmt: skip
MEDIA = (
    "text/html", "TEXT/HTML ", "text/plain", "application/xhtml+xml", "application/xml", "image/png",
    "application/pdf", "application/octet-stream", "text/", "/", "", "\x00", "text/html, text/plain",
    "multipart/mixed", "a/" * 2000, "text",
)  # fmt: skip
# None is a page without a URL.
URLS = (
    None, "", " ", "not a url", "http://", "http://[::1", "http://[::1]/x", "http://]/", "http://a..b/",
    "http://-.example/", "HTTP://User:Pass@EXAMPLE.org:99999/a?b#c", "http://example.org:abc/", "//example.org/x",
    "javascript:alert(1)", "data:text/html,<b>x", "file:///etc/hosts", "urn:x:y", "http://xn--/",
    "http://xn--a.example/", "http://bücher.example/ü?ß", "http://1.2.3.4/", "http://0x7f.1/", "http://１２７.０.０.１/",
    "http://example.org/%", "http://example.org/%zz%ff%00", "http://example.org/casino/sex/poker",
    "http://xxx.example/", "http://example.org/\u202egnp.exe", "http://example.org\\@evil/",
    "http://example.org/\n\t x", "http://" + "a." * 300 + "example/", "http://example.org/" + "a" * 20_000,
    "http://co.uk/", "http://example.org/?" + "k=v&" * 2000, "https://en.example.org/wiki/Page_(x)",
    "\ufeffhttp://example.org/", "http://.../",
)  # fmt: skip

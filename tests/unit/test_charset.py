"""Charsets: what is declared, what is meant, and never an exception."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.text.charset import codec_of, decode_payload, decode_payloads

RUSSIAN = "Все люди рождаются свободными и равными в своём достоинстве и правах."
UKRAINIAN = "Всі люди народжуються вільними і рівними у своїй гідності та правах. Її ґанок."
JAPANESE = "すべての人間は、生まれながらにして自由であり、尊厳と権利とについて平等である。"
KOREAN = "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다."
SIMPLIFIED = "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心。"
TRADITIONAL = "人人生而自由，在尊嚴和權利上一律平等。他們賦有理性和良心。"
GREEK = "Όλοι οι άνθρωποι γεννιούνται ελεύθεροι και ίσοι στην αξιοπρέπεια."
POLISH = "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw."
FRENCH = "Tous les êtres humains naissent libres et égaux en dignité et en droits, doués de raison."
HEBREW = "כל בני האדם נולדו בני חורין ושווים בערכם ובזכויותיהם."

LEGACY = [
    (RUSSIAN, "windows-1251", "windows-1251"),
    (RUSSIAN, "koi8-r", "koi8-r"),
    (JAPANESE, "shift_jis", "cp932"),
    (JAPANESE, "euc-jp", "euc_jp"),
    (JAPANESE, "iso-2022-jp", "iso2022_jp_ext"),
    (KOREAN, "euc-kr", "cp949"),
    (SIMPLIFIED, "gb2312", "gb18030"),
    (TRADITIONAL, "big5", "big5hkscs"),
    (GREEK, "iso-8859-7", "iso8859-7"),
    (POLISH, "iso-8859-2", "iso8859-2"),
    (POLISH, "windows-1250", "windows-1250"),
    (FRENCH, "iso-8859-1", "windows-1252"),
    (HEBREW, "windows-1255", "windows-1255"),
]


def page(text: str, codec: str, head: str = "") -> bytes:
    return f"<html><head>{head}<title>x</title></head><body><p>{text}</p></body></html>".encode(codec)


@pytest.mark.parametrize(("text", "label", "codec"), LEGACY)
@pytest.mark.parametrize("where", ["http", "meta", "http-equiv", "xml"])
def test_a_declared_charset_is_taken_from_wherever_it_stands(text: str, label: str, codec: str, where: str) -> None:
    head = {
        "meta": f'<meta name="a" content="charset=utf-8"><!-- <meta charset=utf-8> --><META charset="{label.upper()}">',
        "http-equiv": f'<meta http-equiv=Content-Type content="text/html; charset={label}">',
    }.get(where, "")
    data = page(text, label, head)
    if where == "xml":
        data = f'<?xml version="1.0" encoding="{label}"?>'.encode() + data
    decoded, used = decode_payload(data, f"text/html; charset={label}" if where == "http" else "text/html")
    assert text in decoded
    assert used == codec


@pytest.mark.parametrize(("text", "label", "codec"), [*LEGACY, (UKRAINIAN.replace("ґ", "г"), "koi8-u", "koi8-u")])
def test_an_undeclared_charset_is_detected(text: str, label: str, codec: str) -> None:
    decoded, _ = decode_payload(page(text, label), None)
    assert text in decoded


@pytest.mark.parametrize("declared", ["utf-8", "utf-16", "no-such-charset"])
@pytest.mark.parametrize(("text", "label", "codec"), LEGACY)
def test_bytes_that_contradict_the_declaration_win(text: str, label: str, codec: str, declared: str) -> None:
    decoded, _ = decode_payload(page(text, label), f"text/html; charset={declared}")
    assert text in decoded


@pytest.mark.parametrize("declared", ["iso-8859-1", "windows-1251", "gb2312", "shift_jis"])
@pytest.mark.parametrize("text", [RUSSIAN, JAPANESE, KOREAN, FRENCH + " œuvre, naïveté, Noël"])
def test_utf8_under_another_name_is_utf8(text: str, declared: str) -> None:
    assert decode_payload(page(text, "utf-8"), f"text/html; charset={declared}") == (
        page(text, "utf-8").decode(),
        "utf-8",
    )


def test_a_double_byte_word_that_happens_to_be_valid_utf8_is_read_as_declared() -> None:
    data = "<p>模</p>".encode("gbk")
    assert data.decode("utf-8") == "<p>ģ</p>"
    assert decode_payload(data, "text/html; charset=gbk") == ("<p>模</p>", "gb18030")


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_beats_every_declaration(codec: str) -> None:
    decoded, _ = decode_payload(RUSSIAN.encode(codec), "text/html; charset=windows-1251")
    assert decoded == RUSSIAN


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_seen_by_its_zeros(codec: str) -> None:
    assert decode_payload(page(FRENCH, codec), "text/html") == (page(FRENCH, "utf-8").decode(), codec)


def test_http_comes_before_meta() -> None:
    data = page(RUSSIAN, "koi8-r", "<meta charset=windows-1251>")
    assert RUSSIAN in decode_payload(data, "text/html; charset='KOI8-R'")[0]


def test_a_spoilt_utf8_page_stays_utf8() -> None:
    data = page(RUSSIAN, "utf-8").replace("людей".encode(), b"\xff").replace("рождаются".encode(), b"\xd1\xff")
    decoded, codec = decode_payload(data, "text/html; charset=utf-8")
    assert codec == "utf-8"
    assert "\ufffd" in decoded
    assert "достоинстве" in decoded
    assert decode_payload(RUSSIAN.encode()[:-1].rstrip(b".") + b"\xd0", "text/html; charset=latin1")[1] == "utf-8"


def test_meta_is_not_looked_for_in_plain_text() -> None:
    data = b"<meta charset=utf-16> " + RUSSIAN.encode("windows-1251")
    assert decode_payload(data, "text/plain; charset=windows-1251")[0].endswith(RUSSIAN)


def test_labels_are_those_of_browsers() -> None:
    assert codec_of(" ISO-8859-1 ") == codec_of("us-ascii") == "windows-1252"
    assert codec_of("ks_c_5601-1987") == "cp949"
    assert codec_of("x-sjis") == "cp932"
    assert codec_of("tis-620") == "cp874"
    assert codec_of("utf-7") is None


AWKWARD = (
    "hz-gb-2312",
    "iso-2022-kr",
    "iso-2022-jp",
    "big5",
    "euc-jp",
    "gb18030",
    "shift_jis",
    "koi8-r",
    "windows-874",
)
HEADERS = (
    None,
    "text/html",
    "text/html; charset=",
    "text/plain; charset=utf-16",
    *(f"a/b; charset={n}" for n in AWKWARD),
)


@settings(deadline=None)
@given(st.binary(max_size=300), st.sampled_from(HEADERS))
def test_no_bytes_raise_and_every_text_can_be_written_as_utf8(data: bytes, content_type: str | None) -> None:
    texts, codecs = decode_payloads([data, None, data], [content_type, None, content_type])
    assert texts[0] == texts[2]
    assert texts[1] == ""
    assert texts[0].encode("utf-8").decode("utf-8") == texts[0]
    assert len(codecs) == 3

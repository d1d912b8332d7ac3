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


# A page as it was when these encodings were the rule: ASCII markup around some sentences.
NEWS = {
    "ru": "Сегодня в городе открылась новая библиотека. Жители давно ждали этого события, и на открытие пришли сотни "
    "людей. Мы хотим, чтобы сюда приходили и дети, и взрослые, сказал директор.",
    "uk": "Сьогодні у місті відкрили нову бібліотеку. Мешканці давно чекали на цю подію. Її директор розповів, що у "
    "фонді вже понад сто тисяч книжок, а читальний зал працюватиме до вечора.",
    "ja": "今日、町に新しい図書館が開館しました。住民は長い間この日を待ち望んでおり、開館式には数百人が訪れました。"
    "蔵書はすでに十万冊を超え、閲覧室は夜遅くまで開いているそうです。カフェやパソコンコーナーもあります。",
    "ko": "오늘 마을에 새 도서관이 문을 열었습니다. 주민들은 오랫동안 이날을 기다려 왔으며 개관식에는 수백 명이 "
    "모였습니다. 열람실은 밤늦게까지 운영된다고 말했습니다.",
    "zh-hans": "今天，城里新开了一家图书馆。居民们盼望这一天已经很久了，"
    "数百人参加了开馆仪式。馆长说，馆藏图书已超过十万册。",
    "zh-hant": "今天，城裡新開了一家圖書館。居民們盼望這一天已經很久了，"
    "數百人參加了開館儀式。館長說，館藏圖書已超過十萬冊。",
    "el": "Σήμερα άνοιξε στην πόλη μια νέα βιβλιοθήκη. Οι κάτοικοι περίμεναν πολύ καιρό αυτή τη μέρα και εκατοντάδες "
    "άνθρωποι ήρθαν στα εγκαίνια.",
    "pl": "Dzisiaj w mieście otwarto nową bibliotekę. Mieszkańcy długo czekali na ten dzień, a księgozbiór liczy już "
    "ponad sto tysięcy książek, powiedział z dumą żegnający się dyrektor.",
    "tr": "Bugün şehirde yeni bir kütüphane açıldı. Sakinler uzun zamandır bu günü bekliyordu ve açılışa yüzlerce kişi "
    "geldi. Okuma salonu gece geç saatlere kadar açık kalacağı söylendi.",
    "he": "היום נפתחה בעיר ספרייה חדשה. התושבים חיכו ליום הזה זמן רב, ומאות אנשים הגיעו לטקס הפתיחה.",
    "ar": "افتتحت اليوم في المدينة مكتبة جديدة. كان السكان ينتظرون هذا اليوم منذ وقت طويل، وحضر مئات الأشخاص الحفل.",
    "lt": "Šiandien mieste atidaryta nauja biblioteka. Gyventojai seniai laukė šios dienos, todėl į atidarymą atėjo "
    "šimtai žmonių. Direktorius sakė, kad fonde jau yra daugiau kaip šimtas tūkstančių knygų.",
    "fr": "Une nouvelle bibliothèque a ouvert aujourd’hui en ville. Les habitants attendaient ce jour depuis longtemps "
    "et des centaines de personnes sont venues à l’inauguration.",
    "th": "วันนี้มีห้องสมุดแห่งใหม่เปิดในเมือง ชาวบ้านรอคอยวันนี้มานานแล้ว และมีผู้คนหลายร้อยคนมาร่วมพิธีเปิด",
}
NEWS_CODECS = [
    ("ru", "windows-1251"), ("ru", "koi8-r"), ("ru", "iso-8859-5"), ("ru", "cp866"), ("uk", "windows-1251"),
    ("uk", "koi8-u"), ("ja", "cp932"), ("ja", "euc-jp"), ("ja", "iso-2022-jp"), ("ko", "cp949"), ("zh-hans", "gbk"),
    ("zh-hans", "gb18030"), ("zh-hant", "big5"), ("zh-hant", "gb18030"), ("el", "windows-1253"), ("pl", "windows-1250"),
    ("pl", "iso-8859-2"), ("tr", "windows-1254"), ("he", "windows-1255"), ("ar", "windows-1256"),
    ("lt", "windows-1257"),
    ("fr", "windows-1252"), ("th", "cp874"), ("ja", "utf-16-le"), ("zh-hans", "utf-16-be"), ("ar", "utf-16-le"),
]  # fmt: skip


def news_page(language: str, codec: str, head: str = "") -> bytes:
    return (
        f"<!DOCTYPE html><html><head>{head}<title>News</title><style>body {{ margin: 0 }}</style></head><body>"
        '<ul id="menu"><li><a href="/">Home</a></li><li><a href="/about.html">About</a></li></ul>'
        f'<div class="content"><p>{NEWS[language]}</p><p>{NEWS[language]}</p></div></body></html>'
    ).encode(codec)


@pytest.mark.parametrize(("language", "codec"), NEWS_CODECS)
@pytest.mark.parametrize("declared", ["nothing", "itself", "utf-8"])
def test_pages_in_legacy_encodings_end_to_end(language: str, codec: str, declared: str) -> None:
    from spark_jobs.operators import registry
    from spark_jobs.text.markup import PayloadBatch

    label = {"nothing": "", "itself": codec, "utf-8": "utf-8"}[declared]
    data = news_page(language, codec, f'<meta charset="{label}">' if label else "")
    found = registry.build("extractors", "main_text").extract(PayloadBatch([data], ["text/html"], [None]))
    assert NEWS[language] in (found.texts[0] or "")


@pytest.mark.parametrize("language", ["ru", "uk", "ja", "ko", "zh-hans", "zh-hant", "el", "he", "ar", "th"])
def test_words_of_another_alphabet_are_not_taken_for_western(language: str) -> None:
    for codec in (codec for name, codec in NEWS_CODECS if name == language):
        decoded, _ = decode_payload(news_page(language, codec), "text/html; charset=iso-8859-1")
        assert NEWS[language] in decoded, codec


def test_western_words_are_taken_as_declared() -> None:
    text = "Ça été; où naïveté, Noël, «œuvre» \u2026 ÉÉÉÉ À"
    assert text in decode_payload(page(text, "windows-1252"), "text/html; charset=iso-8859-1")[0]

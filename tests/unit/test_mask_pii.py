"""Masked addresses and repaired text."""

import json
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import phonenumbers
import pytest
from ftfy import TextFixerConfig, fix_text
from ftfy.badness import MOJIBAKE_CATEGORIES
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from spark_jobs.operators.base import Edited
from spark_jobs.operators.editors.ftfy_repair import FtfyRepair, FtfyRepairParams
from spark_jobs.operators.editors.mask_pii import MaskPii, MaskPiiParams
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.mojibake import neighbours

# arXiv 2506.20920: what FineWeb2 has ftfy repair.
FINEWEB2 = TextFixerConfig(
    fix_latin_ligatures=False,
    fix_character_width=False,
    uncurl_quotes=False,
    fix_line_breaks=False,
    normalization=None,
    explain=False,
)
MAIL, V4, V6 = "email@example.com", "192.0.2.1", "2001:db8::1"
IBAN, CARD, PHONE = "XX00 0000 0000 0000 0000", "0000 0000 0000 0000", "+1 202-555-0100"
SEVERAL = {"email_masks": (MAIL, "firstname.lastname@example.org"), "phone_masks": (PHONE, "+1 202-555-0178")}
MASKS = {"email": MAIL, "ipv4": V4, "ipv6": V6, "iban": IBAN, "card": CARD, "phone": PHONE}
CASES = [json.loads(line) for line in Path(__file__).with_name("pii_cases.jsonl").read_text("utf-8").splitlines()]
MARKED = re.compile(r"\[\[(\w+)\|(.*?)\]\]", re.DOTALL)


def masked(texts: Sequence[str], params: Mapping[str, Any] | None = None, **columns: Sequence[Any]) -> Edited:
    return MaskPii(MaskPiiParams(**(params or {}))).edit(TextBatch.from_texts(texts, **columns))


def mask(*texts: str, **params: Any) -> tuple[list[str], list[int]]:
    edited = masked(texts, params)
    return edited.texts.to_pylist(), edited.counts.tolist()


def repair(*texts: str, **params: Any) -> tuple[list[str], list[int]]:
    edited = FtfyRepair(FtfyRepairParams(**params)).edit(TextBatch.from_texts(texts))
    return edited.texts.to_pylist(), edited.counts.tolist()


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Write to jo.doe+news@mail.co.uk.", f"Write to {MAIL}."),
        ("<a@b.org>,(c_d@e-f.net);mailto:g@h.io?x", f"<{MAIL}>,({MAIL});mailto:{MAIL}?x"),
        ("请联系user@mail.cn谢谢", f"请联系{MAIL}谢谢"),
        ("für müller@größe.de", f"für {MAIL}"),
        ("почта@пример.рф", MAIL),
        ("o'brien@x.com 'me@x.com'", f"{MAIL} '{MAIL}'"),
        ("full width user＠x.jp", f"full width {MAIL}"),
        ("https://host/~me/x@y.com", f"https://host/~me/{MAIL}"),
        ("one@x.com\ntwo@y.com", f"{MAIL}\n{MAIL}"),
        ("ping 8.8.8.8, then 151.101.1.140:443 and 9.9.9.9/32", f"ping {V4}, then {V4}:443 and {V4}/32"),
        ("8.8.8.8 is down", f"{V4} is down"),
        ("http://93.184.216.34/x [1.1.1.1] 8.8.8.8-8.8.4.4.", f"http://{V4}/x [{V4}] {V4}-{V4}."),
        ("地址是220.181.38.148。", f"地址是{V4}。"),
        ("dns 2001:4860:4860::8888.", f"dns {V6}."),
        ("[2606:4700:4700::1111]:53 2a00:1450:4001:81b:0:0:0:200e/64", f"[{V6}]:53 {V6}/64"),
        ("2001:470:0:64::2: unreachable, ::ffff:8.8.8.8", f"{V6}: unreachable, ::ffff:{V4}"),
    ],
)
def test_addresses_are_masked(text: str, masked: str) -> None:
    texts, counts = mask(text)
    assert texts == [masked]
    assert counts[0] >= 1


@pytest.mark.parametrize(
    "text",
    [
        "no address here",
        "foo@bar, @handle, a @ b.com, name@, react@16.8.0, x@y.1",
        "info@example.com root@localhost a@b.test me@sub.example.org",
        "10.0.0.1 127.0.0.1 172.16.3.4 192.168.1.1 169.254.1.1 100.64.0.1 224.0.0.1 255.255.255.255 0.0.0.0",
        "192.0.2.55 198.51.100.7 203.0.113.9",
        "1.2.3.4.5 and 1.2.3 and 300.1.2.3 and 08.08.08.08 and 1.2.3.4567",
        "v1.2.3.4, version 91.0.44.124, Version: 1.2.3.4.5, Chrome/91.0.44.12, lib-81.2.3.4.tar.gz, pkg_81.2.3.4",
        "6.3.1.2. Booting\n 11.5.2.3. Printing\nsee\u00a06.3.9.2, Abschnitt 6.2.5.1",
        "12:34:56 2021:08:25 fe80::1 fd00::1 ::1 2001:db8::8 ff02::1 std::vector a1:b2:c3:d4:e5:f6 2001:",
    ],
)
def test_what_is_nobodys_address_stays(text: str) -> None:
    assert mask(text) == ([text], [0])


def test_counts_are_per_row_and_rows_are_independent() -> None:
    rows = ["a@b.org c@d.org 8.8.8.8", "", "nothing", "x@y.org", "\ud83d".encode("utf-8", "replace").decode()]
    texts, counts = mask(*rows)
    assert counts == [3, 0, 0, 1, 0]
    assert [mask(row)[0][0] for row in rows] == texts


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["text"][:40])
def test_the_numbers_and_addresses_of_many_countries_are_told_from_others(case: dict[str, str]) -> None:
    text = MARKED.sub(lambda mark: mark[2], case["text"])
    wanted = MARKED.sub(lambda mark: MASKS[mark[1]], case["text"])
    edited = masked([text], language=[case.get("language")], host=[case.get("host")])
    assert edited.texts.to_pylist() == [wanted]
    kinds = Counter(mark[1] for mark in MARKED.finditer(case["text"]))
    assert {kind: int(edits.counts[0]) for kind, edits in edited.kinds.items() if edits.counts[0]} == kinds


def test_example_numbers_of_all_countries_are_found_after_a_word_or_with_a_plus_sign() -> None:
    texts, hosts = [], []
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        number = phonenumbers.example_number_for_type(region, phonenumbers.PhoneNumberType.FIXED_LINE)
        if number is None or number.country_code == 1:
            continue  # the examples of North America are kept for fiction
        national, foreign = phonenumbers.PhoneNumberFormat.NATIONAL, phonenumbers.PhoneNumberFormat.INTERNATIONAL
        written = phonenumbers.format_number(number, national)
        # Shorter ones, of small countries, are too much like other numbers; some countries' endings are everybody's.
        if sum(map(str.isdigit, written)) >= 7 and region != "GB" and region.lower() not in MaskPiiParams().phone_hosts:
            texts.append(f"Tel: {written}")
            hosts.append(f"www.example.{region.lower()}")
        texts.append(f"from abroad {phonenumbers.format_number(number, foreign)}")
        hosts.append("www.example.com")
    counts = masked(texts, host=hosts).kinds["phone"].counts
    missed = [text for text, count in zip(texts, counts, strict=True) if count != 1]
    assert len(texts) > 300
    assert missed == []


def test_counts_of_kinds_add_up_to_the_whole() -> None:
    texts = [MARKED.sub(lambda mark: mark[2], case["text"]) for case in CASES]
    columns = {key: [case.get(key) for case in CASES] for key in ("language", "host")}
    edited = masked(texts, MaskPiiParams().model_dump(), **columns)
    new = edited.texts.to_pylist()
    removed = sum(edits.chars_removed for edits in edited.kinds.values())
    assert (sum(edits.counts for edits in edited.kinds.values()) == edited.counts).all()
    assert np.array_equal(removed, [len(old) - len(text) for old, text in zip(texts, new, strict=True)])


def test_the_mask_follows_from_document_and_place_alone() -> None:
    texts = ["a@b.org c@d.org " * 6, "jo.doe+x@y.net m@n.org " * 6]
    several = {"email_masks": (MAIL, "firstname.lastname@example.org")}
    both = masked(texts, several, doc_id=["1", "1"]).texts.to_pylist()
    assert both[0] == both[1], "nothing of the address stays in the mask"
    assert len(set(both[0].split())) == 2, "masks vary within a document"
    alone = [masked([text], several, doc_id=["1"]).texts.to_pylist()[0] for text in texts]
    assert alone == both, "and do not depend on what was masked before"
    others = masked(texts[:1] * 20, several, doc_id=[str(n) for n in range(20)]).texts.to_pylist()
    assert len(set(others)) > 2


def test_equal_texts_stay_equal_under_the_default_so_that_duplicates_are_found() -> None:
    texts = ["a@b.org 8.8.8.8 +49 30 123456"] * 5
    edited = masked(texts, doc_id=[str(n) for n in range(5)])
    assert set(edited.texts.to_pylist()) == {f"{MAIL} {V4} {PHONE}"}


def test_kinds_can_be_switched_off_and_masks_chosen() -> None:
    text = "a@b.org 8.8.8.8 DE89370400440532013000 4111111111111111 +49 30 123456"
    kinds = {"email": MAIL, "ip": V4, "iban": IBAN, "card": CARD, "phone": PHONE}
    for place, kind in enumerate(kinds):
        words = text.split(" ", 4)
        wanted = [
            word if n == place else mask for n, (word, mask) in enumerate(zip(words, kinds.values(), strict=True))
        ]
        assert mask(text, **{kind: False})[0] == [" ".join(wanted)]
    assert mask("a@b.org", email_masks=("[mail]",))[0] == ["[mail]"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"email_masks": ("me@gmail.com",)},
        {"ipv4_masks": ("8.8.8.8",)},
        {"ipv6_masks": (V6, "2a00::1")},
        {"iban_masks": ("DE89 3704 0044 0532 0130 00",)},
        {"card_masks": ("4111 1111 1111 1111",)},
        {"phone_masks": ("+49 30 123456",)},
        {"phone_masks": ("(415) 234-5678",)},
        {"phone_masks": (" ",)},
    ],
)
def test_a_mask_that_would_be_masked_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="reserved"):
        MaskPiiParams(**wrong)


@pytest.mark.parametrize("wrong", [{"phone_leniency": "lax"}, {"email_masks": ()}, {"email_mask": MAIL}])
def test_wrong_parameters_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MaskPiiParams(**wrong)


def test_the_country_comes_from_the_host_then_the_language_and_is_a_parameter() -> None:
    text = "Tel. 044 234 56 78"
    columns = {"language": ["fr", "de", None, "fra_Latn", "fr-CH"], "host": ["x.ch", None, "x.io", "x.org", None]}
    assert masked([text] * 5, **columns).counts.tolist() == [1, 1, 0, 1, 1]
    off = {"phone_regions": {}, "phone_hosts": {"ch": ""}}
    assert masked([text] * 5, off, **columns).counts.tolist() == [0] * 5
    mapped = {"phone_regions": {}, "phone_hosts": {"io": "CH"}}
    assert masked([text] * 5, mapped, **columns).counts.tolist() == [1, 0, 1, 0, 0]


def test_strictness_is_about_numbers_that_nothing_announces() -> None:
    odd, columns = "Büro 03012 34-56", {"language": ["de"]}
    counts = {
        leniency: masked([odd], {"phone_leniency": leniency}, **columns).counts.tolist()
        for leniency in ("possible", "valid", "strict_grouping", "exact_grouping")
    }
    assert counts["valid"] == [1]
    assert counts["exact_grouping"] == [0]
    assert masked(["Tel. 03012 34-56"], **columns).counts.tolist() == [1]


def test_words_that_announce_a_number_are_a_parameter() -> None:
    assert mask("Ruf 030123456")[1] == [0]
    cues = {"phone_cues": ("ruf",)}
    assert masked(["Ruf 030123456"], cues, language=["de"]).counts.tolist() == [1]


PARTS = ("a", "b.org", "@", "x@y.com", ".", "-", "_", "+", "8.8.8.8", "1.2.3.4", "2a00:1450::1", ":", "::", " ", "\n")
MORE = ("9", "é", "中", "v", "/", "example.com", "＠", "com", "version ", "Tel. ", "(", ")", "0", "49", ", ", "ext. 5")
NUMBERS = ("030 123456", "+49 30 123456", "DE89 3704 0044 0532 0130 00", "4111 1111 1111 1111", "DE89", "4111 ", "٣")
PIECES = (*PARTS, *MORE, *NUMBERS, *MASKS.values(), "firstname.lastname@example.org", "+1 202-555-0178")


@settings(max_examples=1000, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join), st.sampled_from(("de", "en", "zh", None)))
def test_masking_twice_is_masking_once(text: str, language: str | None) -> None:
    for params in ({}, SEVERAL):
        once = masked([text], params, language=[language]).texts.to_pylist()
        again = masked(once, params, language=[language])
        assert (again.texts.to_pylist(), again.counts.tolist()) == (once, [0])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=10).map("".join))
def test_rows_do_not_depend_on_each_other(text: str) -> None:
    texts = ["4111 1111", text, "", f"{text} Tel. 030 123456", "x@y.com"]
    together = masked(texts, language=["de"] * 5).texts.to_pylist()
    assert [masked([one], language=["de"]).texts.to_pylist()[0] for one in texts] == together


def test_long_runs_cost_linear_time() -> None:
    begin = time.monotonic()
    addresses = ("a", "a.", "@", "1.", "2001:", "a@b.", "a@b.c.", "8.8.8.8-", "中@", "20")
    numbers = (
        "+49 30 123456 ",
        "030 123456, ",
        "1-",
        "(0",
        "4111 ",
        "4111 1111 1111 1111 ",
        "DE89",
        "+",
        "0 ",
        "12 34 ",
    )
    for piece in addresses:
        mask(piece * 200_000 + "@b.c")
    for piece in numbers:
        masked([piece * 20_000], language=["de"])
    assert time.monotonic() - begin < 120, "quadratic work takes minutes"


def test_repairs_of_encoding_entities_and_controls() -> None:
    texts, counts = repair(
        "The cafÃ© â€” closed.\nfine",
        "salt &amp; pepper",
        "<b>\n&amp;",
        "\x1b[31mred\x1b[0m\x07\ufeff",
        "plain",
        "naïve “x”",
    )
    assert texts == ["The café — closed.\nfine", "salt & pepper", "<b>\n&amp;", "red", "plain", "naïve “x”"]
    assert counts == [1, 1, 0, 1, 0, 0]


def test_width_ligatures_quotes_line_ends_and_normal_form_stay() -> None:
    text = "ＡＢＣ　１２３ ﬁne “quotes” ‘x’ cafe\u0301 Å\u212b\r\nend"
    assert repair(text) == ([text], [0])


def test_each_repair_can_be_switched_off() -> None:
    assert repair("cafÃ©", fix_encoding=False)[1] == [0]
    assert repair("a &amp; b", unescape_html="never")[1] == [0]
    assert repair("<\n&amp;", unescape_html="always")[0] == ["<\n&"]
    assert repair("a\x07b", remove_control_chars=False, fix_encoding=False)[1] == [0]


def test_a_line_is_judged_with_its_newline_and_by_itself() -> None:
    # ftfy knows mojibake that begins or ends a line; a text is not one long line.
    text = "A line.\nÂ sign\nsiècle Ã\n"
    assert repair(text)[0] == [fix_text(text, FINEWEB2)]
    assert repair(text)[1][0] > 0


def test_references_are_resolved_up_to_the_first_tag() -> None:
    text = "a &amp; b\n&lt;p&gt;\n<br> &amp;\n&amp; c\n"
    assert repair(text, "&amp;") == (["a & b\n<p>\n<br> &amp;\n&amp; c\n", "&"], [2, 1])
    assert repair("&" * 100 + "amp;" + "&verylongnamethatisnoreferenceatall;")[1] == [1]


def test_another_mojibake_test_of_ftfy_is_refused_if_it_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for pattern in ("[é](x|y)", "é{2}", "[a-z][A-Z]", "é?"):
        neighbours.cache_clear()
        monkeypatch.setattr("ftfy.badness.BADNESS_RE", re.compile(pattern))
        with pytest.raises(ValueError, match="ftfy"):
            neighbours(mojibake=True)
    neighbours.cache_clear()


def category_characters() -> list[str]:
    plane = "".join(map(chr, range(0x10000)))
    return [one for members in MOJIBAKE_CATEGORIES.values() for one in re.findall(f"[{members}]", plane)]


CATEGORIES = category_characters()
SUSPECT = (
    "Ã©",
    "â€™",
    "&lt;",
    "<",
    "\n",
    "à¤",
    "Ð°",
    "вЂ",
    "\x85",
    "œ ",
    "Â°",
    "œ",
    "Â ",
    "ГўВЂВ",
    "&eacute;",
    "\x1b[1m",
)


@settings(max_examples=2000, deadline=None)
@given(
    st.lists(st.one_of(st.text(max_size=4), st.sampled_from(SUSPECT), st.sampled_from(CATEGORIES)), max_size=8).map(
        "".join
    )
)
def test_what_is_not_shown_to_ftfy_would_not_have_changed(text: str) -> None:
    assert repair(text)[0] == [fix_text(text, FINEWEB2)]


def test_mojibake_of_many_charsets_is_shown_to_ftfy() -> None:
    text = "The café naïve Übergröße “quoted” — señor 10 € été ça œuvre Москва αβγ 日本"
    for charset in ("latin-1", "cp1252", "cp1251", "cp1253", "cp1254", "cp1257", "cp437", "mac-roman", "iso8859-2"):
        for end in range(4, len(text)):
            broken = text[:end].encode().decode(charset, "replace")
            assert repair(broken)[0] == [fix_text(broken, FINEWEB2)]

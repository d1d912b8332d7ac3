"""Masked addresses and repaired text."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from spark_jobs.operators.editors.ftfy_repair import FtfyRepair, FtfyRepairParams
from spark_jobs.operators.editors.mask_pii import MaskPii, MaskPiiParams
from spark_jobs.text.batch import TextBatch

MAIL, V4, V6 = "email@example.com", "192.0.2.1", "2001:db8::1"


def mask(*texts: str, **params: Any) -> tuple[list[str], list[int]]:
    edited = MaskPii(MaskPiiParams(**params)).edit(TextBatch.from_texts(texts))
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


def test_nothing_of_the_address_stays_in_the_mask() -> None:
    assert mask("jo@b.org")[0] == mask("an@c.org")[0]


def test_kinds_can_be_switched_off_and_masks_chosen() -> None:
    assert mask("a@b.org 8.8.8.8", email=False)[0] == [f"a@b.org {V4}"]
    assert mask("a@b.org 8.8.8.8", ip=False, email_mask="[mail]")[0] == ["[mail] 8.8.8.8"]


@pytest.mark.parametrize("wrong", [{"email_mask": "me@gmail.com"}, {"ipv4_mask": "8.8.8.8"}, {"ipv6_mask": "2a00::1"}])
def test_a_mask_that_would_be_masked_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="reserved"):
        MaskPiiParams(**wrong)


PARTS = ("a", "b.org", "@", "x@y.com", ".", "-", "_", "+", "8.8.8.8", "1.2.3.4", "2a00:1450::1", ":", "::", " ", "\n")
MORE = ("9", "é", "中", "v", "/", "example.com", "＠", "com", "version ")
PIECES = (*PARTS, *MORE, MAIL, V4, V6)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_masking_twice_is_masking_once(text: str) -> None:
    once, _ = mask(text)
    assert mask(*once) == (once, [0])


def test_long_runs_cost_linear_time() -> None:
    begin = time.monotonic()
    for piece in ("a", "a.", "@", "1.", "2001:", "a@b.", "a@b.c.", "8.8.8.8-", "中@", "20"):
        mask(piece * 200_000 + "@b.c")
    assert time.monotonic() - begin < 60, "quadratic work takes minutes"


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


SUSPECT = ("Ã©", "â€™", "&lt;", "<", "\n", "à¤", "Ð°", "вЂ", "\x85", "œ ", "Â°")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.text(max_size=8), st.sampled_from(SUSPECT)), max_size=8).map("".join))
def test_the_prefilter_hides_nothing_from_ftfy(text: str) -> None:
    from ftfy import TextFixerConfig, fix_text

    config = TextFixerConfig(
        fix_latin_ligatures=False,
        fix_character_width=False,
        uncurl_quotes=False,
        fix_line_breaks=False,
        normalization=None,
        explain=False,
    )
    assert repair(text)[0] == [fix_text(text, config)]

"""Pages that hold no page: each kind in many languages, and articles that speak of them."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from spark_jobs.operators.filters.error_pages import KINDS, ErrorPages, ErrorPagesParams
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.fault_phrases import PHRASES


def reasons(*texts: str, **params: Any) -> list[tuple[str, ...]]:
    operator = ErrorPages(ErrorPagesParams(**params))
    signals = operator.annotate(TextBatch.from_texts(texts))
    rules = [rule for rule in operator.rules() if rule.minimum is not None]
    return [
        tuple(rule.reason for rule in rules if signals[rule.signal][row] < (rule.minimum or 0))
        for row in range(len(texts))
    ]


PAGES = {
    "not_found": [
        "Example Shop\nMenu\n404 – Page Not Found\nThe link may be broken. Go back to the home page.",
        "Seite nicht gefunden\nDie gewünschte Seite gibt es nicht (mehr).",
        "Oups ! Cette page n’existe pas.\nRetour à l'accueil",
        "Страница не найдена\nВернуться на главную",
        "ページが見つかりませんでした。トップページへ戻る",
        "抱歉，您访问的页面不存在。返回首页",
        "الصفحة غير موجودة - العودة إلى الرئيسية",
        "صفحه مورد نظر یافت نشد",
        "페이지를 찾을 수 없습니다.",
        "PAGE NOT\u00a0FOUND",
    ],
    "server_error": [
        "503 Service Unavailable\nnginx",
        "Acceso denegado",
        "网站维护中，请稍后再试",
        "Access Denied\nReference #18",
    ],
    "login_wall": [
        "You must be logged in to view this topic.",
        "Veuillez vous connecter pour continuer.",
        "请先登录后再操作",
    ],
    "cookie_wall": [
        "We value your privacy\nWe and our partners store data.\nAccept all cookies",
        "Wir verwenden Cookies. OK",
    ],
    "paywall": [
        "The teaser of a story ends here …\nAlready a subscriber? Sign in.",
        "Article réservé aux abonnés. Il reste 80 %.",
    ],
    "no_javascript": [
        "You need to enable JavaScript to run this app.",
        "Bitte aktivieren Sie JavaScript.",
        "请启用JavaScript后继续",
    ],
    "bot_check": [
        "Just a moment...\nVerifying you are human. This may take a few seconds.",
        "Подтвердите, что вы не робот",
    ],
    "parked_domain": ["buy.example\nThis domain is for sale! Make an offer.", "Diese Domain steht zum Verkauf"],
    "placeholder": ["Coming soon", "Welcome to nginx!\nIf you see this page, the web server works.", "建设中"],
    "directory_listing": ["Index of /pub/data\n" + "file.txt 2020-01-01 10:00 4.0K\n" * 500],
}


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in PAGES.items() for text in texts])
def test_each_kind_is_told_in_many_languages(kind: str, text: str) -> None:
    assert kind in reasons(text)[0]


def test_every_kind_has_a_page_a_reason_and_phrases() -> None:
    assert set(PAGES) == set(KINDS) == set(PHRASES)
    assert [rule.reason for rule in ErrorPages(ErrorPagesParams()).rules()] == list(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_every_phrase_is_found_in_any_case_and_none_twice(kind: str) -> None:
    assert len(set(PHRASES[kind])) == len(PHRASES[kind])
    operator = ErrorPages(ErrorPagesParams())
    for texts in (PHRASES[kind], [phrase.upper() for phrase in PHRASES[kind] if phrase.isascii()]):
        words = operator.annotate(TextBatch.from_texts(texts))[f"{kind}_words"]
        assert [text for text, found in zip(texts, words, strict=True) if np.isnan(found)] == []


FILLER = "The authors describe how sites answer when an address leads nowhere, and what readers do then. "


@pytest.mark.parametrize(
    "opening",
    [
        "Designing a page not found screen",
        "Why you see 403 Forbidden, and how to fix it",
        "Browsers say “please enable JavaScript to continue” when scripts are off.",
        "Cookie notices: “We use cookies” is what nearly every site says.",
        "CAPTCHAs ask users to verify you are human.",
        "The history of “this domain is for sale” pages",
        "The film is coming soon to theatres.",
    ],
)
def test_an_article_that_speaks_of_it_stays(opening: str) -> None:
    assert reasons(f"{opening}\n{FILLER * 15}") == [()]


def test_titles_count_at_the_beginning_only_and_walls_further_down_too() -> None:
    before = "Some words of a short note that stand before it. " * 4
    assert reasons(f"{before}page not found", f"{before}subscribe to continue reading") == [(), ("paywall",)]
    assert reasons(f"{before}page not found", title_chars=500) == [("not_found",)]
    assert reasons(f"{before}subscribe to continue reading", opening_chars=100) == [()]


def test_bounds_are_inclusive_and_each_can_be_moved_or_switched_off() -> None:
    text = "page not found" + " word" * 7
    assert reasons(text, min_words_not_found=10) == [()]
    assert reasons(text, min_words_not_found=11) == [("not_found",)]
    assert reasons(text, min_words_not_found=None) == [()]


def test_signals_say_kind_words_and_place_of_the_first_phrase() -> None:
    signals = ErrorPages(ErrorPagesParams()).annotate(
        TextBatch.from_texts(["Ho: page not found. You must log in", "page", "", "Page not found"])
    )
    assert signals["position_chars"][[0, 3]].tolist() == [4.0, 0.0]
    assert signals["not_found_words"][[0, 3]].tolist() == [10.0, 3.0]
    assert signals["login_wall_words"][0] == 10.0
    assert all(np.isnan(values[[1, 2]]).all() for values in signals.values())


def test_phrases_are_parameters() -> None:
    own = {"not_found": ("nada por aquí",), "paywall": ()}
    assert reasons("Nada por aquí", "page not found", phrases=own) == [("not_found",), ()]
    assert reasons("page not found", phrases={}) == [()]
    with pytest.raises(ValidationError, match="no such kind: soft_404"):
        ErrorPagesParams(phrases={"soft_404": ("x",)})
    with pytest.raises(ValidationError, match="not white space"):
        ErrorPagesParams(phrases={"paywall": (" ",)})

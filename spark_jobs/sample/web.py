"""The hand-written web: the articles as pages of sites with navigation and footers, near-copies, changed and vanished pages."""

from collections.abc import Iterator

from spark_jobs.sample.texts import ARTICLES, Article
from spark_jobs.sample.volume import Page

_MENU = ("Home", "News", "Archive", "Contact")
_EDITED = "/2026/library-roof"
_COPIED = ("/2026/ferry-timetable", "/2026/beekeepers", "/bread/rye")
_PERSONAL = "/2026/beekeepers"


def web_pages(snapshot: int) -> tuple[Page, ...]:
    """The pages of a snapshot (0 or 1): what is new, changed and gone between them is what real sites do."""
    return tuple(_pages(snapshot))


def _pages(snapshot: int) -> Iterator[Page]:
    here = [article for article in ARTICLES if snapshot in article.snapshots]
    for article in here:
        changed = _changed(article) if snapshot == 1 and article.path == _EDITED else article
        yield _page(changed, f"https://{article.site}{article.path}")
        if article.path in _COPIED:
            yield _page(_near_copy(article), f"https://news-mirror.example{article.path}.html")
            yield _page(article, f"https://{article.site}{article.path}?utm_source=letter")
    for site in dict.fromkeys(article.site for article in here):
        yield _front_page(site, [article for article in here if article.site == site])


def _changed(article: Article) -> Article:
    added = (
        "In June the regional fund agreed to pay for the new roof. The work will begin when the swifts that nest under "
        "the gutter have left, and the librarians have kept four of the buckets, which now hold umbrellas."
    )
    return article._replace(paragraphs=(*article.paragraphs, added))


def _near_copy(article: Article) -> Article:
    """What a site that lives on other sites' texts does: another title, one sentence exchanged, the rest taken over."""
    first, *rest = article.paragraphs
    sentences = first.split(". ")
    sentences[-1] = "You can read more about it in our overview of the week."
    return article._replace(title=f"{article.title} - overview", paragraphs=(". ".join(sentences), *rest))


def _page(article: Article, url: str) -> Page:
    body = "\n".join(f"<p>{text}</p>" for text in article.paragraphs)
    contact = "<p>Letters to the editor reach us at letters@harbour-post.provender-sample.net, or call at the office. Our mail server at 93.184.216.34 is old but patient.</p>"
    extra = contact if article.path == _PERSONAL and article.site.startswith("harbour") else ""
    menu = "".join(f"<li><a href='/{name.lower()}'>{name}</a></li>" for name in _MENU)
    html = (
        f"<!doctype html>\n<html lang='{article.language}'><head><meta charset='{article.encoding}'><title>{article.title}</title>"
        "<style>body{margin:2em}</style><script>var seen = {page: 1};</script></head><body>"
        f"<header><nav><ul>{menu}</ul></nav></header><main><article><h1>{article.title}</h1>\n{body}\n{extra}</article></main>"
        f"<footer><ul><li><a href='/imprint'>Imprint</a></li><li><a href='/feed'>Feed</a></li></ul><p>{article.site}</p></footer>"
        "</body></html>"
    )
    # No charset in the header: as on half of the real web, only the page itself says it.
    return Page(url, html.encode(article.encoding), "text/html")


def _front_page(site: str, articles: list[Article]) -> Page:
    links = "".join(f"<li><a href='{article.path}'>{article.title}</a></li>" for article in articles)
    html = f"<!doctype html><html><head><meta charset='utf-8'><title>{site}</title></head><body><ul>{links}</ul></body></html>"
    return Page(f"https://{site}/", html)

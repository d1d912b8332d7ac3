"""What most of the web is: shop pages, listings, short notes about little. It passes the rules and teaches little.

Sentences of our own are put together by hash, so there are many pages, each different, and the same ones every time.
"""

import hashlib
from collections.abc import Iterator

from spark_jobs.sample.volume import Page

_PAGES = 160
_SENTENCES = 13
_SITES = ("cheap-socks", "weekend-deals", "pet-corner")
_THING = (
    "sofa", "phone case", "rain jacket", "garden chair", "dog bed", "coffee mug", "desk lamp", "yoga mat", "lunch box", "party hat",
    "bath towel", "travel bag", "bike helmet", "picnic basket", "wall clock", "cat toy", "winter scarf", "beach tent", "tool set",
    "photo frame", "door mat", "water bottle", "hair dryer", "night light", "toy train", "kitchen scale", "sun hat", "pillow",
)  # fmt: skip
_PRAISE = (
    "so cute", "super soft", "really cheap", "a total must", "better than ever", "just amazing", "great fun", "a real bargain",
    "so easy", "totally worth it", "very pretty", "a big hit", "simply perfect", "nice and light", "our favourite",
)  # fmt: skip
_WHO = (
    "my sister", "our customers", "everybody at work", "your best friend", "the neighbours", "mum and dad", "all our fans",
    "my boyfriend", "the whole team", "a lady from the shop", "half the street", "the kids",
)  # fmt: skip
_WHEN = (
    "this weekend", "today only", "right now", "before Friday", "all summer long", "while stocks last", "next week", "until Sunday",
    "in our spring sale", "for one more day", "every morning", "since last year",
)  # fmt: skip
_PLACE = (
    "the shop",
    "our page",
    "the big store",
    "the market",
    "my street",
    "the mall",
    "town",
    "the new outlet",
    "our blog",
)
_COLOUR = ("red", "blue", "pink", "green", "yellow", "grey", "purple", "orange", "black and white", "mint")
_TEMPLATES = (
    "We just love this {thing} and {who} said that it is {praise}.",
    "Get your {colour} {thing} {when} and have a lot of fun with it.",
    "Hurry up, because {who} and {who2} want to have the {colour} one too!",
    "Have you seen the {thing} that they sell at {place} {when}?",
    "It comes in {colour} and {colour2}, and to be honest the {colour} one is {praise}.",
    "I got mine at {place} and {who} got the {colour} {thing} with it.",
    "Click on the picture of the {thing} to see what {who} had to say.",
    "Do not forget to tell {who} that the {thing} is {praise} {when}.",
    "The {thing} goes so well with a {colour} {thing2} that you will want both.",
    "Last time the {colour} {thing} was gone in an hour, so be quick {when}!",
    "Thanks to {who} we have a new {thing} on {place} that is {praise}.",
    "Who would have thought that a {thing} from {place} could be {praise}?",
    "Free gift with every {colour} {thing} that you order {when}.",
    "Tag {who} below and win a {thing} and a {colour} {thing2}!",
    "Honestly, the {thing2} is okay, but the {colour} {thing} is {praise}.",
    "Our team at {place} will wrap the {thing} for {who} {when}.",
    "You can have it in {colour}, which {who} says is {praise}.",
    "Wow, that {colour} {thing} of {who} is {praise}, and it is on sale {when}.",
    "Sign up with {place} and we send you a {thing} of the week to try.",
    "So many of you asked about the {thing}, and yes, it will be back at {place} {when}.",
    "Pair it with the {thing2} from {place} to be the star of {when}.",
    "We have more {colour} things that {who} will like, so look around.",
)


def chatter_pages(snapshot: int) -> tuple[Page, ...]:
    """The pages of a snapshot; such sites change all the time, so a third of them is new in the second one."""
    return tuple(_pages(snapshot))


def _pages(snapshot: int) -> Iterator[Page]:
    for number in range(_PAGES):
        fate = _draw(f"fate:{number}", 6)
        if fate == snapshot:
            continue
        edition = snapshot if fate in (2, 3) else 0
        site = _SITES[number % len(_SITES)]
        lines = [_sentence(f"{number}:{edition}:{line}") for line in range(_SENTENCES)]
        blocks = "".join(f"<p>{' '.join(lines[start : start + 4])}</p>" for start in range(0, _SENTENCES, 4))
        html = (
            f"<!doctype html><html lang='en'><head><title>{site}</title></head><body><ul><li><a href='/'>Shop</a></li>"
            f"<li><a href='/sale'>Sale</a></li></ul><main><h1>Post {number}</h1>{blocks}</main></body></html>"
        )
        yield Page(f"https://{site}.example/post/{number}", html)


def _sentence(key: str) -> str:
    def pick(name: str, values: tuple[str, ...]) -> str:
        return values[_draw(f"{key}:{name}", len(values))]

    return pick("template", _TEMPLATES).format(
        thing=pick("thing", _THING), thing2=pick("thing2", _THING), praise=pick("praise", _PRAISE), who=pick("who", _WHO),
        who2=pick("who2", _WHO), when=pick("when", _WHEN), place=pick("place", _PLACE), colour=pick("colour", _COLOUR),
        colour2=pick("colour2", _COLOUR),
    )  # fmt: skip


def _draw(key: str, among: int) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8]) % among

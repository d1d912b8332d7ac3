"""Character references of HTML (`&amp;`, `&#8212;`) become characters, whatever a page writes in them."""

import html
import re

# Eight digits are beyond Unicode's 1,114,111, and Python refuses to read thousands of digits as a number.
_ZEROS = re.compile(r"(?<=&#)0+(?=[0-9])")
_BEYOND = re.compile(r"&#[0-9]{8,};?")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def unescape(text: str) -> str:
    """The text with its references resolved (WHATWG HTML, 13.2.5.80); U+FFFD for a number that no character has."""
    if "&#" in text:
        text = _BEYOND.sub(_REPLACEMENT, _ZEROS.sub("", text))
    return html.unescape(text)

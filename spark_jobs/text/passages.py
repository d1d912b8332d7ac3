"""Passages: a part of a document that a small generator can take in, chosen by the text and a key alone.

Long input loses information in a rewrite (arXiv 2401.16380 takes at most 300 tokens); a passage is the unit instead.
"""

import hashlib
import re

_SENTENCE_END = re.compile(r"[.!?\u3002\uff01\uff1f](?=\s|$)")
_PROSE = re.compile(r"[.!?\u3002\uff01\uff1f][\"')\]\u201d\u2019]*$")

# Running text is letters but for its punctuation; code, tables and link lists are not.
_PROSE_LETTERS = 0.9


def passage(text: str, *, min_words: int, max_words: int, key: str) -> str:
    """A run of paragraphs of `min_words..max_words` white-space words; `key` chooses among those that fit.

    Paragraphs end at blank lines, else at line ends. Prose (it ends like a sentence and is letters for the most part)
    goes before code, lists and headings. Without any that fits: the head of the document, cut at the last sentence end
    that leaves `min_words`, else after `max_words`.
    """
    blocks = [block.strip() for block in re.split(r"\n\s*\n", text) if block.strip()]
    if len(blocks) < 2:
        blocks = [line.strip() for line in text.split("\n") if line.strip()]
    runs = _runs(blocks, min_words, max_words)
    prose = [run for run in runs if _is_prose(run)]
    choice = prose or runs
    if choice:
        return choice[int.from_bytes(hashlib.sha256(f"passage\0{key}".encode()).digest()[:8], "big") % len(choice)]
    return _head(text, min_words, max_words)


def _runs(blocks: list[str], min_words: int, max_words: int) -> list[str]:
    """Neighbouring paragraphs gathered until they hold `min_words`, where that stays within `max_words`."""
    runs: list[str] = []
    gathered: list[str] = []
    count = 0
    for block in blocks:
        size = len(block.split())
        if count + size > max_words:
            gathered, count = [], 0
        if size > max_words:
            continue
        gathered.append(block)
        count += size
        if count >= min_words:
            runs.append("\n\n".join(gathered))
            gathered, count = [], 0
    return runs


def _is_prose(run: str) -> bool:
    solid = sum(not char.isspace() for char in run)
    return bool(_PROSE.search(run)) and sum(map(str.isalpha, run)) >= _PROSE_LETTERS * solid


def _head(text: str, min_words: int, max_words: int) -> str:
    ends = [match.end() for match in re.finditer(r"\S+", text)][:max_words]
    if not ends:
        return ""
    head = text[: ends[-1]]
    least = ends[min(min_words, len(ends)) - 1]
    cuts = [match.end() for match in _SENTENCE_END.finditer(head) if match.end() >= least]
    return head[: cuts[-1]].strip() if cuts else head.strip()

r"""Formulas of a page as text: LaTeX between dollar signs in place of MathML, MathJax and KaTeX markup and pictures.

The page is rewritten before an extractor sees it. Formulas in the text (`$...$`, `\(...\)`) stay
as they are. As in OpenWebMath (arXiv 2310.06786) and InfiMM-WebMath (arXiv 2409.12568).
"""

import html
import re
from typing import Final

from spark_jobs.text.character_references import unescape
from spark_jobs.text.mathml import to_latex

# Nothing of this in a page, nothing to do.
_ANY: Final = re.compile(
    r"<math|math/(?:tex|asciimath)|katex|<img[^>]*\b(?:tex|latex|math)\b|latex\.php", re.IGNORECASE
)
_SCRIPT = re.compile(
    r"<script[^>]*\btype\s*=\s*[\"']?math/(tex|asciimath)([^\"'>]*)[\"']?[^>]*>(.*?)</script\s*>",
    re.IGNORECASE | re.DOTALL,
)
_MATH = re.compile(r"<(?:\w+:)?math\b([^>]*)>(.*?)</(?:\w+:)?math\s*>", re.IGNORECASE | re.DOTALL)
_TEX_ANNOTATION = re.compile(
    r"<annotation[^>]*\bencoding\s*=\s*[\"']?(?:application/x-tex|TeX|LaTeX)\b[^>]*>(.*?)</annotation\s*>",
    re.IGNORECASE | re.DOTALL,
)
_RENDERED: Final = re.compile(
    r"<span[^>]*\bclass\s*=\s*[\"']?[^\"'>]*\b(?:katex-html|MathJax_Preview|MathJax_SVG|MathJax_CHTML|mjx-chtml|MathJax)\b"
    r"[^>]*>",
    re.IGNORECASE,
)
_SPAN = re.compile(r"<(/?)span\b[^>]*>", re.IGNORECASE)
_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_IMAGE_OF_TEX = re.compile(
    r"\bclass\s*=\s*[\"']?[^\"'>]*(?<![\w-])(?:tex|latex|mwe-math-fallback-image-\w+|ee_img)(?![\w-])|"
    r"\bsrc\s*=\s*[\"']?[^\"'> ]*(?:latex\.php\?|latex\.codecogs\.com/|chart\?cht=tx)",
    re.IGNORECASE,
)
_ALT = re.compile(r"\balt\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_ALTTEXT = re.compile(r"\balttext\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_DISPLAY = re.compile(r"\bdisplay\s*=\s*[\"']?block\b|\bmode\s*=\s*[\"']?display\b", re.IGNORECASE)
_STYLE = re.compile(r"^\s*\{\s*\\(?:display|text|script)style\b(.*)\}\s*$", re.DOTALL)
_NEAR = 400  # characters between a formula and the picture that is shown where it cannot be


def mark_math(page: str) -> str:
    """The page with its formulas as text; the same object where it has none."""
    if not _ANY.search(page):
        return page
    found = _without_rendering(page)
    found = _SCRIPT.sub(_of_script, found)
    found = _MATH.sub(_of_mathml, found)
    found = _without_pictures(found)
    return found if found != page else page


def _formula(latex: str, *, display: bool) -> str:
    """LaTeX as markup text, between delimiters; nothing for nothing."""
    plain = " ".join(latex.split())
    while True:
        inner = _STYLE.match(plain)
        if not inner:
            break
        plain = inner.group(1).strip()
    if not plain:
        return ""
    for opening, closing in (("$$", "$$"), ("\\[", "\\]"), ("\\(", "\\)"), ("$", "$")):
        if plain.startswith(opening) and plain.endswith(closing) and len(plain) > len(opening) + len(closing):
            return html.escape(plain, quote=False)
    mark = "$$" if display else "$"
    return f"{mark}{html.escape(plain, quote=False)}{mark}"


def _of_script(match: re.Match[str]) -> str:
    kind, options, code = match.groups()
    if kind.lower() == "asciimath":
        return f"`{html.escape(' '.join(code.split()), quote=False)}`"
    return _formula(code, display="display" in options.lower())


def _of_mathml(match: re.Match[str]) -> str:
    attributes, inside = match.groups()
    annotation = _TEX_ANNOTATION.search(inside)
    alt = _ALTTEXT.search(attributes)
    if annotation:
        latex = unescape(annotation.group(1))
    elif alt and (alt.group(1) or alt.group(2) or "").strip():
        latex = unescape(alt.group(1) or alt.group(2) or "")
    else:
        latex = to_latex(inside)
    return _formula(latex, display=bool(_DISPLAY.search(attributes)))


def _without_rendering(page: str) -> str:
    """The page without the spans that draw a formula whose source stands beside them."""
    kept = []
    position = 0
    for match in _RENDERED.finditer(page):
        if match.start() < position:
            continue
        depth = 1
        end = -1
        for span in _SPAN.finditer(page, match.end()):
            depth += -1 if span.group(1) else 1
            if depth == 0:
                end = span.end()
                break
        if end < 0:
            break
        drawn = page[match.start() : end]
        # Assistive MathML inside of the drawing is all there is of some formulas.
        inner = _MATH.search(drawn)
        kept += [page[position : match.start()], inner.group(0) if inner else ""]
        position = end
    kept.append(page[position:])
    return "".join(kept)


def _without_pictures(page: str) -> str:
    """Pictures of formulas by their alternative text, left out where the formula itself came just before."""
    kept = []
    position = 0
    for match in _IMAGE.finditer(page):
        if not _IMAGE_OF_TEX.search(match.group(0)):
            continue
        alt = _ALT.search(match.group(0))
        latex = unescape((alt.group(1) or alt.group(2) or "") if alt else "")
        formula = _formula(latex, display=False)
        before = page[max(position, match.start() - _NEAR) : match.start()]
        shown = bool(formula) and formula.strip("$") in before
        kept += [page[position : match.start()], "" if shown else formula]
        position = match.end()
    kept.append(page[position:])
    return "".join(kept)

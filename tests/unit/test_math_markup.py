"""Formulas: every way a page writes them comes out as LaTeX between delimiters, once."""

import pytest

from spark_jobs.operators import registry
from spark_jobs.text.markup import PayloadBatch
from spark_jobs.text.math_markup import mark_math
from spark_jobs.text.mathml import to_latex

KATEX = (
    '<span class="katex"><span class="katex-mathml"><math><semantics><mrow><mi>E</mi></mrow>'
    '<annotation encoding="application/x-tex">E = mc^2 &lt; 1</annotation></semantics></math></span>'
    '<span class="katex-html" aria-hidden="true"><span class="base"><span>E=mc</span>2</span></span></span>'
)
ROW = "<mtr><mtd><mn>{}</mn></mtd><mtd><mn>{}</mn></mtd></mtr>"
WIKI = (
    '<span class="mwe-math-element"><span class="mwe-math-mathml-inline" style="display: none;"><math '
    'alttext="{\\displaystyle x^{2}}"><semantics><mi>x</mi></semantics></math></span>'
    '<img src="a.svg" class="mwe-math-fallback-image-inline" alt="{\\displaystyle x^{2}}"></span>'
)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (KATEX, "$E = mc^2 &lt; 1$"),
        ('<script type="math/tex">a_1</script>', "$a_1$"),
        ('<script type="math/tex; mode=display">\\sum_i a < b</script>', "$$\\sum_i a &lt; b$$"),
        ("<script type='math/asciimath'>sum x</script>", "`sum x`"),
        ('<img class="latex" src="x.png" alt="\\alpha &gt; 1">', "$\\alpha &gt; 1$"),
        ('<img alt="x^2" src="https://latex.codecogs.com/gif.latex?x%5E2">', "$x^2$"),
        ('<math display="block"><mfrac><mn>1</mn><mi>n</mi></mfrac></math>', "$$\\frac{1}{n}$$"),
        ('<img class="tex" alt="$x$">', "$x$"),
        ("<math></math>", ""),
    ],
)
def test_markup_of_a_formula_becomes_latex(html: str, text: str) -> None:
    found = mark_math(f"<p>see {html} there</p>")
    for tag in ('<span class="katex">', '<span class="katex-mathml">', "</span>"):
        found = found.replace(tag, "")
    assert found == f"<p>see {text} there</p>"


def test_a_formula_and_its_picture_come_out_once() -> None:
    assert mark_math(WIKI).count("$x^{2}$") == 1
    assert "<img" not in mark_math(WIKI)


@pytest.mark.parametrize(
    "html",
    ["<p>It costs $5 or $6.</p>", "<p>\\(x\\) and $$y$$ stay.</p>", '<img alt="A cat" class="photo">', "<p>maths</p>"],
)
def test_a_page_without_formula_markup_is_the_same_object(html: str) -> None:
    assert mark_math(html) is html


@pytest.mark.parametrize(
    ("mathml", "latex"),
    [
        ("<msup><mi>x</mi><mn>2</mn></msup>", "x^{2}"),
        ("<msubsup><mi>a</mi><mi>i</mi><mn>2</mn></msubsup>", "a_{i}^{2}"),
        ("<msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt>", "\\sqrt{x+1}"),
        ("<mroot><mi>x</mi><mn>3</mn></mroot>", "\\sqrt[3]{x}"),
        ("<mi>α</mi><mo>≤</mo><mi>b</mi>", "\\alpha\\le b"),
        ("<mi>sin</mi><mo>&#x2061;</mo><mi>x</mi>", "\\sin x"),
        ("<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover>", "\\sum_{i=1}^{n}"),
        ("<mover><mi>x</mi><mo>→</mo></mover>", "\\vec{x}"),
        ("<mover><mi>x</mi><mo>¯</mo></mover>", "\\bar{x}"),
        ("<mfenced><mi>a</mi><mi>b</mi></mfenced>", "\\left(a,b\\right)"),
        (f"<mtable>{ROW.format(1, 0)}{ROW.format(0, 1)}</mtable>", "\\begin{matrix}1 & 0 \\\\ 0 & 1\\end{matrix}"),
        ("<m:mrow><m:mi>x</m:mi></m:mrow>", "x"),
        ("<msup><mrow><mi>a</mi><mi>b</mi></mrow><mn>2</mn></msup>", "{ab}^{2}"),
        ("<mtext>if </mtext><mi>x</mi>", "\\text{if }x"),
        ("<mfrac><mn>1</mn>", "1"),
        ("<mi>x</mi></mrow></mfrac>", "x"),
        ("<mi mathvariant='double-struck'>R</mi>", "\\mathbb{R}"),
    ],
)  # fmt: skip
def test_mathml_to_latex(mathml: str, latex: str) -> None:
    assert to_latex(mathml) == latex


def test_depth_costs_no_recursion() -> None:
    assert to_latex("<mrow>" * 5000 + "<mi>x</mi>" + "</mrow>" * 5000) == "x"


@pytest.mark.parametrize("by", list(registry.find("extractors")))
def test_every_extractor_keeps_formulas_when_asked(by: str) -> None:
    words = "The energy of a body at rest is given by its mass and the speed of light, as the formula says here. " * 4
    page = f"<html><body><article><h1>Energy</h1><p>{words}{KATEX}</p><p>{words}</p></article></body></html>".encode()
    batch = PayloadBatch([page], ["text/html"], [None])
    with_math = registry.build("extractors", by, {"math": True}).extract(batch).texts[0]
    assert with_math is not None
    assert with_math.count("E = mc^2 < 1") == 1
    assert "E=mc2" not in with_math.replace(" ", "")

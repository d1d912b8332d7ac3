"""Presentation MathML to LaTeX, element by element: what scripts, fractions, roots, tables and fences stand for.

A reader of tags with a stack, so depth costs no recursion. Unknown elements are their contents.
"""

import re
from typing import Final

from spark_jobs.text.character_references import unescape

_TOKEN = re.compile(r"<(/?)([A-Za-z][\w:.-]*)([^>]*?)(/?)>|([^<]+)|<")
_ATTRIBUTE = re.compile(r"([\w:-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))")
_GREEK: Final = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho varsigma sigma tau "
    "upsilon phi chi psi omega"
)
_SIGNS: Final = {
    "∑": r"\sum", "∏": r"\prod", "∫": r"\int", "∬": r"\iint", "∮": r"\oint", "√": r"\surd", "∞": r"\infty",
    "≤": r"\le", "≥": r"\ge", "≠": r"\ne", "≈": r"\approx", "≡": r"\equiv", "∼": r"\sim", "≃": r"\simeq",
    "≪": r"\ll", "≫": r"\gg", "±": r"\pm", "∓": r"\mp", "×": r"\times", "÷": r"\div", "⋅": r"\cdot", "·": r"\cdot",
    "∘": r"\circ", "⊕": r"\oplus", "⊗": r"\otimes", "→": r"\to", "←": r"\leftarrow", "↔": r"\leftrightarrow",
    "⇒": r"\Rightarrow", "⇐": r"\Leftarrow", "⇔": r"\Leftrightarrow", "↦": r"\mapsto", "∈": r"\in", "∉": r"\notin",
    "∋": r"\ni", "⊂": r"\subset", "⊃": r"\supset", "⊆": r"\subseteq", "⊇": r"\supseteq", "∪": r"\cup", "∩": r"\cap",
    "∖": r"\setminus", "∅": r"\emptyset", "∀": r"\forall", "∃": r"\exists", "¬": r"\neg", "∧": r"\land", "∨": r"\lor",
    "∂": r"\partial", "∇": r"\nabla", "ℏ": r"\hbar", "ℓ": r"\ell", "ℝ": r"\mathbb{R}", "ℂ": r"\mathbb{C}",
    "ℕ": r"\mathbb{N}", "ℤ": r"\mathbb{Z}", "ℚ": r"\mathbb{Q}", "…": r"\ldots", "⋯": r"\cdots", "⋮": r"\vdots",
    "⟨": r"\langle", "⟩": r"\rangle", "‖": r"\|", "∥": r"\parallel", "⊥": r"\perp", "∠": r"\angle", "†": r"\dagger",
    "′": "'", "−": "-", "∗": "*", "{": r"\{", "}": r"\}", "%": r"\%", "#": r"\#", "&": r"\&", "$": r"\$",
    "ϵ": r"\epsilon", "ϕ": r"\phi", "ϑ": r"\vartheta", "\u2061": "", "\u2062": "", "\u2063": "", "\u2064": "",
    "\u00a0": " ", "\u200b": "",
} | {chr(0x3B1 + i): f"\\{name}" for i, name in enumerate(_GREEK.split())} | {
    chr(0x391 + i): f"\\{name.capitalize()}"
    for i, name in enumerate(_GREEK.split())
    if name in ["gamma", "delta", "theta", "lambda", "xi", "pi", "sigma", "upsilon", "phi", "psi", "omega"]
}  # fmt: skip
_ACCENTS: Final = {
    "^": "hat", "ˆ": "hat", "~": "tilde", "˜": "tilde", "¯": "bar", "‾": "overline", "_": "underline", "→": "vec",
    "⃗": "vec", "˙": "dot", "¨": "ddot", "⏞": "overbrace", "⏟": "underbrace",
}  # fmt: skip
_FUNCTIONS: Final = frozenset(
    (
        "sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "log", "ln",
        "lg", "exp", "lim", "sup", "inf", "max", "min", "det", "dim", "ker", "gcd", "deg", "arg", "Pr", "mod",
    )
)  # fmt: skip
_SILENT: Final = frozenset({"annotation", "annotation-xml", "mphantom", "none", "mprescripts"})
_VOID_SPACES: Final = frozenset({"mspace"})

_Open = tuple[str, dict[str, str], list[str]]


def to_latex(mathml: str) -> str:
    """LaTeX of the contents of a `math` element, without delimiters."""
    stack: list[_Open] = [("mrow", {}, [])]
    for match in _TOKEN.finditer(mathml):
        closing, name, attributes, empty, text = match.groups()
        if text is not None:
            if stack[-1][0] in {"mi", "mn", "mo", "mtext", "ms"} and text:
                stack[-1][2].append(unescape(text))
            continue
        if name is None:
            continue
        local = name.lower().rpartition(":")[2]
        if not closing:
            found = {key.lower(): a or b or c for key, a, b, c in _ATTRIBUTE.findall(attributes or "")}
            stack.append((local, found, []))
        if (closing or empty) and any(item[0] == local for item in stack[1:]):
            while True:
                top = stack.pop()
                stack[-1][2].append(_written(top))
                if top[0] == local:
                    break
    while len(stack) > 1:
        top = stack.pop()
        stack[-1][2].append(_written(top))
    return re.sub(r"[ \t\n]+", " ", _joined(stack[0][2])).strip()


def _joined(parts: list[str]) -> str:
    """Parts behind one another; a command is kept apart from a letter that follows."""
    out = ""
    for part in parts:
        if out and part and part[0].isalnum() and re.search(r"\\[A-Za-z]+$", out):
            out += " "
        out += part
    return out


def _group(part: str) -> str:
    return "{" + part.strip() + "}"


def _base(part: str) -> str:
    """What a script hangs on: braces where it is more than one sign."""
    plain = part.strip()
    return plain if len(plain) <= 1 or re.fullmatch(r"\\[A-Za-z]+|\\[A-Za-z]+\{[^{}]*\}", plain) else _group(plain)


def _sign(text: str) -> str:
    return _joined([_SIGNS.get(character, character) for character in text])


def _token(name: str, attributes: dict[str, str], text: str) -> str:
    text = " ".join(text.split()) if name != "mtext" else text
    if name == "mtext":
        return f"\\text{{{text}}}" if text.strip() else " "
    if name == "ms":
        return f'\\text{{"{text}"}}'
    if name in {"mi", "mo"} and text in _FUNCTIONS:
        return f"\\{text}" if text != "mod" else r"\bmod"
    if name == "mi" and len(text) > 1 and text.isalpha() and text.isascii():
        return f"\\mathrm{{{text}}}"
    variant = attributes.get("mathvariant", "")
    written = _sign(text)
    wrap = {"bold": "mathbf", "double-struck": "mathbb", "script": "mathcal", "fraktur": "mathfrak"}.get(variant)
    return f"\\{wrap}{{{written}}}" if wrap and written.strip() else written


def _written(element: _Open) -> str:  # noqa: C901, PLR0911 - a case an element
    """LaTeX of a closed element."""
    name, attributes, parts = element
    if name in _SILENT:
        return ""
    if name in {"mi", "mn", "mo", "mtext", "ms"}:
        return _token(name, attributes, "".join(parts))
    if name in _VOID_SPACES:
        return r"\ "
    if name == "semantics":
        return parts[0] if parts else ""
    if name in {"mfrac", "msub", "msup", "mroot", "munder", "mover"} and len(parts) >= 2:
        return _pair(name, parts[0], parts[1])
    if name in {"msubsup", "munderover"} and len(parts) >= 3:
        return f"{_base(parts[0])}_{_group(parts[1])}^{_group(parts[2])}"
    if name == "msqrt":
        return f"\\sqrt{_group(_joined(parts))}"
    if name == "mfenced":
        inside = attributes.get("separators", ",")[:1].join(parts)
        return f"\\left{attributes.get('open', '(')}{inside}\\right{attributes.get('close', ')')}"
    if name == "mtd":
        return _joined(parts) + " & "
    if name in {"mtr", "mlabeledtr"}:
        return _joined(parts).removesuffix(" & ") + r" \\ "
    if name == "mtable":
        rows = _joined(parts).removesuffix(r" \\ ")
        return f"\\begin{{matrix}}{rows}\\end{{matrix}}"
    return _joined(parts)


def _pair(name: str, first: str, second: str) -> str:
    if name == "mfrac":
        return f"\\frac{_group(first)}{_group(second)}"
    if name == "mroot":
        return f"\\sqrt[{second.strip()}]{_group(first)}"
    if name in {"munder", "mover"}:
        sign = {r"\to": "→"}.get(second.strip(), second.strip())
        if sign in _ACCENTS:
            return f"\\{_ACCENTS[sign]}{_group(first)}"
    mark = "_" if name in {"msub", "munder"} else "^"
    return f"{_base(first)}{mark}{_group(second)}"

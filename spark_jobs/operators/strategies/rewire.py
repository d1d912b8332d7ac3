"""REWIRE: rewrite a document as the improved answer of an expert (arXiv 2506.04689; structure only, own wording).

The paper does not give its parser; here only text between one pair of improved-response markers counts, and an answer
that was cut, nested or refused is a failed generation. The reasoning is never kept.
"""

import hashlib
import json
import re
from typing import ClassVar

from pydantic import Field

from spark_jobs.operators.base import Example, Parsed
from spark_jobs.operators.base import Params as BaseParams

THINKING = ("<thinking starts>", "<thinking ends>")
IMPROVED = ("<improved response starts>", "<improved response ends>")
MARKERS = (*THINKING, *IMPROVED)
_ENDS = ".!?\u3002\uff01\uff1f"
# Characters that a constrained response may still need to end its last sentence.
_LAST_SENTENCE = 160

_TEMPLATE = """\
Below is a draft that an AI assistant wrote for some task. You are {persona}.

First work out which task the draft was meant to serve. Then think it through as the expert best suited to it: what is \
the core question, what does the draft take for granted, into which parts does the matter fall, how are such questions \
usually answered, what if the draft is wrong, and how would you mend it? Check your progress and settle on a plan.

Then write the improved response. Reuse the details of the draft that help, keep its facts, names and figures, and \
leave out what is noise. It must not be shorter than the draft; give it a better form, more coherence and deeper \
reasoning. Write it in the language of the draft.

Answer without any preamble, in exactly this form:
{thinking_starts}
your thoughts
{thinking_ends}
{improved_starts}
the improved response
{improved_ends}

The draft:
{draft}"""

_PERSONAS = (
    "a teacher who explains to newcomers",
    "an editor of an encyclopaedia",
    "a practitioner who has done this for many years",
    "a careful technical writer",
    "a journalist who writes for curious readers",
    "a researcher who weighs every claim",
    "a mentor who answers a colleague's question",
    "the author of a textbook",
)

_REFUSALS = re.compile(
    r"^\W*(?:i(?:'|\u2019)?m sorry\b|i am sorry\b|sorry,"
    r"|(?:unfortunately, )?i (?:cannot|can't|can\u2019t|am unable to|am not able to)"
    r" (?:\w+ ){0,2}(?:help|assist|comply|provide|fulfil|fulfill|write|rewrite|improve|do that|complete|answer)\b"
    r"|as an ai\b|as a language model\b)",
    re.IGNORECASE,
)


class Rewire:
    """One user turn: the draft, a persona, reasoning and the improved response, each between its own markers."""

    name: ClassVar[str] = "rewire"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2506.04689"
    grammars: ClassVar[tuple[str, ...]] = ("gbnf", "regex")
    echoes: ClassVar[tuple[str, ...]] = (
        "the draft", "this draft", "your draft", "original draft", "original text", "original sentence",
        "original request", "original task", "will rephrase", "will rewrite",
        "improved response", "improved version", "revised version", "your thoughts", "thinking starts", "thinking ends",
    )  # fmt: skip
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            text="<thinking starts>\nA note on tea.\n<thinking ends>\n"
            "<improved response starts>\nTea is steeped in hot water.\n<improved response ends>",
            edited="Tea is steeped in hot water.",
        ),
        Example(text="<thinking starts>\nA note on tea.\n<thinking ends>", reasons=("missing_start",)),
        Example(text="<improved response starts>\nTea is steeped", reasons=("missing_end",)),
    )

    class Params(BaseParams):
        """What of the prompt a recipe may choose."""

        personas: tuple[str, ...] = Field(
            default=_PERSONAS, min_length=1, description="who the model is asked to be; a hash of the document chooses"
        )
        thinking: bool = Field(default=True, description="ask for the reasoning before the improved response")
        max_thinking_chars: int = Field(
            default=2000, ge=1, le=20_000, description="characters of reasoning that a constrained answer may hold"
        )
        anchor_words: int = Field(
            default=0, ge=0, le=50, description="words of the draft that a constrained response must begin with"
        )
        max_growth: float = Field(
            default=2.0, ge=1, le=20, description="length of a constrained response at most, over that of the draft"
        )

    def __init__(self, params: Params | None = None) -> None:
        self.params = params or self.Params()

    def messages(self, draft: str, *, key: str) -> list[dict[str, str]]:
        """One user message; the draft comes last, so that a server can reuse the prefix."""
        place = int.from_bytes(hashlib.sha256(f"persona\0{key}".encode()).digest()[:8], "big")
        persona = self.params.personas[place % len(self.params.personas)]
        for marker in MARKERS:  # a draft that quotes a marker must not teach the model a second one
            draft = draft.replace(marker, f"({marker[1:-1]})")
        return [{"role": "user", "content": self._template().replace("{persona}", persona).replace("{draft}", draft)}]

    def prompt_digest(self) -> str:
        """Hex SHA-256 of template, markers and parameters."""
        parts = {"template": self._template(), "params": self.params.model_dump(mode="json"), "version": self.version}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def _template(self) -> str:
        marked = {
            "thinking_starts": THINKING[0], "thinking_ends": THINKING[1],
            "improved_starts": IMPROVED[0], "improved_ends": IMPROVED[1],
        }  # fmt: skip
        template = _TEMPLATE
        if not self.params.thinking:
            template = template.replace("{thinking_starts}\nyour thoughts\n{thinking_ends}\n", "")
        for name, marker in marked.items():
            template = template.replace(f"{{{name}}}", marker)
        return template

    def grammar(self, kind: str, draft: str) -> str:
        """The answer's form: markers in order, nothing around them, no `<` inside, and a length that fits the draft.

        It forces the form, the least length that the prompt asks for, a last sentence that ends (beyond `max_growth`,
        if it must) and, with `anchor_words`, the first words.
        """
        if kind not in self.grammars:
            raise ValueError(f"rewire has no grammar of kind {kind!r}; it has {', '.join(self.grammars)}")
        literal = json.dumps if kind == "gbnf" else re.escape
        joint = " " if kind == "gbnf" else ""
        plain = " ".join(draft.replace("<", "(").split())
        anchor = " ".join(plain.split(" ")[: self.params.anchor_words])
        least = max(1, len(plain) - len(anchor))
        most = max(least, int(len(plain) * self.params.max_growth))
        thinking = (
            literal(f"{THINKING[0]}\n"), f"[^<]{{1,{self.params.max_thinking_chars}}}", literal(f"\n{THINKING[1]}\n"),
        )  # fmt: skip
        response = (
            literal(f"{IMPROVED[0]}\n{anchor}"), f"[^<]{{{least},{most}}}", f"[^<{_ENDS}]{{0,{_LAST_SENTENCE}}}",
            f"[{_ENDS}]", literal(f"\n{IMPROVED[1]}"),
        )  # fmt: skip
        answer = joint.join((*thinking, *response) if self.params.thinking else response)
        return f"root ::= {answer}" if kind == "gbnf" else answer

    def parse(self, output: str, finish_reason: str) -> Parsed:
        """Keep only what stands between the improved-response markers.

        Status: ok, empty, refusal, missing_start, missing_end, truncated (a missing end because the token limit was
        reached) or nested (markers repeated, out of order, or inside the response).
        """
        before, start, rest = output.partition(IMPROVED[0])
        if not start:
            return Parsed(_without_start(output, finish_reason))
        text, end, after = rest.partition(IMPROVED[1])
        if any(marker in part for part in (text, after) for marker in MARKERS) or IMPROVED[1] in before:
            return Parsed("nested")
        if not end:
            return Parsed("truncated" if finish_reason == "length" else "missing_end")
        text = text.strip()
        if text and not _REFUSALS.match(text):
            return Parsed("ok", text)
        return Parsed("refusal" if text else "empty")


def _without_start(output: str, finish_reason: str) -> str:
    if not output.strip():
        return "empty"
    if _REFUSALS.match(output.strip()):
        return "refusal"
    return "truncated" if finish_reason == "length" else "missing_start"

"""From an answer to a row of `rewritten`, in the workers: parse, measure against the draft, decide by the rules.

Every gate measures every parsed text, so all reasons are known. What could not be parsed has one reason: its status.
"""

import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import pyarrow as pa

from spark_jobs.operators import registry
from spark_jobs.operators.base import Parsed, Rule, Strategy
from spark_jobs.text import likeness
from spark_jobs.text.decide import DROP_REASON
from spark_jobs.text.language import identify
from spark_jobs.text.tokens import count_tokens

GATES, GATES_VERSION = "faithfulness", 1
NOT_ANSWERED = "failed"
SIGNALS = (
    "length_ratio", "similarity", "copied_share", "repeated_share", "known_figures_share", "known_links_share",
    "echoes", "same_language",
)  # fmt: skip
# Words of the prompt's own that make an echo when a rewrite repeats them in a row.
_ECHO_WORDS = 5
OUTPUT = pa.schema([
    ("snapshot", pa.string()), ("doc_id", pa.string()), ("parent_snapshot", pa.string()), ("parent_id", pa.string()),
    ("strategy", pa.string()), ("model", pa.string()), ("prompt_digest", pa.string()), ("sample", pa.int32()),
    ("text", pa.string()), ("language", pa.string()), ("tokens", pa.int64()), ("parse_status", pa.string()),
    ("length_ratio", pa.float64()), ("similarity", pa.float64()), ("kept", pa.bool_()),
    ("drop_reasons", pa.list_(DROP_REASON)),
])  # fmt: skip


@lru_cache(maxsize=8)
def _strategy(name: str, params: str) -> Strategy:
    found = registry.find("strategies")[name]
    operator: Strategy = found(found.Params.model_validate_json(params))
    return operator


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Rows of the plan with `output`, `finish_reason` (null without an answer) -> rows of OUTPUT."""

    strategy: str
    params: str
    fingerprint: str
    rules: tuple[Rule, ...]
    language_model: str | None
    tokenizer: str

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """One row an attempt."""
        for batch in batches:
            if batch.num_rows:
                yield pa.RecordBatch.from_pylist(self.judged(batch.to_pylist()), OUTPUT)

    def judged(self, attempts: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows of OUTPUT for the attempts, in their order."""
        strategy = _strategy(self.strategy, self.params)
        prompt_digest = strategy.prompt_digest()
        parsed = [_parsed(strategy, attempt) for attempt in attempts]
        texts = pa.array([one.text for one in parsed], pa.large_string())
        languages = identify(texts, self.language_model).language
        tokens = count_tokens(texts, self.tokenizer)
        rows = []
        for attempt, one, language, count in zip(attempts, parsed, languages, tokens, strict=True):
            signals = {} if one.text is None else measure(strategy, one.text, attempt, language)
            reasons = self._reasons(strategy, one, signals)
            rows.append({
                "snapshot": attempt["parent_snapshot"], "doc_id": rewrite_id(attempt, self.fingerprint),
                **{name: attempt[name] for name in ("parent_snapshot", "parent_id", "strategy", "model", "sample")},
                "prompt_digest": prompt_digest, "text": one.text, "parse_status": one.status,
                "language": None if one.text is None else language, "tokens": None if one.text is None else int(count),
                "length_ratio": _number(signals, "length_ratio"), "similarity": _number(signals, "similarity"),
                "kept": not reasons, "drop_reasons": reasons,
            })  # fmt: skip
        return rows

    def _reasons(self, strategy: Strategy, parsed: Parsed, signals: Mapping[str, float]) -> list[dict[str, Any]]:
        if parsed.text is None:
            return [_reason(strategy.name, strategy.version, parsed.status, None, None)]
        return [
            _reason(GATES, GATES_VERSION, rule.reason, signals[rule.signal], bound)
            for rule in self.rules
            if (bound := broken_bound(rule, signals[rule.signal])) is not None
        ]


def _parsed(strategy: Strategy, attempt: Mapping[str, Any]) -> Parsed:
    if attempt["output"] is None:
        return Parsed(NOT_ANSWERED)
    return strategy.parse(attempt["output"], attempt["finish_reason"] or "")


def rewrite_id(attempt: Mapping[str, Any], fingerprint: str) -> str:
    """32 hex digits of the parent's key, the strategy's fingerprint, the model's identity and the sample's number."""
    parts = (attempt["parent_snapshot"], attempt["parent_id"], fingerprint, attempt["model"], str(attempt["sample"]))
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def measure(strategy: Strategy, text: str, attempt: Mapping[str, Any], language: str) -> dict[str, float]:
    """All SIGNALS of a rewrite; NaN where one does not apply, which breaks no rule."""
    draft, source = attempt["draft"], attempt["language"]
    return {
        "length_ratio": likeness.length_ratio(text, draft),
        "similarity": likeness.similarity(text, draft),
        "copied_share": likeness.copied_share(text, draft),
        "repeated_share": likeness.repeated_share(text),
        "known_figures_share": likeness.known_figures_share(text, draft),
        "known_links_share": likeness.known_links_share(text, draft),
        "echoes": float(echoes(strategy, text, draft, key=f"{attempt['parent_snapshot']}/{attempt['parent_id']}")),
        "same_language": float(language == source) if source else math.nan,
    }


def echoes(strategy: Strategy, text: str, draft: str, *, key: str) -> int:
    """How often a rewrite speaks of its own making: phrases of the strategy, and runs of words of the prompt.

    What the draft says itself does not count.
    """
    said, known = _spaced(text), _spaced(draft)
    phrases = sum(said.count(_spaced(phrase)) for phrase in strategy.echoes if _spaced(phrase) not in known)
    prompt = _runs(" ".join(message["content"] for message in strategy.messages("", key=key)))
    return phrases + len((_runs(text) & prompt) - _runs(draft))


def _spaced(text: str) -> str:
    return f" {' '.join(likeness.words(text))} "


def _runs(text: str) -> set[tuple[str, ...]]:
    words = likeness.words(text)
    return {tuple(words[start : start + _ECHO_WORDS]) for start in range(len(words) - _ECHO_WORDS + 1)}


def broken_bound(rule: Rule, value: float) -> float | None:
    """The bound that a value breaks, if it breaks one; NaN breaks none."""
    if rule.minimum is not None and (value < rule.minimum or (rule.exclusive and value == rule.minimum)):
        return rule.minimum
    if rule.maximum is not None and (value > rule.maximum or (rule.exclusive and value == rule.maximum)):
        return rule.maximum
    return None


def _reason(annotator: str, version: int, reason: str, value: float | None, bound: float | None) -> dict[str, Any]:
    return {"annotator": annotator, "version": version, "reason": reason, "value": value, "bound": bound}


def _number(signals: Mapping[str, float], name: str) -> float | None:
    value = signals.get(name, math.nan)
    return None if math.isnan(value) else value

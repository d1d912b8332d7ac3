"""The operator reference as Markdown, from what operators declare; run as a program, it writes the page."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from spark_jobs.operators import registry

_HEAD = """\
# Operators

Generated from the code by `python -m spark_jobs.operators.reference`. A recipe names an operator and overrides
parameters; what it leaves out has the default below. Bounds are inclusive unless an operator says otherwise; `null`
switches a rule off.
"""


def reference() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *_kinds()]) + "\n"


def _kinds() -> Iterator[str]:
    for kind in registry.KINDS:
        found = registry.find(kind)
        if found:
            yield f"## {kind.capitalize()}\n"
            for name in sorted(found):
                yield from _operator(name, found[name])


def _operator(name: str, operator: Any) -> Iterator[str]:
    yield f"### {name}\n"
    yield f"{_sentence(operator.__doc__)} Version {operator.version}. Source: {operator.source}.\n"
    aliases = getattr(operator, "aliases", ())
    if aliases:
        yield f"Does the work of {', '.join(f'`{alias}`' for alias in aliases)} too; a recipe says `{name}`.\n"
    fields = operator.Params.model_fields
    if fields:
        yield "| parameter | default | |\n|---|---|---|"
        yield from (f"| `{key}` | {_default(field)} | {field.description or ''} |" for key, field in fields.items())
        yield ""
    signals = getattr(operator, "signals", None) or getattr(operator, "scores", None)
    if signals:
        yield "| column | |\n|---|---|"
        yield from (f"| `{name}__{signal.name}` | {signal.description} |" for signal in signals)
        yield ""
    facts = getattr(operator, "facts", ())
    if facts:
        yield "| fact for later filters | |\n|---|---|"
        yield from (f"| `{fact.name}` | {fact.description} |" for fact in facts)
        yield ""
    rules = _rules(operator)
    if rules:
        yield f"Reasons: {', '.join(f'`{reason}`' for reason in rules)}.\n"


def _rules(operator: Any) -> list[str]:
    if not hasattr(operator, "rules"):
        return []
    return list(dict.fromkeys(rule.reason for rule in operator(operator.Params()).rules()))


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    text = repr(value).replace("|", "\\|")
    return f"`{text}`" if len(text) <= 60 else "see the code"


def _sentence(text: str | None) -> str:
    return " ".join((text or "").split("\n\n")[0].split())


if __name__ == "__main__":
    Path(sys.argv[1] if len(sys.argv) > 1 else "docs/operators.md").write_text(reference(), encoding="utf-8")

"""Requests: what is sent for a draft, and the digest an answer is kept under. Pure functions of their arguments.

The digest covers the model's identity and all that is sent, so a change of either asks anew and never overwrites.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from spark_jobs.operators.base import Strategy

NOTATIONS = ("gbnf", "regex")


@dataclass(frozen=True, kw_only=True)
class Generator:
    """What determines an answer beside the draft: model, sampling, seed, and the notation of a constraint or None."""

    identity: str
    options: Mapping[str, Any]
    seed: int
    notation: str | None = None


@dataclass(frozen=True)
class Request:
    """One request: `body` is JSON without the name of the model, which is the endpoint's business."""

    digest: str
    body: str


def request_of(strategy: Strategy, draft: str, *, key: str, sample: int, generator: Generator) -> Request:
    """The request for sample number `sample` of a draft; `key` names the document (the persona varies with it).

    The seed that is sent follows from the digest: it differs by sample, and the same request repeats its answer on a
    server that can.
    """
    body = {"messages": strategy.messages(draft, key=key), **generator.options}
    if generator.notation is not None:
        body |= constraint(generator.notation, strategy.grammar(generator.notation, draft))
    whole = {"model": generator.identity, "seed": generator.seed, "sample": sample, "body": body}
    digest = hashlib.sha256(_canonical(whole).encode()).hexdigest()
    return Request(digest, _canonical({**body, "seed": int(digest[:8], 16) >> 1}))


def constraint(notation: str, grammar: str) -> dict[str, Any]:
    """How a server is told to decode under a grammar: llama.cpp for `gbnf`, vLLM for `regex`."""
    return {"grammar": grammar} if notation == "gbnf" else {"structured_outputs": {notation: grammar}}


def _canonical(value: Mapping[str, Any]) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))

"""Asks an OpenAI-compatible endpoint, many requests at once, and says of each what came back.

Faults of one request are kinds, never messages: a server may quote a key or a document. Only kinds of faults that
waiting can mend are tried again, with exponential back-off whose jitter is a hash, and Retry-After is obeyed.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from spark_jobs.generation.endpoint import Endpoint
from spark_jobs.generation.requests import Request

# Kinds of faults. Nothing can be asked with these, so the first one ends the asking:
UNAUTHORISED, UNKNOWN_MODEL = "unauthorised", "unknown_model"
FATAL = (UNAUTHORISED, UNKNOWN_MODEL)
# The request itself is refused; asking again brings the same.
REJECTIONS = ("status_400", "status_413", "status_422")
# Not asked at all, because the endpoint was given up:
SKIPPED = "skipped"
_NO_ANSWER = ("timeout", "connection")
_RETRIED_STATUS = (408, 409, 425, 429)
FIRST_WAIT_S, LONGEST_WAIT_S, LONGEST_RETRY_AFTER_S = 0.5, 30.0, 120.0


@dataclass(frozen=True)
class Answer:
    """What came of a request: `error` is None, or a kind of fault and then nothing else counts."""

    output: str | None = None
    finish_reason: str | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: float = 0.0
    error: str | None = None


class FaultError(Exception):
    """One failed attempt. `wait_s` is what the server asked for; `again` says whether waiting can mend it."""

    def __init__(self, kind: str, *, again: bool, wait_s: float | None = None) -> None:
        super().__init__(kind)
        self.kind, self.again, self.wait_s = kind, again, wait_s


def ask_all(requests: Sequence[Request], endpoint: Endpoint) -> list[Answer]:
    """Answers in the order of the requests, with at most `endpoint.concurrency` under way at any time.

    Gives the endpoint up, and skips what is left, after a fatal fault, or when as many requests as run at once failed
    without an answer and none was answered.
    """
    return asyncio.run(_Asking(endpoint).all(requests))


def backoff_s(digest: str, attempt: int, asked_for: float | None) -> float:
    """Seconds to wait after failed attempt number `attempt` (from 0): doubled each time, +-50 % by hash, capped."""
    place = hashlib.sha256(f"{digest}\0{attempt}".encode()).digest()
    jitter = 0.5 + int.from_bytes(place[:4], "big") / 2**32
    wait: float = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0**attempt) * jitter
    return wait if asked_for is None else max(wait, min(asked_for, LONGEST_RETRY_AFTER_S))


def retry_after_s(header: str | None, *, now: datetime | None = None) -> float | None:
    """Seconds of a Retry-After header, which holds seconds or a date; None when it says nothing that can be read."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())


class _Asking:
    """The state of one call of `ask_all`."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.answered = 0
        self.silent = 0
        self.given_up = False

    async def all(self, requests: Sequence[Request]) -> list[Answer]:
        answers = [Answer(error=SKIPPED)] * len(requests)
        queue = iter(enumerate(requests))
        async with _client(self.endpoint) as client:
            workers = min(self.endpoint.concurrency, len(requests))
            await asyncio.gather(*(self._work(client, queue, answers) for _ in range(workers)))
        return answers

    async def _work(self, client: Any, queue: Iterator[tuple[int, Request]], answers: list[Answer]) -> None:
        for place, request in queue:
            if self.given_up:
                return
            answers[place] = await self._ask(client, request)
            self._judge(answers[place])

    def _judge(self, answer: Answer) -> None:
        self.answered += answer.error is None
        self.silent += answer.error in _NO_ANSWER
        silence = not self.answered and self.silent >= self.endpoint.concurrency
        self.given_up = self.given_up or silence or answer.error in FATAL

    async def _ask(self, client: Any, request: Request) -> Answer:
        began = time.monotonic()
        for attempt in range(1 + self.endpoint.max_retries):
            try:
                return await self._once(client, request, began)
            except FaultError as fault:
                if not fault.again or attempt == self.endpoint.max_retries or self.given_up:
                    return Answer(error=fault.kind, seconds=time.monotonic() - began)
                await asyncio.sleep(backoff_s(request.digest, attempt, fault.wait_s))
        raise AssertionError("every attempt returns or is the last")

    async def _once(self, client: Any, request: Request, began: float) -> Answer:
        import openai

        body = json.loads(request.body)
        try:
            # The clock of the transport restarts with every byte; this one does not.
            async with asyncio.timeout(self.endpoint.timeout_s):
                raw = await client.chat.completions.with_raw_response.create(
                    model=self.endpoint.model, messages=body.pop("messages"), extra_body=body
                )
        except (TimeoutError, openai.APITimeoutError):
            raise FaultError("timeout", again=True) from None
        except openai.APIStatusError as error:
            raise _status_fault(error.status_code, error.response.headers.get("retry-after")) from None
        except openai.APIConnectionError:
            raise FaultError("connection", again=True) from None
        return _answer(raw.content, time.monotonic() - began)


def _client(endpoint: Endpoint) -> AbstractAsyncContextManager[Any]:
    import openai

    # A proxy of the environment must not come between this machine and itself.
    transport = openai.DefaultAsyncHttpxClient(trust_env=not endpoint.is_local)
    return openai.AsyncOpenAI(
        base_url=endpoint.url, api_key=endpoint.key or "none", timeout=endpoint.timeout_s, max_retries=0,
        http_client=transport,
    )  # fmt: skip


def _status_fault(status: int, retry_after: str | None) -> FaultError:
    if status in (401, 403):
        return FaultError(UNAUTHORISED, again=False)
    if status == 404:
        return FaultError(UNKNOWN_MODEL, again=False)
    again = status in _RETRIED_STATUS or status >= 500
    return FaultError(f"status_{status}", again=again, wait_s=retry_after_s(retry_after))


def _answer(content: bytes, seconds: float) -> Answer:
    try:
        reply = json.loads(content)
        choice, usage = reply["choices"][0], reply.get("usage") or {}
        return Answer(
            output=_sound(choice["message"].get("content") or ""),
            finish_reason=str(choice.get("finish_reason") or ""),
            tokens_in=int(usage.get("prompt_tokens") or 0),
            tokens_out=int(usage.get("completion_tokens") or 0),
            seconds=seconds,
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        raise FaultError("not_an_answer", again=True) from None


def _sound(text: Any) -> str:
    """The text without lone surrogates, which JSON can hold and a table cannot."""
    if not isinstance(text, str):
        raise TypeError("content is not a string")
    return text.encode("utf-8", "replace").decode("utf-8")


def check_endpoint(endpoint: Endpoint, *, timeout_s: float = 10.0) -> str | None:
    """One cheap question before work is sent: None when the endpoint answers at all, else the kind of its fault."""
    import openai

    client = openai.OpenAI(
        base_url=endpoint.url, api_key=endpoint.key or "none", timeout=min(timeout_s, endpoint.timeout_s),
        max_retries=1, http_client=openai.DefaultHttpxClient(trust_env=not endpoint.is_local),
    )  # fmt: skip
    with client:
        try:
            client.models.with_raw_response.list()
        except (openai.AuthenticationError, openai.PermissionDeniedError):
            return UNAUTHORISED
        except openai.APITimeoutError:
            return "timeout"
        except openai.APIConnectionError:
            return "connection"
        except openai.APIStatusError:
            return None  # it answers; not every server lists its models
    return None

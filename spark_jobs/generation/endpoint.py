"""Where requests to a language model go. Values only: the client and the embedded server take and make them."""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """An OpenAI-compatible endpoint. `identity` names the model in caches and records; the key is shown nowhere.

    `url` is the base that holds `/chat/completions`, usually ending in `/v1`. `timeout_s` is for one attempt; a request
    is tried `1 + max_retries` times. `concurrency` is the number of requests under way from each of `tasks` tasks.
    `grammar` is the notation of constrained decoding that it takes: `gbnf` (llama.cpp), `regex` (vLLM), None.
    """

    url: str
    model: str
    identity: str = ""
    key: str | None = field(default=None, repr=False)
    timeout_s: float = 120.0
    max_retries: int = 4
    concurrency: int = 8
    tasks: int = 1
    grammar: str | None = None

    def __post_init__(self) -> None:
        if not self.identity:
            object.__setattr__(self, "identity", self.model)

    @property
    def place(self) -> str:
        """The URL without user, password, query and fragment: fit for messages."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        return f"{parts.scheme}://{host}{f':{parts.port}' if parts.port else ''}{parts.path}"

    @property
    def is_local(self) -> bool:
        """Whether it is on this machine, where no proxy may come between."""
        return (urlsplit(self.url).hostname or "") in LOOPBACK

    def __enter__(self) -> Self:
        """An endpoint that stands already needs no starting."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """And no stopping."""


class EndpointSource(Protocol):
    """Gives an endpoint for as long as its block runs; says beforehand which model will answer, and how constrained."""

    @property
    def identity(self) -> str:
        """Identity of the model."""
        ...

    @property
    def grammar(self) -> str | None:
        """Notation of constrained decoding, None where there is none."""
        ...

    def __enter__(self) -> Endpoint:
        """Start what has to be started."""
        ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop it."""
        ...

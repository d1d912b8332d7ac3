"""Token counts by a named tokenizer, without a download: budgets and ratios are always tokens of a stated tokenizer.

Names are Tekken files that `mistral-common` ships; a path ending in `.json` is a tokenizer of the `tokenizers` library.
A tokenizer is loaded once per process. Only counting: no special tokens, no chat templates.
"""

import base64
import functools
import hashlib
import importlib
import importlib.util
import json
import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark_jobs.errors import RecipeError

DEFAULT_TOKENIZER = "tekken_240911"
SHIPPED = (DEFAULT_TOKENIZER, "tekken_240718")

# A run of one kind (blank or not) is cut after so many characters: tiktoken's regular expression recurses over a run of
# blanks and overflows its stack near a million, and its merges grow faster than linearly with the length of a piece.
MAX_RUN_CHARS = 10_000
_RUN = re.compile(r"\s+|\S+")

Counter = Callable[[list[str]], list[int]]


def count_tokens(texts: pa.Array | pa.ChunkedArray, tokenizer: str) -> npt.NDArray[np.int64]:
    """Tokens of every text: int64, one a row; a null has 0. Raises RecipeError for a tokenizer that is not there."""
    counted = _counter(tokenizer)([text or "" for text in texts.to_pylist()])
    return np.asarray(counted, dtype=np.int64)


@functools.cache
def tokenizer_digest(tokenizer: str) -> str:
    """Hex SHA-256 of the tokenizer's file."""
    with tokenizer_file(tokenizer).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tokenizer_file(tokenizer: str) -> Path:
    """The file of a tokenizer. Raises RecipeError, naming what there is, when it is not on this machine."""
    if tokenizer in SHIPPED:
        spec = importlib.util.find_spec("mistral_common")
        if spec is None or spec.origin is None:
            raise RecipeError(f"tokenizer {tokenizer!r}: the package mistral-common that ships it is not installed")
        return Path(spec.origin).parent / "data" / f"{tokenizer}.json"
    path = Path(tokenizer)
    if path.suffix == ".json" and path.is_file():
        return path
    near = get_close_matches(tokenizer, SHIPPED, 1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    raise RecipeError(
        f"tokenizer {tokenizer!r}: {meant}known are {', '.join(SHIPPED)}, or the path of a tokenizer JSON that exists"
    )


def bounded(text: str) -> Iterator[str]:
    """The text in pieces whose runs of one kind have at most MAX_RUN_CHARS; ordinary text comes whole."""
    if not _has_long_run(text):
        yield text
        return
    start = 0
    for run in _RUN.finditer(text):
        for cut in range(run.start() + MAX_RUN_CHARS, run.end(), MAX_RUN_CHARS):
            yield text[start:cut]
            start = cut
    yield text[start:]


def _has_long_run(text: str) -> bool:
    # A run longer than the bound covers an aligned window of half the bound: probing those is much cheaper than
    # walking over all runs.
    half = MAX_RUN_CHARS // 2
    if len(text) <= MAX_RUN_CHARS:
        return False
    windows = (text[at : at + half] for at in range(0, len(text) - half + 1, half))
    return any(window.isspace() or window.split(None, 1) == [window] for window in windows)


@functools.cache
def _counter(tokenizer: str) -> Counter:
    path = tokenizer_file(tokenizer)
    return _tekken(path) if tokenizer in SHIPPED else _tokenizer_json(path)


def _tekken(path: Path) -> Counter:
    """The encoding of a Tekken file: a tiktoken vocabulary whose last ranks give way to special tokens."""
    import tiktoken

    data = json.loads(path.read_text(encoding="utf-8"))
    config = data["config"]
    size = int(config["default_vocab_size"]) - int(config["default_num_special_tokens"])
    ranks = {base64.b64decode(entry["token_bytes"]): int(entry["rank"]) for entry in data["vocab"][:size]}
    encoding = tiktoken.Encoding(path.stem, pat_str=config["pattern"], mergeable_ranks=ranks, special_tokens={})

    def count(texts: list[str]) -> list[int]:
        return [sum(len(encoding.encode_ordinary(piece)) for piece in bounded(text)) for text in texts]

    return count


def _tokenizer_json(path: Path) -> Counter:
    try:
        library: Any = importlib.import_module("tokenizers")
    except ImportError as error:
        raise RecipeError(
            f"tokenizer {path}: reading a tokenizer JSON needs the package tokenizers, which is not installed; "
            f"install it, or name one of {', '.join(SHIPPED)}"
        ) from error
    try:
        loaded = library.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception for a file it cannot parse
        raise RecipeError(f"tokenizer {path}: not a tokenizer JSON ({error})") from error

    def count(texts: list[str]) -> list[int]:
        pieces = [list(bounded(text)) for text in texts]
        flat = loaded.encode_batch([piece for several in pieces for piece in several], add_special_tokens=False)
        lengths = iter([len(encoded.ids) for encoded in flat])
        return [sum(next(lengths) for _ in several) for several in pieces]

    return count

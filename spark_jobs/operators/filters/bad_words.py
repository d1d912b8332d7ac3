"""Bad words by language, as C4 does it: one listed word drops a page. No list is built in; a recipe names its own."""

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import xxhash
from pydantic import BaseModel, ConfigDict, Field

from spark_jobs.errors import RecipeError
from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.operators.lists import EntryList, ListFile
from spark_jobs.text.automaton import Automaton, States, Symbols, first_end, symbol_of
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import LETTER, MARK, NUMBER, Codes, Flags, Offsets
from spark_jobs.text.list_files import folder_digest, require_digest
from spark_jobs.text.native import kernel

# Files of a folder that are lists; others (LICENSE, README.md) are not.
_LANGUAGE = re.compile(r"(?P<language>[a-z]{2,3}(?:-[A-Za-z0-9]+)*)(?:\.txt)?")

_NONE = EntryList()

Counts = npt.NDArray[np.int64]


class ListFolder(BaseModel):
    """A folder with one list for each language, the file named by the language (`en`, `de.txt`): LDNOOBW's layout."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str = Field(description="a relative path starts at the recipe's folder")
    sha256: str | None = Field(None, description="hex digest of what sha256sum prints of the lists, sorted by name")

    def lists(self) -> dict[str, ListFile]:
        """Its lists by language, pinned. RecipeError if it is no folder or holds no list."""
        try:
            names = sorted(file.name for file in Path(self.path).iterdir() if file.is_file())
        except OSError as error:
            raise RecipeError(f"cannot read the lists in {self.path} ({type(error).__name__}); mend the path") from None
        found = {match["language"]: name for name in names if (match := _LANGUAGE.fullmatch(name))}
        if not found:
            raise RecipeError(f"no list in {self.path}; name a folder whose files have names of languages, such as en")
        return {
            language: ListFile(path=str(Path(self.path) / name)).pinned("") for language, name in sorted(found.items())
        }

    def pinned(self, lists: Mapping[str, ListFile]) -> "ListFolder":
        """The folder with the digest of these lists. RecipeError if it was given another one."""
        digest = folder_digest([(Path(file.path).name, str(file.sha256)) for file in lists.values()])
        require_digest(self.path, digest, self.sha256 or digest)
        return self.model_copy(update={"sha256": digest})


class BadWordsParams(Params):
    """Lists by language, and what to do with a hit."""

    folder: ListFolder | None = Field(None, description="lists by language in the layout of LDNOOBW")
    words: dict[str, EntryList] = Field({}, description="lists by language, added to those of the folder")
    allowed: dict[str, tuple[str, ...]] = Field(
        {"ja": ("sm", "グロ", "女の子"), "zh": ("性",)},
        description="words by language that a list may hold and that count nothing; these are in > 10 % of documents",
    )
    substring_languages: tuple[str, ...] = Field(
        ("ja", "th", "zh"), description="languages in which a listed word counts inside other text too"
    )
    lists_of: dict[str, str] = Field(
        {"nb": "no", "nn": "no", "tl": "fil"}, description="list to use for a language that has none of its own"
    )
    keep_share: float = Field(0.0, ge=0, le=1, description="share of documents with a listed word that is kept")
    seed: int = Field(0, ge=0, description="of the hash of the document's id that decides which are kept")


class BadWords:
    """A listed word counts where no letter, digit or mark stands beside it, in any case; in ja, th and zh anywhere.

    Documents in a language without a list have no signal and pass. Which hits are kept is decided by a hash of
    `doc_id`, so `keep_share` can be moved over stored signals.
    """

    name: ClassVar[str] = "bad_words"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 1910.10683; arXiv 2010.11934; tensorflow/datasets (c4); huggingface/datatrove"
    Params: ClassVar[type[Params]] = BadWordsParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("hits", "listed words in the text, each time they occur; null in a language without a list"),
        Signal("lot", "for a text with a hit: hash of its id and the seed in [0, 1); kept if below `keep_share`"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "What a Darn-tootin day, darn it.",
            columns={"language": "en", "doc_id": "a"},
            params={"words": {"en": ["darn"]}},
            signals={"hits": 2.0},
            reasons=("bad_word",),
        ),
        Example(
            "Darning socks.",
            columns={"language": "en", "doc_id": "a"},
            params={"words": {"en": ["darn"]}},
            signals={"hits": 0.0},
            reasons=(),
        ),
        Example(
            "真糟糕啊",
            columns={"language": "zh", "doc_id": "a"},
            params={"words": {"zh": ["糟糕"]}},
            reasons=("bad_word",),
        ),
        Example("darn", columns={"language": "de", "doc_id": "a"}, params={"words": {"en": ["darn"]}}, reasons=()),
    )  # fmt: skip

    def __init__(self, params: BadWordsParams) -> None:
        """Pin the lists; each is read when the first document of its language comes."""
        words = {language: entries.pinned() for language, entries in sorted(params.words.items())}
        files = params.folder.lists() if params.folder else {}
        folder = params.folder.pinned(files) if params.folder else None
        self.params = params.model_copy(update={"words": words, "folder": folder})
        self._lists = {
            language: EntryList(
                entries=words.get(language, _NONE).entries,
                files=words.get(language, _NONE).files + ((files[language],) if language in files else ()),
            )
            for language in {*words, *files}
        }

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Hits and lots; NaN for a text in a language without a list, and the lot of a text without a hit."""
        hits = np.full(len(batch), np.nan)
        languages = batch.column("language").cast(pa.string()).dictionary_encode()
        rows_of = languages.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        for number, language in enumerate(languages.dictionary.to_pylist()):
            automaton = self._automaton(language)
            if automaton is not None:
                rows = np.flatnonzero(rows_of == number)
                hits[rows] = self._count(batch, rows, automaton, anywhere=language in self.params.substring_languages)
        lots = np.full(len(batch), np.nan)
        found = np.flatnonzero(hits > 0)
        keys = batch.column("doc_id").take(pa.array(found)).to_pylist() if len(found) else []
        lots[found] = [_lot(key, self.params.seed) for key in keys]
        return {"hits": hits, "lot": lots}

    def rules(self) -> tuple[Rule, ...]:
        """A document with a hit goes unless its lot is below the share that is kept."""
        return (Rule(reason="bad_word", signal="lot", maximum=self.params.keep_share, exclusive=True),)

    def _automaton(self, language: str) -> Automaton | None:
        named = language if language in self._lists else self.params.lists_of.get(language, language)
        entries = self._lists.get(named)
        return _read(named, entries, self.params.allowed.get(named, ())) if entries else None

    @staticmethod
    def _count(batch: TextBatch, rows: Counts, automaton: Automaton, *, anywhere: bool) -> Counts:
        characters = batch.characters
        counts: Counts = _count(
            characters.codes, characters.flags, characters.offsets, rows, int(anywhere), automaton.symbols,
            automaton.moves, automaton.pattern, automaton.shorter, automaton.lengths,
        )  # fmt: skip
        return counts


@lru_cache(maxsize=64)
def _read(language: str, entries: EntryList, allowed: tuple[str, ...]) -> Automaton:
    words = [word.strip() for word in entries.texts()]
    broken = next((word for word in words if "\ufffd" in word), None)
    if broken is not None:
        raise RecipeError(f"bad_words: the list of {language} is no UTF-8 at {broken!r}; convert it")
    return Automaton.of(set(words) - set(allowed), any_case=True)


def _lot(key: str | None, seed: int) -> float:
    """A number in [0, 1) that is uniform over keys; 53 bits, so that it is exact as a double."""
    return (xxhash.xxh64_intdigest((key or "").encode(), seed=seed) >> 11) / (1 << 53)


@kernel
def _beside(flags: Flags, codes: Codes, i: int, first: int, last: int) -> bool:
    """Whether a character that makes words stands at i."""
    return i >= first and i < last and ((flags[i] & (LETTER | NUMBER | MARK)) != 0 or codes[i] == 0x5F)


@kernel
def _count(  # noqa: PLR0917 - numba takes no keywords
    codes: Codes, flags: Flags, offsets: Offsets, rows: Counts, anywhere: int,
    symbols: Symbols, moves: States, pattern: States, shorter: States, lengths: States,
) -> Counts:  # fmt: skip
    result = np.zeros(len(rows), dtype=np.int64)
    for k in range(len(rows)):
        first = offsets[rows[k]]
        last = offsets[rows[k] + 1]
        state = 0
        for i in range(first, last):
            state = moves[state, symbol_of(codes[i], symbols)]
            at = first_end(state, pattern, shorter)
            while at >= 0:
                start = i + 1 - lengths[pattern[at]]
                inside = _beside(flags, codes, start - 1, first, last) or _beside(flags, codes, i + 1, first, last)
                result[k] += anywhere != 0 or not inside
                at = shorter[at]
    return result

"""Texts in the script of their language: a label that contradicts the letters is wrong, or the page is mixed."""

from collections.abc import Mapping
from functools import lru_cache
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Rule, Signal
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.characters import Codes, Offsets
from spark_jobs.text.language_codes import scripts_of_label
from spark_jobs.text.native import kernel
from spark_jobs.text.scripts import scripts_by_code_point

Counts = npt.NDArray[np.int64]

# Writing systems of several scripts; Han counts as one, however it is simplified.
_SYSTEMS: Final[Mapping[str, tuple[str, ...]]] = {
    "Jpan": ("Hani", "Hira", "Kana"), "Hira": ("Hani", "Hira", "Kana"), "Kana": ("Hani", "Hira", "Kana"),
    "Kore": ("Hang", "Hani"), "Hang": ("Hang", "Hani"),
    "Hans": ("Hani",), "Hant": ("Hani",), "Hanb": ("Hani", "Bopo"), "Hani": ("Hani", "Bopo"),
}  # fmt: skip


class ScriptConsistencyParams(Params):
    """How much of a text must be in the script of its language."""

    min_script_ratio: float | None = Field(0.9, ge=0, le=1, description="letters of the label's script over letters")


class ScriptConsistency:
    """Letters of the label's script over all letters; of a language with several scripts the one that has most.

    Japanese is Han, Hiragana and Katakana together, Korean Hangul and Han. A label without a known script (`und`) and
    a text without letters are not judged.
    """

    name: ClassVar[str] = "script_consistency"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "arXiv 2410.23825 (GlotCC: at least 90 % of the characters)"
    Params: ClassVar[type[Params]] = ScriptConsistencyParams
    signals: ClassVar[tuple[Signal, ...]] = (
        Signal("script_ratio", "letters of the label's script over letters; null where the label has no known script"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "Добрый день, Anna",
            columns={"language": "ru"},
            signals={"script_ratio": 10 / 14},
            reasons=("other_script",),
        ),
        Example("日本語のテキスト", columns={"language": "jpn_Jpan"}, signals={"script_ratio": 1.0}, reasons=()),
        Example("dobar dan", columns={"language": "sr"}, signals={"script_ratio": 1.0}, reasons=()),
        Example("any text", columns={"language": "und"}, reasons=()),
    )

    def __init__(self, params: ScriptConsistencyParams) -> None:
        """Take the share."""
        self.params = params

    def annotate(self, batch: TextBatch) -> Mapping[str, Floats]:
        """Read `language` of the batch and count its letters by script."""
        table, names = scripts_by_code_point()
        characters = batch.characters
        counts = _count(characters.codes, characters.offsets, table, len(names))
        counts[:, 0] = 0
        letters = counts.sum(axis=1)
        shares = np.full(len(batch), np.nan)
        labels = batch.column("language").dictionary_encode()
        rows = labels.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        for place, label in enumerate(labels.dictionary.to_pylist()):
            systems = _systems_of(label, names)
            own = (rows == place) & (letters > 0)
            if systems and own.any():
                most = np.max([counts[own][:, list(system)].sum(axis=1) for system in systems], axis=0)
                shares[own] = most / letters[own]
        return {"script_ratio": shares}

    def rules(self) -> tuple[Rule, ...]:
        """Enough letters in the script of the label."""
        return (Rule(reason="other_script", signal="script_ratio", minimum=self.params.min_script_ratio),)


@lru_cache(maxsize=4096)
def _systems_of(label: str, names: tuple[str, ...]) -> tuple[tuple[int, ...], ...]:
    """Writing systems of a label, each as places of its scripts in the names; none where no script is known."""
    systems = (_SYSTEMS.get(script, (script,)) for script in scripts_of_label(label))
    found = (tuple(names.index(script) for script in system if script in names) for system in systems)
    return tuple(system for system in found if system)


@kernel
def _count(codes: Codes, offsets: Offsets, table: npt.NDArray[np.uint8], scripts: int) -> Counts:
    counts = np.zeros((len(offsets) - 1, scripts), dtype=np.int64)
    for row in range(len(offsets) - 1):
        for i in range(offsets[row], offsets[row + 1]):
            counts[row, table[codes[i]]] += 1
    return counts

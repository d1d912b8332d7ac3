"""A fastText classifier of reference text against the pool: the quality score of DCLM.

Scores how much a document reads like the reference texts that the recipe names. A score, no verdict: thresholds are
quantiles of a pool, derived where a release is mixed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from spark_jobs.operators.base import Example, Floats, Params, Signal
from spark_jobs.text.fasttext_training import train

HIGH, LOW = "__label__hq", "__label__cc"

# Where str.splitlines cuts.
_LINE_ENDS = r"\r\n|[\n\v\f\r\x1c-\x1e\x{85}\x{2028}\x{2029}]"
# fastText reads these in a text as a label, as the end of a line, as separators: none may come from a document.
_RESERVED = r"__label__|</s>|\x00"
_NO_PROSE = r"[^\pL\pM\pN\s.,;:!?'()-]+"


class FasttextQualityParams(Params):
    """How a text is seen, and how the model is fitted."""

    normaliser: Literal["dclm", "prose"] = Field(
        default="dclm",
        description="dclm: text as it is, lines joined; prose: also lower case and without markup, so that the way "
        "a text was extracted tells less",
    )
    lr: float = Field(default=0.1, gt=0, description="learning rate")
    dim: int = Field(default=64, ge=2, le=1024, description="length of a word vector; DCLM: 100")
    epoch: int = Field(default=5, ge=1, description="passes over the training rows")
    min_count: int = Field(default=1, ge=1, description="occurrences below which a word is ignored")
    word_ngrams: int = Field(default=2, ge=1, le=5, description="longest run of words that is a feature")
    bucket: int = Field(default=1 << 18, ge=1, description="hash buckets of the n-grams; DCLM: 2,000,000")
    seed: int = Field(default=0, ge=0, description="seed of the vectors' first values")


class FasttextQuality:
    """Probability of the reference class; arXiv 2406.11794 (DCLM) with bigrams, one thread, and a seed.

    A text is stripped and its lines are joined by spaces; the score is the probability of the top label if that is
    the reference class, else 1 minus it. DCLM trains with `dim` 100 and `bucket` 2,000,000 on 400,000 documents;
    the defaults here are smaller, for pools of thousands. Byte-identical models need one thread, which is fixed.
    """

    name: ClassVar[str] = "fasttext_quality"
    version: ClassVar[int] = 1
    kind: ClassVar[str] = "fasttext"
    source: ClassVar[str] = "arXiv 2406.11794; mlfoundations/dclm"
    Params: ClassVar[type[Params]] = FasttextQualityParams
    scores: ClassVar[tuple[Signal, ...]] = (
        Signal("reference", "probability that the text is of the reference class, not of the pool"),
    )
    examples: ClassVar[tuple[Example, ...]] = (
        Example("A list is a mutable sequence.\nIts items are reached by position."),
        Example(""),
    )

    def __init__(self, params: FasttextQualityParams) -> None:
        """See and fit as the parameters say."""
        self.params = params

    def normalised(self, texts: pa.Array) -> pa.Array:
        """What the model sees of the texts: one line each, free of what fastText would take for its own marks."""
        texts = pc.fill_null(texts, "")
        texts = pc.replace_substring_regex(texts, pattern=_RESERVED, replacement=" ")
        if self.params.normaliser == "prose":
            texts = pc.utf8_lower(pc.replace_substring_regex(texts, pattern=_NO_PROSE, replacement=" "))
            texts = pc.replace_substring_regex(texts, pattern=r"\s+", replacement=" ")
        return pc.replace_substring_regex(pc.utf8_trim_whitespace(texts), pattern=_LINE_ENDS, replacement=" ")

    def train(self, positives: Sequence[str], negatives: Sequence[str], target: str) -> None:
        """Fit on snippets and write the model at `target`. The same snippets and params give the same bytes.

        The order of training rows is that of a hash of each row, so it does not depend on the order they come in.
        """
        p = self.params
        rows = [f"{HIGH} {text}" for text in self._seen(positives)]
        rows += [f"{LOW} {text}" for text in self._seen(negatives)]
        rows.sort(key=lambda row: (hashlib.blake2b(row.encode(), digest_size=8).digest(), row))
        options = {
            "lr": p.lr, "dim": p.dim, "ws": 5, "epoch": p.epoch, "minCount": p.min_count, "wordNgrams": p.word_ngrams,
            "bucket": p.bucket, "seed": p.seed,
        }  # fmt: skip
        train(rows, target, options)

    def score(self, texts: pa.Array, model_path: str) -> Mapping[str, Floats]:
        """Probability of the reference class for every text; a float64 array of `len(texts)`, in [0, 1]."""
        labels, probabilities = _model(model_path).predict(self._seen(texts), k=1)
        top = np.fromiter((row[0] for row in probabilities), dtype=np.float64, count=len(probabilities))
        high = np.fromiter((row[0] == HIGH for row in labels), dtype=np.bool_, count=len(labels))
        # fastText's single precision can say 1.00001.
        return {"reference": np.clip(np.where(high, top, 1.0 - top), 0.0, 1.0)}

    def _seen(self, texts: Any) -> list[str]:
        array = texts if isinstance(texts, pa.Array | pa.ChunkedArray) else pa.array(texts, pa.large_string())
        seen: list[str] = self.normalised(array).to_pylist()
        return seen


@lru_cache(maxsize=2)
def _model(path: str) -> Any:
    """The model, loaded once a worker process; its path holds the digest, so another model is another entry."""
    import fasttext

    # The package prints a warning about its own former return value for every load.
    fasttext.FastText.eprint = lambda *_args, **_kwargs: None
    return fasttext.load_model(path)

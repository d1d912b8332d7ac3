"""Pages on their way to text: the batches extractors take and give, and what a page's markup would cost to parse.

Limits are counted before any work is done, so that no page can stop a job and no clock decides what is in the corpus.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Reason = tuple[str, float | None, float | None]


@dataclass(frozen=True)
class PayloadBatch:
    """Pages as crawled, one row each: bytes, the Content-Type header, the literal URL; all of one length.

    With `tags_wanted` the extraction also says what the page's own metadata tags are, for filters that read them.
    """

    payloads: Sequence[bytes | None]
    content_types: Sequence[str | None]
    urls: Sequence[str | None]
    tags_wanted: bool = False

    def __post_init__(self) -> None:
        """Check that all columns are of one length."""
        if not len(self.payloads) == len(self.content_types) == len(self.urls):
            raise ValueError(
                f"{len(self.payloads)} payloads, {len(self.content_types)} content types, {len(self.urls)} urls"
            )


@dataclass(frozen=True)
class Extraction:
    """What came of each page: its text, or the reason there is none as (name, value, bound).

    `texts` is None exactly where `reasons` is not; `encodings` names the codec, `extractors` what made the text; both
    are None where the page was not looked into. `page_tags` are those of `page_tags.py`, None if nobody wants them.
    """

    texts: list[str | None]
    encodings: list[str | None]
    extractors: list[str | None]
    reasons: list[Reason | None]
    page_tags: list[list[str]] | None = None


@dataclass(frozen=True)
class Markup:
    """Size of a page for the parser.

    `bytes` as given (UTF-8 for a str); `tags` opened, closed and implied by the HTML rules; `depth` of the deepest open
    element; `attributes` the most in one tag; `options` the most in one select. Depth is not told apart beyond 32,768,
    where counting stops.
    """

    bytes: int
    tags: int
    depth: int
    attributes: int
    options: int


def measure_markup(data: bytes | str | npt.NDArray[np.uint8]) -> Markup:
    """Count tags and depth in time linear in the bytes, without building a tree.

    Void elements, comments, the contents of script, style and title, implied end tags (p, li, td, ...), stray end tags
    and formatting elements that the parser opens again in each block are counted as a parser would (WHATWG HTML,
    section 13.2). Bytes must be in an encoding that keeps ASCII; decode UTF-16 first.
    """
    from spark_jobs.text.markup_kernel import measure

    if isinstance(data, np.ndarray):
        raw = data
    else:
        raw = np.frombuffer(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"), np.uint8)
    tags, depth, attributes, options = measure(raw)
    return Markup(len(raw), int(tags), int(depth), int(attributes), int(options))

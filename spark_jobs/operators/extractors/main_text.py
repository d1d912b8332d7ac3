"""Main text of web pages by the form of their blocks: as precise as the careful extractors, at the speed of a parser.

The page is cut into blocks in one native pass, each block is told by counts, classes and place, and boosted trees that
were fitted on pages with known main text judge it. No word of any language is looked at.
"""

from typing import ClassVar

import numpy as np
from pydantic import Field

from spark_jobs.operators.base import Example, Params
from spark_jobs.operators.page_text import Fallback, Page, PageExtractor, PageParams
from spark_jobs.text.block_columns import WEIGHT
from spark_jobs.text.block_features import features
from spark_jobs.text.block_kernel import segment
from spark_jobs.text.block_text import write_blocks
from spark_jobs.text.block_trees import fitted

_PARAGRAPH = (
    "The sea rises twice a day, and it falls as often, because the moon pulls at the water of the whole earth. "
    "Where the coast is flat, the edge of the water moves by miles, and people who walk there must know the hours."
)


class MainTextParams(PageParams):
    """Limits, and how much is kept."""

    min_score: float = Field(0.55, gt=0, lt=1, description="score of a block that is kept; lower keeps more")
    min_letters: int = Field(
        200, ge=0, description="letters kept, and with min_share: below both the fallback takes over; a Han counts two"
    )
    min_share: float = Field(0.1, ge=0, le=1, description="letters kept / letters of the page")
    list_bullets: bool = Field(default=True, description="write bullets and numbers of list items")
    fallback: Fallback | None = Field(
        Fallback(name="resiliparse_text"),
        description="extractor for pages on which next to nothing is kept: its name, or name and params",
    )


class MainText(PageExtractor):
    """Extractor: HTML to its main text by fitted trees over the form of blocks; the default.

    Reasons: those of `PageExtractor`.
    """

    name: ClassVar[str] = "main_text"
    version: ClassVar[int] = 1
    source: ClassVar[str] = "this project, after boilerpipe (10.1145/1718487.1718542) and dragnet-org/dragnet"

    Params: ClassVar[type[Params]] = MainTextParams
    examples: ClassVar[tuple[Example, ...]] = (
        Example(
            "<nav><a href=/>Home</a> <a href=/n>News</a></nav><article><h1>Tides</h1>"
            f"<p>{_PARAGRAPH}</p><p>{_PARAGRAPH}</p></article><footer><a href=/c>Contact</a></footer>",
            columns={"content_type": "text/html"},
            edited=f"Tides\n\n{_PARAGRAPH}\n\n{_PARAGRAPH}",
        ),
        Example("<p>As it is.</p>", columns={"content_type": "text/plain"}, edited="<p>As it is.</p>"),
        Example("<div>" * 600 + "deep", columns={"content_type": "text/html"}, reasons=("too_deep",)),
        Example("<img src=a>", columns={"content_type": "text/html"}, reasons=("no_text",)),
    )

    def main_text(self, page: Page) -> str:
        """The blocks that the trees keep; nothing where they keep next to nothing, and a fallback is there."""
        elements, runs, blocks, _, _ = segment(page.data)
        chosen = fitted("main_text").judge(features(elements, blocks)) >= np.float32(self.params.min_score)
        weights = blocks[:, WEIGHT]
        kept = int(weights[chosen].sum())
        little = kept < self.params.min_letters and kept <= self.params.min_share * int(weights.sum())
        if little and self._fallback is not None:
            return ""
        return write_blocks(page.data, (elements, runs, blocks), chosen, bullets=self.params.list_bullets)

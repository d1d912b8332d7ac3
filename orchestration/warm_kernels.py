"""Compiles the native kernels of the default recipe before the first run needs them: the last step of the set-up.

Without it every worker of the first `cleaned` compiles them at once, for as long as the rest of a small run takes. What
is compiled here is what pages of the sample reach; a kernel they do not reach is compiled on its first call, as ever.
"""

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pyarrow as pa

from orchestration.settings import Settings
from orchestration.workshop import read_recipe
from spark_jobs.dedup.signatures import sign
from spark_jobs.dedup.verify import similarities
from spark_jobs.recipe.recipe import Recipe
from spark_jobs.sample.chatter import chatter_pages
from spark_jobs.sample.faults import fault_pages
from spark_jobs.sample.volume import Page
from spark_jobs.sample.web import web_pages
from spark_jobs.stages.clean import plan_of
from spark_jobs.stages.clean_pass import extracted_rows, judged_rows
from spark_jobs.stages.dedup import minhash_params
from spark_jobs.text.language import identify
from spark_jobs.text.markup import Extraction

_HEADERS = pa.list_(pa.struct([("name", pa.string()), ("value", pa.string())]))


def sample_pages() -> list[Page]:
    """Hand-written pages of the sample crawl: every language and every reason of it."""
    return [*web_pages(0), *fault_pages(0), *chatter_pages(0)]


def warm_extraction(recipe: Recipe) -> None:
    """Pages to texts, and texts to signatures."""
    extraction = extracted_rows(_rows(sample_pages()), plan_of(recipe.cleaned))
    texts = pa.array([text or "" for text in extraction.texts], pa.large_string())
    sets = pa.array([sign(texts, minhash_params(recipe.deduped)).shingles.tobytes()], pa.binary())
    similarities(sets, sets)


def warm_steps(recipe: Recipe) -> None:
    """Texts through language, editors and filters; the markup stands in for the text, so that this can run beside."""
    pages = sample_pages()
    texts = [page.html if isinstance(page.html, str) else page.html.decode("utf-8", "replace") for page in pages]
    nothing: list[str | None] = [None] * len(pages)
    extraction = Extraction(
        texts=list(texts), encodings=nothing, extractors=nothing, reasons=[None] * len(pages),
        page_tags=[[] for _ in pages],
    )  # fmt: skip
    plan = plan_of(recipe.cleaned)
    arrow = pa.array(texts, pa.large_string())
    languages = identify(arrow, plan.model, alternatives=plan.alternatives, max_chars=plan.max_chars)
    judged_rows(_rows(pages), extraction, languages, plan)


def _rows(pages: list[Page]) -> pa.RecordBatch:
    """The pages as rows of raw, as far as cleaning reads them."""
    count, urls = len(pages), [page.url for page in pages]
    columns = {
        "snapshot": pa.array(["warm"] * count),
        "doc_id": pa.array([str(number) for number in range(count)]),
        "url": pa.array(urls),
        "canonical_url": pa.array(urls),
        "captured_at": pa.nulls(count, pa.timestamp("us", "UTC")),
        "source": pa.array(["sample"] * count),
        "licence": pa.nulls(count, pa.string()),
        "content_type": pa.array([page.content_type for page in pages]),
        "http_headers": pa.array([[]] * count, _HEADERS),
        "payload": pa.array([page.html.encode() if isinstance(page.html, str) else page.html for page in pages]),
    }
    return pa.RecordBatch.from_pydict(columns)


PARTS: tuple[Callable[[Recipe], None], ...] = (warm_extraction, warm_steps)


def compile_all() -> None:
    """Both parts at once, each in a process of its own; an error of one is raised."""
    recipe = read_recipe(Settings.read())
    with ProcessPoolExecutor(len(PARTS), mp_context=get_context("spawn")) as pool:
        for done in [pool.submit(part, recipe) for part in PARTS]:
            done.result()

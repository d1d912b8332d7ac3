"""datatrove's filters on the documents: `all` documents through all filters, or `short-circuit` as its pipeline does.

Runs in datatrove's environment. Tokenizer: the one its own table names for English (spaCy's rules, no model), the words
of a text cached between filters, as datatrove does it. Its language model is read from a file, not downloaded.
"""

import os
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks.peers import measuring

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
    LanguageFilter,
    URLFilter,
)
from fasttext.FastText import _FastText
from tldextract import TLDExtract


def heuristics() -> list[Any]:
    """The four filters of FineWeb that look at the text, in its order and with its settings."""
    return [
        GopherRepetitionFilter(),
        GopherQualityFilter(),
        C4QualityFilter(filter_no_terminal_punct=False),
        FineWebQualityFilter(),
    ]


def filters(model: str | None) -> list[Any]:
    """FineWeb's filters; language and URL only when a model is given."""
    if model is None:
        return heuristics()
    language = LanguageFilter(languages=["en"])
    language.model._model = _FastText(model)  # noqa: SLF001 - the one way past its download
    url = URLFilter()
    url.tldextractor = TLDExtract(suffix_list_urls=())  # the list it ships, not a download
    return [url, language, *heuristics()]


def as_documents(rows: Sequence[dict[str, Any]]) -> Iterator[Document]:
    """The rows as datatrove has them."""
    return (Document(text=row["text"], id=row["id"], metadata={"url": row["url"]}) for row in rows)


def through_all(steps: Sequence[Any], rows: Sequence[dict[str, Any]]) -> None:
    """Every document through every filter, whatever the earlier ones said: all reasons are known."""
    for document in as_documents(rows):
        for step in steps:
            step.filter(document)


def short_circuit(steps: Sequence[Any], rows: Sequence[dict[str, Any]]) -> None:
    """Datatrove's own pipeline: the first filter that drops a document ends its way."""
    data: Any = as_documents(rows)
    for step in steps:
        data = step.run(data)
    for _ in data:
        pass


def main() -> None:
    """Measure one mode."""
    parser = measuring.arguments(__doc__ or "")
    parser.add_argument("--mode", choices=("all", "short-circuit"), default="all")
    arguments = parser.parse_args()
    steps = filters(arguments.model)
    run = through_all if arguments.mode == "all" else short_circuit
    measuring.measure(lambda rows: run(steps, rows), measuring.read(arguments.documents))


if __name__ == "__main__":
    main()

"""datatrove's verdict on every document by each filter alone, with the words and the number of sentences it saw.

Runs in datatrove's environment; writes JSON lines: id, words, sentences, and reason by filter (null: kept).
"""

import json
import sys
from pathlib import Path
from typing import Any

from datatrove.pipeline.filters import c4_filters
from datatrove.utils.text import split_into_words

from benchmarks.peers import measuring
from benchmarks.peers.run_datatrove import as_documents, heuristics

NAMES = ("gopher_repetition", "gopher_quality", "c4_quality", "fineweb_quality")


class SentenceCounter:
    """Stands in for datatrove's sentence splitter inside its C4 filter and counts what it gives."""

    def __init__(self, split: Any) -> None:
        self.split = split
        self.count = 0

    def __call__(self, text: str, language: str) -> list[str]:
        """Split and count."""
        found: list[str] = self.split(text, language)
        self.count += len(found)
        return found


def main() -> None:
    """Judge all documents."""
    parser = measuring.arguments(__doc__ or "")
    parser.add_argument("verdicts", help="JSONL to write")
    arguments = parser.parse_args()
    sentences = SentenceCounter(c4_filters.split_into_sentences)
    c4_filters.split_into_sentences = sentences
    filters = dict(zip(NAMES, heuristics(), strict=True))
    with Path(arguments.verdicts).open("w", encoding="utf-8") as out:
        for row in measuring.read(arguments.documents):
            sentences.count = 0
            words = split_into_words(row["text"])
            reasons = {}
            for name, judge in filters.items():
                (document,) = as_documents([row])
                verdict = judge.filter(document)
                reasons[name] = verdict[1] if isinstance(verdict, tuple) else (None if verdict else "dropped")
            line = {"id": row["id"], "words": words, "sentences": sentences.count, "reasons": reasons}
            out.write(json.dumps(line, ensure_ascii=False) + "\n")
    sys.stderr.write(f"{arguments.verdicts}\n")


if __name__ == "__main__":
    main()

"""Data-Juicer's nearest operators on the documents, fused as its option op_fusion does; every document through all.

Runs in Data-Juicer's environment. The operators are called on batches of 1,000 without the framework's dataset around
them, which is faster than its command line. Its word lists are downloads: short lists stand in for them.
"""

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers import measuring

BATCH = 1000
STOP_WORDS = ["the", "be", "to", "of", "and", "that", "have", "with"]
FLAGGED = ["porn", "xxx", "viagra", "casino"]


def operators(folder: str, *, language: bool) -> list[Any]:
    """Ten filters nearest to Gopher's and C4's measures, and language identification when it is asked for."""
    from data_juicer.ops import load_ops  # noqa: PLC0415 - reads the folder of its models when it is imported
    from data_juicer.ops.op_fusion import fuse_operators  # noqa: PLC0415 - the same

    for kind, words in (("stopwords", STOP_WORDS), ("flagged_words", FLAGGED)):
        (Path(folder) / f"{kind}.json").write_text(json.dumps({"en": words}))
    chosen: list[dict[str, Any]] = [
        {"words_num_filter": {"min_num": 50, "max_num": 100_000}},
        {"word_repetition_filter": {"rep_len": 5, "max_ratio": 0.15}},
        {"character_repetition_filter": {"rep_len": 10, "max_ratio": 0.2}},
        {"stopwords_filter": {"stopwords_dir": folder, "min_ratio": 0.01}},
        {"flagged_words_filter": {"flagged_words_dir": folder}},
        {"alphanumeric_filter": {"min_ratio": 0.6}},
        {"special_characters_filter": {"max_ratio": 0.4}},
        {"average_line_length_filter": {}},
        {"maximum_line_length_filter": {}},
        {"text_length_filter": {}},
    ]
    if language:
        chosen.insert(0, {"language_id_score_filter": {"lang": "en", "min_score": 0.65}})
    fused: list[Any] = fuse_operators(load_ops(chosen))
    return fused


def run(steps: Sequence[Any], rows: Sequence[dict[str, Any]]) -> None:
    """Statistics and verdict of every operator for every document."""
    for start in range(0, len(rows), BATCH):
        texts = [row["text"] for row in rows[start : start + BATCH]]
        samples: dict[str, Any] = {"text": texts, "__dj__stats__": [{} for _ in texts]}
        for step in steps:
            samples = step.compute_stats_batched(samples)
            list(step.process_batched(samples))


def place_model(model: str) -> None:
    """Put the model where Data-Juicer looks for what it would download."""
    folder = Path(os.environ["DATA_JUICER_CACHE_HOME"]) / "models"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "lid.176.bin").symlink_to(Path(model).resolve())


def main() -> None:
    """Measure."""
    arguments = measuring.arguments(__doc__ or "").parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DATA_JUICER_CACHE_HOME"] = folder
        if arguments.model:
            place_model(arguments.model)
        steps = operators(folder, language=bool(arguments.model))
        measuring.measure(lambda rows: run(steps, rows), measuring.read(arguments.documents))


if __name__ == "__main__":
    main()

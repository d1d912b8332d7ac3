"""Supervised fastText training whose result is a function of its rows: the same rows give the same bytes.

fastText with one thread sets only the first tenth of its input matrix and leaves the rest as the allocator hands it
out (seen with fasttext-numpy2 0.10.4: "Encountered NaN" or other bytes from the second fit of a process on). So it
trains in a process of its own, where every large block of memory is fresh from the system, which is zeros.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from os import pathsep
from pathlib import Path
from typing import Any

from spark_jobs.errors import RecipeError, TransientError

_PROGRAM = """
import json, sys
import fasttext
rows, target, options = sys.argv[1:]
fasttext.train_supervised(input=rows, thread=1, verbose=0, **json.loads(options)).save_model(target)
"""
# Blocks of 64 KiB and more come from mmap, always: without this, glibc raises the limit to 32 MB as blocks are freed.
_FRESH_MEMORY = {"MALLOC_MMAP_THRESHOLD_": str(1 << 16)}


def train(rows: Sequence[str], target: str, options: Mapping[str, Any]) -> None:
    """Fit on `rows` (one line each: label, space, text) in their order, and write the model's file at `target`.

    `options` are fastText's own, by its names. Raises RecipeError when the training diverges.
    """
    with tempfile.TemporaryDirectory() as folder:
        # fastText trains from a file only.
        file = Path(folder) / "rows.txt"
        file.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8", newline="\n")
        done = subprocess.run(  # noqa: S603 - this interpreter, and arguments of our own
            [sys.executable, "-c", _PROGRAM, str(file), target, json.dumps(dict(options))],
            env={**_FRESH_MEMORY, "PYTHONPATH": pathsep.join(filter(None, sys.path))},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    if done.returncode == 0:
        return
    said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
    if "NaN" in said:
        raise RecipeError(f"fastText diverged with {dict(options)}; lower lr in the recipe's scored.scorers")
    raise TransientError(f"fastText's training ended with status {done.returncode}, saying: {said}; run again")

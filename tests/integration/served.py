"""`provender ui` as a process group of its own on a home of its own, and looks at what it does from outside."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypeVar

from spark_jobs.lake.log_lake import LogLake
from spark_jobs.lake.records import Publication
from spark_jobs.lake.tables import FLOW

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 900
Found = TypeVar("Found")


class Served:
    """A home with the program that serves it, started and stopped by a test."""

    program: tuple[str, ...] = ("-P", "-m", "orchestration", "ui")

    def __init__(self, place: Path, **settings: object) -> None:
        self.place, self.home = place, place / "home"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = place / "ui.log"
        self.lake = LogLake(str(self.home))
        self.settings = {
            "PROVENDER_MASTER": "local[1]", "PROVENDER_DRIVER_MEMORY": "1g", "PYTHONPATH": str(ROOT),
            "DAGSTER_HOME": "", "PROVENDER_WATCH_SECONDS": 3, "PROVENDER_SETTLE_SECONDS": 2,
            "PROVENDER_UI_URL": self.url, **settings,
        }  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = ["--home", str(self.home), "--recipe", str(self.place / "recipe.yaml"), "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, *self.program, *words], cwd=self.place, start_new_session=True,
                stdout=log, stderr=log, env={**os.environ, **{k: str(v) for k, v in self.settings.items()}},
            )  # fmt: skip
        self.until(self.answers, "the web server answers")

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/server_info", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def kill(self) -> None:
        """As a power cut: everything at once, without a word."""
        assert self.process is not None
        for pid in descendants(self.process.pid):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait()
        self.process = None

    def stop(self) -> int:
        assert self.process is not None
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        return process.wait(60)

    def until(self, condition: Callable[[], Found], what: str, seconds: float = PATIENCE_SECONDS) -> Found:
        """Wait for something true; the log of the program is told if it does not come."""
        patience = time.monotonic() + seconds
        while time.monotonic() < patience:
            if found := condition():
                return found
            assert self.process is None or self.process.poll() is None, self.told()
            time.sleep(0.3)
        raise AssertionError(f"{what}: not within {seconds:.0f} s; {self.told()}")

    def told(self) -> str:
        return self.log.read_text(errors="replace")[-4000:]

    def publications(self) -> dict[str, Publication]:
        self.lake.refresh()
        return {f"{table}/{key}": p for table in FLOW for key, p in self.lake.publications(table).items()}

    def releases(self) -> list[str]:
        self.lake.refresh()
        return [publication.partition for publication in self.lake.history("releases")]

    def ask(self, query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            told = json.loads(answer.read())
        assert "errors" not in told, told
        return told["data"]

    def runs(self, **tags: str) -> list[dict[str, Any]]:
        """Runs, newest first, with these tags."""
        wanted = {"tags": [{"key": key, "value": value} for key, value in tags.items()]}
        query = """query($filter: RunsFilter) { runsOrError(filter: $filter) { ... on Runs {
            results { runId status jobName tags { key value } assetSelection { path } } } } }"""
        results: list[dict[str, Any]] = self.ask(query, filter=wanted)["runsOrError"]["results"]
        return results


def descendants(pid: int) -> list[int]:
    """A process and all below it; Dagster gives some of its children sessions of their own."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = [pid]
    for one in found:
        found += parents.get(one, [])
    return found


@contextmanager
def served(place: Path, kind: type[Served] = Served, **settings: object) -> Iterator[Served]:
    """A served home whose processes do not outlive the test."""
    program = kind(place, **settings)
    try:
        program.start()
        yield program
    finally:
        if program.process is not None:
            program.kill()


class Hook:
    """A webhook that keeps what it is told."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_words: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook/no-one-may-see-this"

    @contextmanager
    def listening(self) -> Iterator["Hook"]:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()

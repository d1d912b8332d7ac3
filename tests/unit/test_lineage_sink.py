"""The outbox of lineage events: nothing is lost, nothing fails, order stays, and no secret is told."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from orchestration.lineage_sink import Outbox, public_address, sink_of
from orchestration.settings import Settings
from spark_jobs.errors import UsageError


class Endpoint:
    """A lineage endpoint on loopback that answers as it is told."""

    def __init__(self) -> None:
        self.answer: Callable[[dict[str, Any]], int] = lambda _event: 201
        self.events: list[dict[str, Any]] = []
        self.paths: set[str] = set()
        self.keys: set[str | None] = set()
        memory = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = memory.answer(event)
                memory.paths.add(self.path)
                memory.keys.add(self.headers.get("Authorization"))
                if status < 300:
                    memory.events.append(event)
                self.send_response(status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_words: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    served = Endpoint()
    yield served
    served.stop()


def sink(home: Path, target: str, said: list[str], **settings: Any) -> Outbox:
    made = sink_of(Settings(home=str(home), openlineage=target, **settings), said.append)
    assert made is not None
    made.rest_seconds = 0.0
    return made


def event(number: int, state: str = "COMPLETE") -> dict[str, Any]:
    run = {"runId": f"00000000-0000-4000-8000-{number:012d}"}
    return {"eventType": state, "eventTime": "2026-03-01T12:00:00+00:00", "number": number, "name": "größe", "run": run}


def test_events_reach_the_endpoint_in_order_with_the_key(endpoint: Endpoint, tmp_path: Path) -> None:
    said: list[str] = []
    made = sink(tmp_path, endpoint.url, said, openlineage_key="a-key")
    for number in range(3):
        made.send(event(number))
    assert endpoint.events == [event(number) for number in range(3)]
    assert (endpoint.paths, endpoint.keys) == ({"/api/v1/lineage"}, {"Bearer a-key"})
    assert (made.kept(), said) == ([], [])
    assert not any("a-key" in path.read_text() for path in tmp_path.rglob("*") if path.is_file())


def test_an_address_with_a_path_is_taken_as_it_is(endpoint: Endpoint, tmp_path: Path) -> None:
    sink(tmp_path, f"{endpoint.url}/collect?team=data", []).send(event(0))
    assert endpoint.paths == {"/collect?team=data"}


def test_what_an_endpoint_that_is_down_missed_is_sent_later_and_first(endpoint: Endpoint, tmp_path: Path) -> None:
    said: list[str] = []
    answered: list[int] = []

    def unavailable(got: dict[str, Any]) -> int:
        answered.append(got["number"])
        return 503

    endpoint.answer = unavailable
    made = sink(tmp_path, endpoint.url.replace("http://", "http://ann:secret@"), said)
    made.send(event(0))
    made.send(event(1))
    assert len(said) == 2
    assert "2 kept in" in said[1]
    assert "HTTPError 503" in said[1]
    assert len(answered) == 2, "asked once for each event, and never again at once"
    assert "\n" not in said[1]
    assert "secret" not in " ".join(said)
    assert len(made.kept()) == 2
    endpoint.answer = lambda _event: 201
    # Another program, later.
    later = sink(tmp_path, endpoint.url, said)
    later.send(event(2))
    assert [e["number"] for e in endpoint.events] == [0, 1, 2]
    assert later.kept() == []
    assert len(said) == 2


def test_a_run_that_tells_nothing_new_sends_what_was_kept(tmp_path: Path, endpoint: Endpoint) -> None:
    said: list[str] = []
    nobody = sink(tmp_path, "http://127.0.0.1:9", said)
    nobody.send(event(0))
    assert len(said) == 1
    made = sink(tmp_path, endpoint.url, said)
    made.flush()
    assert endpoint.events == [event(0)]
    empty = sink(tmp_path / "none", endpoint.url, said)
    empty.flush()
    assert not (tmp_path / "none").exists(), "a look at nothing makes nothing"


def test_an_endpoint_that_is_down_is_left_alone_for_a_while(tmp_path: Path) -> None:
    said: list[str] = []
    made = sink(tmp_path, "http://127.0.0.1:9", said)
    made.rest_seconds = 600.0
    for number in range(3):
        made.send(event(number))
    assert len(said) == 1, "told once, not with every event"
    assert len(made.kept()) == 3


def test_an_event_that_is_refused_is_set_aside_and_stops_no_other(endpoint: Endpoint, tmp_path: Path) -> None:
    said: list[str] = []
    endpoint.answer = lambda got: 422 if got["number"] == 0 else 201
    made = sink(tmp_path, endpoint.url, said)
    made.send(event(0))
    made.send(event(1))
    assert endpoint.events == [event(1)]
    (refused,) = (made.folder / "refused").iterdir()
    assert json.loads(refused.read_text(encoding="utf-8")) == event(0)
    assert len(said) == 1
    assert "422" in said[0]


@pytest.mark.parametrize("status", [401, 403, 404, 429])
def test_what_is_wrong_with_us_keeps_the_event(endpoint: Endpoint, tmp_path: Path, status: int) -> None:
    endpoint.answer = lambda _event: status
    made = sink(tmp_path, endpoint.url, [])
    made.send(event(0))
    assert len(made.kept()) == 1


def test_a_file_gets_one_line_an_event(tmp_path: Path) -> None:
    target = tmp_path / "new folder" / "events.jsonl"
    made = sink(tmp_path / "home", str(target), [])
    for number in range(3):
        made.send(event(number))
    assert [json.loads(line) for line in target.read_text("utf-8").splitlines()] == [event(n) for n in range(3)]
    assert made.kept() == []


def test_several_programs_write_whole_lines(tmp_path: Path) -> None:
    target, big = tmp_path / "events.jsonl", "x" * 50_000
    sinks = [sink(tmp_path / "home", str(target), []) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda s=s, n=n: [s.send({**event(n), "big": big}) for _ in range(5)])
        for n, s in enumerate(sinks)
    ]  # fmt: skip
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    read = [json.loads(line) for line in target.read_text("utf-8").splitlines()]
    assert sorted(e["number"] for e in read) == sorted(list(range(4)) * 5)


KILLED = """
import os, signal, sys
from pathlib import Path
from orchestration.lineage_sink import sink_of
from orchestration.settings import Settings
from tests.unit.test_lineage_sink import event

sink = sink_of(Settings(home=sys.argv[1], openlineage=sys.argv[2]), print)
for number, states in ((0, ["START", "COMPLETE"]), (1, ["START"]), (2, ["START"])):
    for state in states:
        sink.send(event(number, state))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_end_of_a_program_that_was_killed_is_told_by_the_next(tmp_path: Path, endpoint: Endpoint) -> None:
    root = Path(__file__).resolve().parents[2]
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), endpoint.url], env={**os.environ, "PYTHONPATH": str(root)},
        check=False, capture_output=True,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    living = sink(tmp_path, endpoint.url, [])
    living.send(event(5, "START"))
    later = sink(tmp_path, endpoint.url, [])
    later.send(event(2))  # its publication is in the ledger: told before anything is given up
    endpoint.events.clear()
    later.flush()
    (told,) = endpoint.events
    assert (told["number"], told["eventType"]) == (1, "ABORT")
    assert told["run"]["runId"] == event(1)["run"]["runId"]
    assert "killed" in told["run"]["facets"]["errorMessage"]["message"]
    later.flush()
    assert len(endpoint.events) == 1, "told once, and nothing of the program that lives"


def test_an_outbox_that_cannot_be_written_is_told_and_stops_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    (tmp_path / "openlineage").write_text("a file where the folder should be")
    sink(tmp_path, str(tmp_path / "events.jsonl"), said).send(event(0))
    assert len(said) == 1
    assert "an event is lost" in said[0]


def test_the_environment_of_the_client_says_nothing(
    endpoint: Endpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENLINEAGE_DISABLED", "true")
    monkeypatch.setenv("OPENLINEAGE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "console")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "openlineage.yml").write_text("transport: {type: noop}")
    sink(tmp_path, endpoint.url, []).send(event(0))
    assert endpoint.events == [event(0)]


def test_without_a_setting_there_is_no_sink_and_no_folder(tmp_path: Path) -> None:
    assert sink_of(Settings(home=str(tmp_path)), print) is None
    assert list(tmp_path.iterdir()) == []


def test_an_address_without_a_host_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names no host"):
        sink(tmp_path, "http://", [])


def test_settings_come_from_the_environment_and_the_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROVENDER_OPENLINEAGE", "http://lineage.example")
    monkeypatch.setenv("PROVENDER_OPENLINEAGE_KEY", "a-key-nobody-may-see")
    monkeypatch.setenv("PROVENDER_OPENLINEAGE_NAMESPACE", "corpora")
    read = Settings.read()
    assert (read.openlineage, read.openlineage_namespace) == ("http://lineage.example", "corpora")
    assert read.openlineage_key == "a-key-nobody-may-see"
    assert "a-key-nobody-may-see" not in repr(read)


@pytest.mark.parametrize(
    ("remote", "shown"),
    [
        ("https://ann:token@git.example/a/b.git", "https://git.example/a/b.git"),
        ("https://git.example/a/b.git", "https://git.example/a/b.git"),
        ("git@git.example:a/b.git", "git@git.example:a/b.git"),
        ("ssh://git@git.example/a/b.git", "ssh://git.example/a/b.git"),
        ("/srv/git/b.git", None),
        ("file:///srv/git/b.git", None),
        ("", None),
    ],
)
def test_the_address_of_the_repository_has_no_credentials(remote: str, shown: str | None) -> None:
    assert public_address(remote) == shown

"""Alerts: real endpoints in this process that refuse and accept; nothing is lost, nothing is told twice, no secret."""

import json
import logging
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from orchestration.alerts import alert_of, alert_sensor, mail, post, served_release
from orchestration.automation import Lookout
from orchestration.settings import Settings
from spark_jobs.errors import TransientError, UsageError
from spark_jobs.lake.log_lake import LogLake
from tests.unit.straw_ledger import CATALOG, StrawLake, recipe_of

SECRET = "a-secret-nobody-may-see"  # gitleaks:allow


@dg.op
def refuses() -> None:
    raise dg.Failure("raw/bad: nothing published, 1 of 9 expectations failed", metadata={"candidate": "/c/1"})


@dg.op
def breaks() -> None:
    raise OSError("the disk is gone")


@dg.job
def poisoned() -> None:
    refuses()


@dg.job
def broken() -> None:
    breaks()


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def fail(instance: dg.DagsterInstance, job: dg.JobDefinition = poisoned, **tags: str) -> str:
    done = job.execute_in_process(instance=instance, raise_on_error=False, tags=tags)
    assert not done.success
    return done.run_id


class Webhook:
    """An HTTP server that keeps what is posted; it answers with `status`."""

    def __init__(self) -> None:
        self.status, self.got = 200, []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if hook.status == 200:
                    hook.got.append(body)
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_words: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hooks/{SECRET}"


class MailServer(socketserver.ThreadingTCPServer):
    """As much of SMTP as a client needs; keeps the messages."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.refuse = False
        super().__init__(("127.0.0.1", 0), MailHandler)


class MailHandler(socketserver.StreamRequestHandler):
    """One conversation."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = []
                while (text := self.rfile.readline()) != b".\r\n":
                    lines.append(text.decode())
                self.server.messages.append("".join(lines))
            elif verb == b"RCPT" and self.server.refuse:
                self.wfile.write(b"550 no such box\r\n")
                continue
            self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
            if verb == b"QUIT":
                return


@contextmanager
def serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    hook = Webhook()
    with serving(hook.server):
        yield hook


@pytest.fixture
def mails() -> Iterator[MailServer]:
    server = MailServer()
    with serving(server):
        yield server


def lookout(tmp_path: Path, **settings: Any) -> Lookout:
    return Lookout(Settings(home=str(tmp_path), **settings), recipe_of(tmp_path), CATALOG)


class Ticks:
    """A sensor that ticks with the cursor of its last tick."""

    def __init__(self, sensor: dg.SensorDefinition, instance: dg.DagsterInstance) -> None:
        self.sensor, self.instance, self.cursor = sensor, instance, None

    def tick(self) -> str:
        with dg.build_sensor_context(instance=self.instance, cursor=self.cursor) as context:
            data = self.sensor.evaluate_tick(context)
        self.cursor = data.cursor
        return str(data.skip_message)


def test_failures_from_now_on_are_told_once_each_and_in_order(
    tmp_path: Path, instance: dg.DagsterInstance, webhook: Webhook
) -> None:
    fail(instance)
    ticks = Ticks(alert_sensor(lookout(tmp_path, alert_webhook=webhook.url)), instance)
    assert ticks.tick() == "webhook: ready"
    runs = [fail(instance, **{"dagster/partition": "bad"}), fail(instance, broken)]
    assert ticks.tick() == "webhook: 2 told"
    assert ticks.tick() == "webhook: 0 told"
    assert [body["run_id"] for body in webhook.got] == runs
    first, second = webhook.got
    assert first["partition"] == "bad"
    assert first["reason"] == "raw/bad: nothing published, 1 of 9 expectations failed"
    assert first["candidate"] == "/c/1"
    assert first["url"].endswith(f"/runs/{runs[0]}")
    assert "There is no release yet." in first["text"]
    assert second["reason"] == "OSError: the disk is gone"


def test_what_could_not_be_delivered_is_told_later_and_no_channel_waits_for_another(
    tmp_path: Path, instance: dg.DagsterInstance, webhook: Webhook, mails: MailServer
) -> None:
    settings = {"alert_webhook": webhook.url, "alert_email": ("ann@example.org", "bob@example.org"),
                "alert_smtp": f"smtp://127.0.0.1:{mails.server_address[1]}"}  # fmt: skip
    ticks = Ticks(alert_sensor(lookout(tmp_path, **settings)), instance)
    ticks.tick()
    webhook.status = 503
    runs = [fail(instance), fail(instance, broken)]
    told = ticks.tick()
    assert "webhook: 0 told, then the webhook at 127.0.0.1 answered 503; tried again at the next look" in told
    assert told.endswith("mail: 2 told")
    assert len(mails.messages) == 2
    assert "To: ann@example.org, bob@example.org" in mails.messages[0]
    assert "Subject: Provender: poisoned failed" in mails.messages[0]
    webhook.status, mails.refuse = 200, True
    runs.append(fail(instance))
    assert ticks.tick().startswith("webhook: 3 told; mail: 0 told, then the mail server 127.0.0.1 did not take it")
    assert [body["run_id"] for body in webhook.got] == runs
    mails.refuse = False
    assert ticks.tick() == "webhook: 0 told; mail: 1 told"
    assert len(mails.messages) == 3


def test_no_endpoint_and_no_password_is_told_to_anybody(
    tmp_path: Path, instance: dg.DagsterInstance, webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(
        home=str(tmp_path), alert_webhook=webhook.url, alert_email=("ann@example.org",),
        alert_smtp=f"smtp://ann:{SECRET}@127.0.0.1:9",
    )  # fmt: skip
    assert SECRET not in repr(settings)
    alert = alert_of(instance.get_run_by_id(fail(instance)), instance, settings)
    assert SECRET not in alert.text
    webhook.status = 404
    for tell in (
        lambda: post(alert, webhook.url), lambda: mail(alert, settings), lambda: post(alert, f"http://127.0.0.1:9/{SECRET}"),
    ):  # fmt: skip
        with pytest.raises(TransientError) as caught:
            tell()
        assert SECRET not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__
    with caplog.at_level(logging.DEBUG):
        ticks = Ticks(alert_sensor(Lookout(settings, recipe_of(tmp_path), CATALOG)), instance)
        ticks.tick()
        fail(instance)
        assert SECRET not in ticks.tick()
    assert SECRET not in caplog.text
    with pytest.raises(UsageError) as refused:
        replace(settings, alert_webhook=f"ftp://example.org/{SECRET}").check()
    assert SECRET not in str(refused.value)
    with pytest.raises(UsageError, match="PROVENDER_ALERT_SMTP"):
        replace(settings, alert_smtp=None).check()


def test_the_alert_says_which_release_is_served_on(tmp_path: Path) -> None:
    class Released(StrawLake):
        def rows(self, table: str) -> list[dict[str, Any]]:
            rows = [("new", "withdrawn"), ("old", "published"), ("older", "published")]
            return [{"release": release, "state": state} for release, state in rows]

    lake = Released(recipe_of(tmp_path))
    for name in ("older", "old", "new"):
        lake.publish("releases", name)
    assert served_release(lake) == "old"
    assert served_release(LogLake(str(tmp_path / "nowhere"))) is None

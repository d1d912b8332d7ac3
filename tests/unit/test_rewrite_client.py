"""The client against a server that misbehaves: what is tried again, what is given up, and what nobody may see."""

import json
import socket
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from spark_jobs.generation import client
from spark_jobs.generation.client import Answer, ask_all, backoff_s, check_endpoint, retry_after_s
from spark_jobs.generation.endpoint import Endpoint
from spark_jobs.generation.requests import Request
from tests.fake_endpoint import Reply, serve

KEY = "sk-very-secret"


def requests(count: int) -> list[Request]:
    return [
        Request(f"{n:064x}", json.dumps({"messages": [{"role": "user", "content": f"draft {n}"}], "seed": n}))
        for n in range(count)
    ]


def endpoint(url: str, **changed: Any) -> Endpoint:
    return Endpoint(url=url, model="m", key=KEY, **{"timeout_s": 5.0, "max_retries": 2, "concurrency": 2, **changed})


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "FIRST_WAIT_S", 0.01)


def test_answers_come_in_the_order_of_the_requests_with_their_cost() -> None:
    with serve(lambda body, _: Reply(text=body["messages"][0]["content"].upper(), finish_reason="length")) as fake:
        answers = ask_all(requests(5), endpoint(fake.url))
    assert [a.output for a in answers] == [f"DRAFT {n}" for n in range(5)]
    assert {(a.finish_reason, a.tokens_in, a.tokens_out, a.error) for a in answers} == {("length", 7, 3, None)}
    assert all(a.seconds > 0 for a in answers)
    assert fake.keys == {f"Bearer {KEY}"}
    assert {body["model"] for body in fake.requests} == {"m"}
    assert sorted(body["seed"] for body in fake.requests) == [0, 1, 2, 3, 4]


def test_no_more_requests_are_under_way_than_allowed() -> None:
    with serve(lambda *_: Reply(delay_s=0.05)) as fake:
        ask_all(requests(9), endpoint(fake.url, concurrency=3))
    assert fake.most_under_way == 3


@pytest.mark.parametrize("bad", [
    Reply(status=500), Reply(status=503), Reply(status=408), Reply(body=b"<html>"), Reply(body=b'{"choices": []}'),
    Reply(body=b'{"choices": [{"message": 1}]}'),
])  # fmt: skip
def test_what_may_pass_is_tried_again(bad: Reply) -> None:
    with serve(lambda _, before: bad if before == 0 else Reply()) as fake:
        (answer,) = ask_all(requests(1), endpoint(fake.url))
    assert (answer.output, answer.error) == ("hello", None)
    assert len(fake.requests) == 2


@pytest.mark.parametrize(
    ("bad", "kind"),
    [(Reply(status=500), "status_500"), (Reply(status=429), "status_429"), (Reply(body=b"not json"), "not_an_answer")],
)
def test_what_does_not_pass_ends_as_a_kind_after_all_tries(bad: Reply, kind: str) -> None:
    with serve(lambda *_: bad) as fake:
        (answer,) = ask_all(requests(1), endpoint(fake.url))
    assert (answer.output, answer.error) == (None, kind)
    assert len(fake.requests) == 3


def test_retry_after_is_obeyed() -> None:
    with serve(lambda _, before: Reply(status=429, headers={"retry-after": "0.6"}) if before == 0 else Reply()) as fake:
        began = time.monotonic()
        (answer,) = ask_all(requests(1), endpoint(fake.url))
    assert answer.output == "hello"
    assert time.monotonic() - began >= 0.6


def test_a_slow_answer_is_a_timeout_and_costs_no_other_request() -> None:
    slow = {"draft 1"}
    with serve(lambda body, _: Reply(delay_s=1.5 if body["messages"][0]["content"] in slow else 0)) as fake:
        answers = ask_all(requests(4), endpoint(fake.url, timeout_s=0.3, max_retries=1))
    assert [a.error for a in answers] == [None, "timeout", None, None]


def test_a_refused_request_is_not_sent_again_and_stops_nothing() -> None:
    with serve(lambda body, _: Reply(status=400 if body["seed"] == 0 else 200)) as fake:
        answers = ask_all(requests(3), endpoint(fake.url))
    assert [a.error for a in answers] == ["status_400", None, None]
    assert len(fake.requests) == 3


@pytest.mark.parametrize(("status", "kind"), [(401, "unauthorised"), (403, "unauthorised"), (404, "unknown_model")])
def test_a_refused_key_or_an_unknown_model_ends_the_asking(status: int, kind: str) -> None:
    with serve(lambda *_: Reply(status=status)) as fake:
        answers = ask_all(requests(20), endpoint(fake.url))
    assert answers[0].error == kind
    assert answers[-1].error == "skipped"
    assert len(fake.requests) <= 2, "no retries, and nothing new after the first refusal"


def test_a_server_that_is_not_there_is_given_up() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        gone = endpoint(f"http://127.0.0.1:{free.getsockname()[1]}/v1", max_retries=1)
    answers = ask_all(requests(50), gone)
    errors = [a.error for a in answers]
    assert errors[:2] == ["connection", "connection"]
    assert set(errors[4:]) == {"skipped"}
    assert check_endpoint(gone) == "connection"


def test_a_server_that_never_answers_is_given_up() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        silent = endpoint(f"http://127.0.0.1:{deaf.getsockname()[1]}/v1", timeout_s=0.2, max_retries=0)
        began = time.monotonic()
        errors = [a.error for a in ask_all(requests(50), silent)]
        assert check_endpoint(silent) == "timeout"
    assert errors[:2] == ["timeout", "timeout"]
    assert errors[-1] == "skipped"
    assert time.monotonic() - began < 10


def test_the_cheap_question_tells_a_refused_key_and_minds_no_missing_list() -> None:
    with serve(lambda *_: Reply()) as fake:
        assert check_endpoint(endpoint(fake.url)) is None
        fake.listed = 404
        assert check_endpoint(endpoint(fake.url)) is None
        fake.listed = 401
        assert check_endpoint(endpoint(fake.url)) == "unauthorised"


def test_the_key_is_in_no_answer_and_no_text_of_the_endpoint(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    echo = json.dumps({"error": {"message": f"wrong key {KEY} for draft 0"}}).encode()
    statuses = [500, 401]
    with caplog.at_level("INFO"), serve(lambda _, before: Reply(status=statuses[min(before, 1)], body=echo)) as fake:
        answers = ask_all(requests(1), endpoint(fake.url, max_retries=1))
        said = [repr(answers), repr(endpoint(fake.url)), str(endpoint(fake.url)), caplog.text, *capfd.readouterr()]
    assert answers[0].error == "unauthorised"
    assert not any(KEY in text or "draft 0" in text for text in said)
    assert KEY not in endpoint(f"http://user:{KEY}@host:8/v1?token={KEY}").place


def test_waiting_doubles_with_a_jitter_that_repeats() -> None:
    client_waits = [backoff_s("a", n, None) for n in range(4)]
    assert client_waits == [backoff_s("a", n, None) for n in range(4)]
    assert client_waits != [backoff_s("b", n, None) for n in range(4)]
    assert all(0.5 <= wait / (0.01 * 2**n) < 1.5 for n, wait in enumerate(client_waits))
    assert backoff_s("a", 60, None) <= 45
    assert backoff_s("a", 0, 7.0) == 7.0
    assert backoff_s("a", 0, 1e9) == client.LONGEST_RETRY_AFTER_S


def test_retry_after_holds_seconds_or_a_date() -> None:
    now = datetime(2024, 1, 1, tzinfo=UTC)
    assert retry_after_s("2.5") == 2.5
    assert retry_after_s("Mon, 01 Jan 2024 00:00:30 GMT", now=now) == 30
    assert retry_after_s("Sun, 31 Dec 2023 00:00:00 GMT", now=now) == 0
    assert retry_after_s("soon") is None
    assert retry_after_s(None) is None


def test_lone_surrogates_of_an_answer_do_not_reach_a_table() -> None:
    body = b'{"choices": [{"message": {"content": "a \\ud800 b"}, "finish_reason": null}]}'
    with serve(lambda *_: Reply(body=body)) as fake:
        (answer,) = ask_all(requests(1), endpoint(fake.url))
    assert answer == Answer(output="a ? b", finish_reason="", seconds=answer.seconds)

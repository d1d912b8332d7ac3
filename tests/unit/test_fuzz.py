"""The fuzzer: a few hundred pages hold every check; and a planted fault is found, named and shrunken."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from benchmarks import fuzz, fuzz_checks
from benchmarks.fuzz_checks import faults_of, plans
from benchmarks.fuzz_pages import KINDS, Page, page
from spark_jobs.stages import clean_pass

RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "default.yaml"
PAGES = [page(0, number) for number in range(300)]


def default_plan() -> clean_pass.Plan:
    return plans(RECIPE)[0]["default recipe"]


@pytest.mark.parametrize("name", ["default recipe", "every operator"])
def test_every_check_holds_on_a_few_hundred_pages(name: str) -> None:
    fault, _, kept = faults_of(plans(RECIPE)[0][name])(PAGES, 0)
    assert fault is None
    assert kept > 0 or name == "every operator", "no page passes the filters: edits of good text go untried"


def test_other_extractors_hold_too() -> None:
    for name, plan in plans(RECIPE)[1].items():
        assert faults_of(plan)(PAGES[:100], 0)[0] is None, name


def test_a_page_is_a_function_of_seed_and_number() -> None:
    assert [page(0, number) for number in range(300)] == PAGES
    assert page(1, 0) != page(0, 0)
    assert {one.kind for one in PAGES} == set(KINDS)


class Planted:
    """The pass with a fault that a NUL in the payload sets off."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
        real = clean_pass.clean_rows

        def broken(rows: pa.RecordBatch, plan: clean_pass.Plan) -> pa.RecordBatch:
            cleaned = real(rows, plan)
            if not any(b"\x00" in (payload or b"") for payload in rows["payload"].to_pylist()):
                return cleaned
            return self.harm(what, cleaned)

        monkeypatch.setattr(clean_pass, "clean_rows", broken)

    def harm(self, what: str, cleaned: pa.RecordBatch) -> pa.RecordBatch:
        columns: dict[str, Any] = dict(zip(cleaned.schema.names, cleaned.columns, strict=True))
        match what:
            case "raises":
                raise IndexError("out of bounds")
            case "dies":
                os._exit(11)
            case "hangs":
                while True:
                    pass
            case "loses a row":
                return cleaned.slice(1)
            case "loses a reason":
                columns["kept"] = pa.array([True] * cleaned.num_rows)
            case "makes an infinite signal":
                columns["gopher_quality__words"] = pa.array(np.full(cleaned.num_rows, np.inf))
            case "moves a signal":
                columns["gopher_quality__words"] = pa.array(np.full(cleaned.num_rows, 1e9))
            case "loses characters":
                columns["text"] = pa.array([text + "x" for text in columns["text"].to_pylist()])
        return pa.RecordBatch.from_pydict(columns)


FAULTS = {
    "raises": "raised IndexError: out of bounds",
    "dies": "the process died (exit status 11)",
    "hangs": "no end within 2 CPU s",
    "loses a row": " out, or in another order",
    "loses a reason": "kept is True with ",
    "makes an infinite signal": "gopher_quality__words is not finite",
    "moves a signal": "the reasons are not those that the stored signals give",
    "loses characters": "characters, 0 removed, ",
}


@pytest.mark.parametrize("what", list(FAULTS))
def test_a_planted_fault_is_found_named_and_shrunken(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    Planted(monkeypatch, what)
    clean = Page("x", b"<p>Some words that hold nothing odd.", "text/html", "https://a.example/")
    odd = Page("x", b"<p>Some words and" + b"\x00" + b"more of them.", "text/html", "https://a.example/")
    check = faults_of(default_plan())
    pages: Sequence[Page] = [odd] if what == "hangs" else [clean, odd]
    monkeypatch.setattr(fuzz, "MOST_TRIES", 6)
    fault, _ = fuzz.first_fault("plan", check, pages, start=7, limit=2.0)
    assert fault is not None
    assert FAULTS[what] in fault.what
    assert fault.number == 7 + len(pages) - 1
    assert b"\x00" in (fault.smallest.payload or b"")
    assert fault.smallest.url is None
    assert f"page(0, {fault.number})" in fuzz.told(fault, 0)


def test_shrinking_leaves_only_what_matters() -> None:
    found = Page("x", b"a" * 5000 + b"<needle>" + b"b" * 3000, "text/html", "https://a.example/")
    smallest = fuzz.shrunken(lambda one: b"<needle>" in (one.payload or b""), found)
    assert smallest == Page("x", b"<needle>", None, None)


def test_a_batch_that_is_split_otherwise_must_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    real = clean_pass.clean_rows

    def counts_its_batch(rows: pa.RecordBatch, plan: clean_pass.Plan) -> pa.RecordBatch:
        cleaned = real(rows, plan)
        columns = dict(zip(cleaned.schema.names, cleaned.columns, strict=True))
        columns["language_score"] = pa.array([float(rows.num_rows)] * rows.num_rows)
        return pa.RecordBatch.from_pydict(columns)

    monkeypatch.setattr(clean_pass, "clean_rows", counts_its_batch)
    assert "language_score depends on how the batch is split" in str(faults_of(default_plan())(PAGES[:20], 0)[0])


def test_an_editor_that_changes_its_own_output_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    from spark_jobs.operators.editors.whitespace import Whitespace

    real = Whitespace.edit

    def grows(self: Whitespace, batch: Any) -> Any:
        edited = real(self, batch)
        texts = pa.array([text + "." for text in edited.texts.to_pylist()], pa.large_string())
        return type(edited)(texts, edited.counts)

    monkeypatch.setattr(Whitespace, "edit", grows)
    with pytest.raises(fuzz_checks.BrokenError, match="whitespace changes its own output"):
        fuzz_checks._check(default_plan(), PAGES[:5], 0)


def test_faults_make_the_program_fail_and_none_does_not() -> None:
    lines: list[str] = []
    checks = {"good": lambda pages, _salt: (None, None, len(pages)), "bad": lambda _pages, _salt: ("broken", 0, 0)}
    faults = fuzz.fuzz(checks, documents=5, seed=3, chunk=2, limit=10.0, say=lines.append)
    assert [fault.plan for fault in faults] == ["bad"] * 3
    assert [fault.number for fault in faults] == [0, 2, 4]
    assert any(line.startswith("5 pages, ") for line in lines)
    assert any("good: " in line and "5 kept" in line for line in lines)

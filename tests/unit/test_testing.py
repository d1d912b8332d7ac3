"""The test command runs every part, fails when any failed, and hands arguments to pytest alone."""

from pathlib import Path

import pytest

from orchestration.testing import PARTS, SIDE_BY_SIDE, TESTS, Part, as_seen_from_project, main, run_part

SILENT = Part("silent", ("-c", "pass"))
FAULTY = Part("faulty", ("-c", "raise SystemExit(3)"))


def marking(path: Path) -> Part:
    """A part that leaves a file behind, with the arguments it got."""
    return Part("marking", ("-c", f"import sys, pathlib; pathlib.Path({str(path)!r}).write_text(repr(sys.argv[1:]))"))


def test_a_fault_in_an_early_part_fails_the_command_but_the_rest_still_runs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main([], parts=[FAULTY, SILENT], tests=marking(tmp_path / "ran")) == 1
    assert (tmp_path / "ran").read_text() == repr(list(SIDE_BY_SIDE))
    out = capfd.readouterr().out
    assert "faulty FAILED (exit status 3)" in out
    assert out.rstrip().endswith("provender test: FAILED: faulty")


def test_a_fault_in_the_tests_fails_the_command() -> None:
    assert main([], parts=[SILENT], tests=FAULTY) == 1
    assert main([], parts=[SILENT], tests=SILENT) == 0


def test_arguments_go_to_pytest_and_the_other_parts_are_left_out(tmp_path: Path) -> None:
    assert main(["-k", "door"], parts=[FAULTY], tests=marking(tmp_path / "ran")) == 0
    assert (tmp_path / "ran").read_text() == "['-k', 'door']"


def test_paths_mean_the_folder_of_the_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "test_mine.py").touch()
    monkeypatch.chdir(tmp_path)
    assert as_seen_from_project("test_mine.py::test_x") == f"{tmp_path / 'test_mine.py'}::test_x"
    assert as_seen_from_project("tests/unit") == "tests/unit"
    assert as_seen_from_project("-x") == "-x"


@pytest.mark.parametrize("part", [*PARTS, TESTS], ids=lambda part: part.name)
def test_every_tool_is_there_and_knows_its_options(part: Part) -> None:
    assert run_part(Part(part.name, (*part.arguments, "--help")))


def test_lint_types_and_layers_are_among_the_parts_and_pytest_comes_last() -> None:
    assert {part.name for part in PARTS} == {"lint", "format", "types", "layers"}
    assert TESTS.arguments == ("-m", "pytest")

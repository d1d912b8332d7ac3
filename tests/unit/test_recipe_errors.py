"""Everything that can be wrong with a recipe: told in one line with file, line, key and the nearest valid name."""

import re
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import Field, ValidationError

from orchestration.cli import main
from spark_jobs.errors import ParameterError, RecipeError
from spark_jobs.operators import registry
from spark_jobs.operators.base import Params, Rule
from spark_jobs.recipe.load import find_recipe, load_recipe

GOOD = """\
name: tested
cleaned:
  language: {model: lid.176}
  steps:
    - whitespace
    - gopher_quality: {min_words: 20}
    - name: c4_quality
      params:
        min_sentences: 3
    - token_count
scored:
  fit:
    positives:
      - installed: {}
    limits: {min_auc: 0.6}
deduped: {}
rewritten:
  strategy:
    rewire:
      thinking: false
mixed:
  capture: newest
  select:
    top_fraction: {fraction: 0.9}
  max_epochs: 4
"""


def written(path: Path, old: str = "", new: str = "") -> Path:
    assert old in GOOD
    path.write_text(GOOD.replace(old, new, 1) if old else GOOD, encoding="utf-8")
    return path


def told(path: Path) -> str:
    with pytest.raises(RecipeError) as raised:
        load_recipe(path)
    message = str(raised.value)
    assert "\n" not in message
    return message


def test_the_recipe_of_these_tests_is_sound(tmp_path: Path) -> None:
    assert load_recipe(written(tmp_path / "r.yaml")).name == "tested"


FAULTS: dict[str, tuple[str, str, str]] = {
    "unknown operator": (
        "- whitespace",
        "- whitespce",
        "5: cleaned.steps[0]: unknown editor or filter: whitespce; did you mean whitespace?",
    ),
    "an operator of another kind": (
        "- whitespace",
        "- rewire",
        "5: cleaned.steps[0]: unknown editor or filter: rewire; there are ",
    ),
    "unknown parameter": (
        "{min_words: 20}",
        "{min_wrods: 20}",
        "6: cleaned.steps[1].gopher_quality.min_wrods: no such parameter; did you mean min_words or max_words?",
    ),
    "unknown parameter, on a line of its own": (
        "gopher_quality: {min_words: 20}",
        "gopher_quality:\n        min_words: 20\n        max_wrods: 90",
        "8: cleaned.steps[1].gopher_quality.max_wrods: no such parameter; did you mean max_words or min_words?",
    ),
    "unknown parameter, long form": (
        "min_sentences: 3",
        "min_sentence: 3",
        "9: cleaned.steps[2].params.min_sentence: no such parameter; did you mean min_sentences?",
    ),
    "two faults of one operator": (
        "gopher_quality: {min_words: 20}",
        "gopher_quality:\n        min_wrods: 20\n        max_hash_ratio: few",
        "8: cleaned.steps[1].gopher_quality.max_hash_ratio: is 'few', not a number",
    ),
    "a unit in the value": (
        "{min_words: 20}",
        "{min_words: 20 words}",
        "6: cleaned.steps[1].gopher_quality.min_words: is '20 words', not a whole number (words, punctuation",
    ),
    "a fraction of a count": ("{min_words: 20}", "{min_words: 20.5}", "min_words: is 20.5, not a whole number"),
    "true for a number": (
        "{min_words: 20}",
        "{min_words: yes}",
        "6: cleaned.steps[1].gopher_quality.min_words: is true, ",
    ),
    "true for a number of a section": (
        "max_epochs: 4",
        "max_epochs: yes",
        "25: mixed.max_epochs: is true, not a number",
    ),
    "a text for a list": ("{min_words: 20}", "{stop_words: the}", "stop_words: is 'the', not a list (single tokens)"),
    "a number for a mapping": ("{min_words: 20}", "20", "6: cleaned.steps[1].gopher_quality: is 20, not a mapping"),
    "not a number": (
        "{min_words: 20}",
        "{max_mean_word_length: .inf}",
        "max_mean_word_length: is inf, not a finite number",
    ),
    "a negative count": ("{min_words: 20}", "{min_words: -1}", "min_words: is -1, must be at least 0"),
    "a percentage": (
        "{min_words: 20}",
        "{min_alphabetic_words: 80}",
        "min_alphabetic_words: is 80, must be at most 1: a share, not a percentage; did you mean 0.8?",
    ),
    "a least above the most": (
        "{min_words: 20}",
        "{min_words: 90, max_words: 80}",
        "6: cleaned.steps[1].gopher_quality.min_words: min_words 90 is more than max_words 80: nothing could pass",
    ),
    "a parameter that is missing": (
        "top_fraction: {fraction: 0.9}",
        "top_fraction",
        "23: mixed.select.top_fraction.fraction: is missing (share of",
    ),
    "a step that is a list": ("- whitespace", "- [whitespace]", "5: cleaned.steps[0]: is a list, not a mapping"),
    "a step of two names": (
        "- token_count",
        "- {token_count: {}, b: {}}",
        "10: cleaned.steps[3]: a step is a name, or",
    ),
    "a step twice": ("- token_count", "- whitespace", "10: cleaned.steps[3]: whitespace is listed twice"),
    "an unknown section": ("deduped:", "dedupd:", "16: dedupd: no such key; did you mean deduped?"),
    "a section that is missing": ("deduped: {}\n", "", "1: deduped: is missing"),
    "a section that is empty": ("deduped: {}", "deduped:", "16: deduped: is empty, "),
    "an unknown key of a section": ("model:", "modle:", "3: cleaned.language.modle: no such key; did you mean model?"),
    "an unknown key in a list": (
        "installed:",
        "instaled:",
        "14: scored.fit.positives[0].instaled: no such key; did you mean installed?",
    ),
    "an unknown key deep inside": (
        "min_auc",
        "min_acu",
        "15: scored.fit.limits.min_acu: no such key; did you mean min_auc?",
    ),
    "an unknown word": (
        "newest",
        "newst",
        "22: mixed.capture: is 'newst', which is none of newest, oldest, best_scored; did you mean newest?",
    ),
    "a bare no": (
        "- token_count",
        "- language_filter: {languages: [en, no]}",
        "10: cleaned.steps[3].language_filter.languages[1]: is false, not a text; in YAML a bare yes, no,",
    ),
    "a list that is not there": (
        "- token_count",
        "- url_rules: {domains: {path: gone.txt}}",
        "10: cleaned.steps[3]: cannot read the list",
    ),
    "a key twice": (
        "max_epochs: 4",
        "max_epochs: 4\n  max_epochs: 5",
        "26: mixed.max_epochs: given twice, first on line 25",
    ),
    "a section twice": ("deduped: {}", "deduped: {}\nscored: {}", "17: scored: given twice, first on line 11"),
    "a key twice inside braces": (
        "{min_words: 20}",
        "{min_words: 20, min_words: 9}",
        "6: cleaned.steps[1].gopher_quality.min_words: given twice",
    ),
    "a tab": ("  max_epochs", "\tmax_epochs", "25: a tab; YAML is indented with spaces"),
    "a bracket left open": ("newest", "[newest", "23: not YAML: "),
    "an include": ("deduped: {}", "deduped: !include d.yaml", "16: the tag !include; a recipe is plain YAML"),
    "a merge of nothing": ("deduped: {}", "<<: none\ndeduped: {}", "16: not YAML: "),
    "a second document": ("deduped:", "---\ndeduped:", "16: a second document begins"),
    "an anchor in itself": ("deduped: {}", "deduped: &d\n  order: *d", "16: an anchor that holds itself"),
    "a date that is none": ("capture: newest", "capture: 2021-13-45", "a value cannot be read: month must be in 1..12"),
    "a key that is a list": ("deduped:", "[a, b]: 1\ndeduped:", "16: a key that is a list"),
}


@pytest.mark.parametrize("fault", list(FAULTS))
def test_a_fault_is_told_with_file_line_and_key(tmp_path: Path, fault: str) -> None:
    old, new, expected = FAULTS[fault]
    path = written(tmp_path / "r.yaml", old, new)
    message = told(path)
    assert message.startswith(f"{path}:")
    if expected[0].isdigit():
        assert f":{expected}" in message or f"; line {expected}" in message, message
    assert expected in message


WHOLE: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "1: the file is empty; a recipe is a mapping with the keys name, "),
    "comments only": (b"# nothing\n# yet\n", "1: the file is empty"),
    "a list": (b"\n# x\n- a\n- b\n", "3: a recipe is a mapping with the keys name, description, raw, "),
    "a text": (b"hello", "1: a recipe is a mapping with the keys "),
    "not UTF-8": (b"name: a\ndescription: caf\xe9\n", "2: not UTF-8 text (byte 0xe9)"),
    "a NUL": (b"name: a\n\nb: \x00\n", "3: the character U+0000 may not stand in YAML"),
    "nested without end": (b"[" * 5000, "1: nested too deeply"),
    "anchors that multiply": (
        b"a0: &a0 [x, x, x, x, x, x, x, x]\n"
        + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 8)) for n in range(1, 12)),
        "1: more than 100,000 keys and entries",
    ),
}


@pytest.mark.parametrize("fault", list(WHOLE))
def test_a_file_that_is_no_recipe_at_all(tmp_path: Path, fault: str) -> None:
    content, expected = WHOLE[fault]
    path = tmp_path / "r.yaml"
    path.write_bytes(content)
    assert told(path).startswith(f"{path}:{expected}")


def test_a_byte_order_mark_and_line_ends_of_windows_are_no_fault(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())
    assert load_recipe(path).name == "tested"
    path.write_bytes(path.read_bytes().replace(b"newest", b"newst"))
    assert f"{path}:22: mixed.capture" in told(path)


def test_merged_keys_have_the_line_where_they_stand(tmp_path: Path) -> None:
    anchored = GOOD.replace("{min_words: 20}", "&g {min_words: 20, max_wrods: 3}")
    path = tmp_path / "r.yaml"
    path.write_text(anchored.replace("- token_count", "- c4_lines\n    - fineweb_quality:\n        <<: *g"))
    message = told(path)
    assert ":6: cleaned.steps[1].gopher_quality.max_wrods" in message
    assert "line 6: cleaned.steps[4].fineweb_quality.max_wrods" in message


def test_all_faults_are_told_in_the_order_of_the_file_and_many_are_cut(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(GOOD.replace("newest", "newst").replace("min_words", "min_wrods"), encoding="utf-8")
    message = told(path)
    assert message.index(":6: ") < message.index("line 22: ")
    path.write_text(GOOD + "".join(f"  surplus_{n}: 1\n" for n in range(9)), encoding="utf-8")
    assert told(path).endswith("; and 4 more")


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    path = written(tmp_path / "r.yaml", "{min_words: 20}", "{min_words: " + "x" * 5000 + "}")
    assert len(told(path)) < 400


def test_a_recipe_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    for name in ("default", "fineweb"):
        (tmp_path / f"{name}.yaml").write_text(GOOD)
    cases = {
        "finewbe": "no recipe 'finewbe'; did you mean fineweb? (recipes by name: default, fineweb;",
        "zzz": "no recipe 'zzz' (recipes by name: default, fineweb;",
        str(tmp_path / "fineweb.yml"): f"no such recipe file; did you mean {tmp_path / 'fineweb.yaml'}?",
        str(tmp_path / "gone" / "x.yaml"): "x.yaml: no such recipe file (recipes by name: default, fineweb;",
    }
    for asked, expected in cases.items():
        with pytest.raises(RecipeError) as raised:
            find_recipe(asked, tmp_path)
        assert expected in str(raised.value)
    (tmp_path / "folder.yaml").mkdir()
    with pytest.raises(RecipeError, match="is a folder, not a recipe file"):
        find_recipe(str(tmp_path / "folder.yaml"), tmp_path)


@pytest.mark.parametrize("fault", ["unknown operator", "a unit in the value", "a tab", "a key twice"])
def test_the_command_line_tells_it_in_one_line_with_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fault: str
) -> None:
    old, new, expected = FAULTS[fault]
    path = written(tmp_path / "r.yaml", old, new)
    assert main(["run", "--home", str(tmp_path / "home"), "--recipe", str(path)]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    (line,) = [line for line in shown.err.splitlines() if line.startswith("provender: ")]
    assert f"{path}:{expected}" in line
    assert "Traceback" not in shown.err


def test_the_command_line_names_the_nearest_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--home", str(tmp_path / "home"), "--recipe", "defualt"]) == 2
    assert "no recipe 'defualt'; did you mean default?" in capsys.readouterr().err


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    at=st.integers(0, len(GOOD)),
    cut=st.integers(0, 40),
    put=st.one_of(
        st.binary(max_size=6),
        st.sampled_from(
            [b"\t", b": ", b"- ", b"[", b"{", b"*a", b"&a ", b"!!python/object:x ", b"<<: ", b"---\n", b"? "]
        ),
    ),
)
def test_however_a_recipe_is_damaged_it_loads_or_is_told_in_one_line(
    tmp_path: Path, at: int, cut: int, put: bytes
) -> None:
    path = tmp_path / "r.yaml"
    data = GOOD.encode()
    path.write_bytes(data[:at] + put + data[at + cut :])
    try:
        load_recipe(path)
    except RecipeError as error:
        assert re.fullmatch(rf"{re.escape(str(path))}:\d+: [^\n]+", str(error)), str(error)  # noqa: PT017 - or none


class BoundedParams(Params):
    """A pair of bounds and a lone one."""

    min_length: int | None = Field(None, ge=0, description="characters")
    max_length: int | None = Field(9, ge=0, description="characters")
    exact: float = Field(1.0, ge=0, description="a bound both ways")


class Bounded:
    """A filter whose rule leaves no room when `exact` is its own bound."""

    name: ClassVar[str] = "bounded"
    Params: ClassVar[type[Params]] = BoundedParams

    def __init__(self, params: BoundedParams) -> None:
        self.params = params

    def rules(self) -> tuple[Rule, ...]:
        return (Rule(reason="x", signal="s", minimum=1.0, maximum=self.params.exact, exclusive=True),)


@pytest.mark.parametrize(
    ("given", "culprit"), [({"min_length": 10}, "min_length"), ({"min_length": 5, "max_length": 4}, "min_length")]
)
def test_bounds_that_leave_no_room_name_the_parameter(given: dict[str, Any], culprit: str) -> None:
    with pytest.raises(ValidationError) as raised:
        BoundedParams.model_validate(given)
    (fault,) = raised.value.errors()
    assert fault["ctx"]["error"].key == (culprit,)
    BoundedParams.model_validate({"min_length": 9})


def test_a_rule_that_nothing_can_pass_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "find", lambda _kind: {"bounded": Bounded})
    with pytest.raises(ParameterError, match="bounded: s cannot lie between 1 and 1: nothing could pass"):
        registry.build("filters", "bounded")
    registry.build("filters", "bounded", {"exact": 2.0})

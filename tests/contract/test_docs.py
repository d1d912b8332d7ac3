"""Docs that cannot lie: the operator reference is what the code declares, the README's example is a working filter."""

import re
from pathlib import Path

import pyarrow as pa

from spark_jobs.operators.reference import reference
from spark_jobs.text.batch import TextBatch

ROOT = Path(__file__).resolve().parents[2]


def test_the_operator_reference_is_up_to_date() -> None:
    assert (ROOT / "docs" / "operators.md").read_text(encoding="utf-8") == reference(), (
        "run: python -m spark_jobs.operators.reference"
    )


def test_the_filter_of_the_readme_works() -> None:
    code = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, object] = {}
    exec(code[0], names)
    kind = names["ExclamationMarks"]
    operator = kind(kind.Params())  # type: ignore[attr-defined, operator]
    (example,) = kind.examples  # type: ignore[attr-defined]
    ratio = operator.annotate(TextBatch.of(pa.array([example.text, "Calm."], pa.large_string())))["ratio"]
    (rule,) = operator.rules()
    assert ratio[0] > rule.maximum >= ratio[1]
    assert example.reasons == (rule.reason,)


def test_the_readme_is_short_and_names_only_what_is_there() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert (ROOT / target).exists(), target

"""Every annotator and editor that is found: its examples, the zoo, determinism, and that its output moves its version.

After a change that is meant, its `version` raised, `python -m tests.contract.test_operators` writes the new digests.
"""

import hashlib
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from spark_jobs.operators import registry
from spark_jobs.operators.base import Example
from spark_jobs.text.batch import TextBatch
from spark_jobs.text.decide import broken
from spark_jobs.text.markup import PayloadBatch

REWRITE = "run `python -m tests.contract.test_operators`"
DIGESTS = Path(__file__).with_name("operator_digests.json")

# Odd texts every operator must bear. What bytes cannot say in UTF-8 arrives as U+FFFD.
ZOO = (
    "",
    " \n\t\r\n ",
    "x",
    "שלום עולם. זה טקסט בעברית, מימין לשמאל.",
    "مرحبا بالعالم! هذا نص عربي.",
    "e\u0301\u0323 a\u0300\u0301\u0302 \u0301",
    "👩\u200d👩\u200d👧 🇩🇪 👍🏽 … ok",
    "before\x00after \x00",
    b"bad \xff\xfe bytes \xed\xa0\x80 end".decode("utf-8", "replace"),
    "这是一个中文句子。它没有空格\uff01日本語のテキストもあります。",
    "สวัสดีชาวโลก ภาษาไทยไม่มีช่องว่าง",
    "a" * 1_000_000,
    "word " * 200_000,
    "line one is here.\r\nline two\u2028line three\x0bline four\x85",
    "# Heading\n\n- item one\n- item two [1]\n\n{code}\n\nlorem ipsum dolor. We use cookies here. JavaScript is on.",
    "Repeat this line of text.\n" * 40 + "\n\n" + "Repeat this paragraph, please.\n\n" * 10,
    "Mail jo.doe@mail.test.org or 8.8.8.8; donâ€™t wait &amp; see. \ufeff\u00ad",
)
COLUMNS = {
    "url": [
        "https://www.Example.org:8080/casino/%70oker?x=1#y",
        None,
        "",
        "not a url",
        "http://[::1]/",
        "http://ex.test",
    ],
    "host": ["www.example.org", None, None, None, "::1", "ex.test"],
    "language": ["en", "und", "he", "ar", "vi", "zh"],
    "language_score": [0.9, 0.0, 0.65, 0.99, 0.3, 1.0],
    "doc_id": ["0", "1", "2", "3", "4", "5"],
    "script": ["Latn", "Zyyy", "Hebr", "Arab", "Latn", "Hans"],
    "source": ["crawl"] * 6,
    "content_type": ["text/html", None, "text/plain", "text/html", "text/html", None],
    "page_tags": [
        ["<title>Zoo &amp; more", '<meta name="robots" content="noai, none">', "<a rel=license href=/l>"],
        [],
        None,
        ['<link rel=license href="//creativecommons.org/licenses/by-nc/2.0/">', "{not json", "<meta", ""],
        ['<meta name="tdm-reservation" content="1"><!--'],
        [],
    ],
    "http_headers": [
        [{"name": "X-Robots-Tag", "value": "googlebot: noarchive"}],
        None,
        [],
        [{"name": "tdm-reservation", "value": "0"}, {"name": None, "value": None}],
        [{"name": "X-Robots-Tag", "value": ":,;"}],
        None,
    ],
}
OPERATORS = [(kind, name) for kind in ("filters", "editors") for name in registry.find(kind)]
EXTRACTORS = [("extractors", name) for name in registry.find("extractors")]


def zoo() -> TextBatch:
    columns = {name: [values[i % len(values)] for i in range(len(ZOO))] for name, values in COLUMNS.items()}
    return TextBatch.from_texts(ZOO, **columns)


def output(kind: str, operator: Any, batch: TextBatch) -> dict[str, list[Any]]:
    """What the operator makes of a batch, by column, one value a row."""
    if kind == "editors":
        edited = operator.edit(batch)
        return {"text": edited.texts.to_pylist(), "count": edited.counts.tolist()}
    return {name: [repr(float(x)) for x in values] for name, values in operator.annotate(batch).items()}


def part(batch: TextBatch, start: int, stop: int) -> TextBatch:
    columns = {name: column.slice(start, stop - start) for name, column in batch.columns.items()}
    return TextBatch.of(batch.texts.slice(start, stop - start), **columns)


def digest(kind: str, operator: Any) -> str:
    return hashlib.sha256(json.dumps(output(kind, operator, zoo()), sort_keys=True).encode()).hexdigest()


@pytest.mark.parametrize(("kind", "name"), OPERATORS)
def test_declared_columns_types_and_lengths(kind: str, name: str) -> None:
    operator, batch = registry.build(kind, name), zoo()
    if kind == "editors":
        edited = operator.edit(batch)
        assert len(edited.texts) == len(edited.counts) == len(batch)
        assert pa.types.is_large_string(edited.texts.type) or pa.types.is_string(edited.texts.type)
        assert edited.texts.null_count == 0
        assert edited.counts.dtype == np.int32
        assert (edited.counts >= 0).all()
        return
    signals = operator.annotate(batch)
    assert set(signals) == {signal.name for signal in operator.signals}
    assert {values.dtype for values in signals.values()} == {np.dtype(np.float64)}
    assert {len(values) for values in signals.values()} == {len(batch)}
    assert not any(np.isinf(values).any() for values in signals.values())
    assert {rule.signal for rule in operator.rules()} <= set(signals)
    reasons = [rule.reason for rule in operator.rules()]
    assert len(reasons) == len(set(reasons)), "two rules with one reason cannot be told apart"


@pytest.mark.parametrize(("kind", "name"), OPERATORS)
def test_output_is_the_same_again_and_however_the_batch_is_split(kind: str, name: str) -> None:
    operator, batch = registry.build(kind, name), zoo()
    whole = output(kind, operator, batch)
    assert output(kind, registry.build(kind, name), zoo()) == whole
    cuts = [0, 1, 4, 5, 11, len(batch)]
    parts = [output(kind, operator, part(batch, a, b)) for a, b in pairwise(cuts)]
    assert {key: [value for piece in parts for value in piece[key]] for key in whole} == whole
    assert all(values == [] for values in output(kind, operator, part(batch, 0, 0)).values())


@pytest.mark.parametrize(("kind", "name"), [pair for pair in OPERATORS if pair[0] == "editors"])
def test_an_edit_made_twice_is_an_edit_made_once(kind: str, name: str) -> None:
    operator, batch = registry.build(kind, name), zoo()
    once = operator.edit(batch).texts
    # Rules of lines look at lines: what an edit leaves of a line may be too short for them the second time.
    if name != "c4_lines":
        assert operator.edit(batch.with_texts(once)).texts.to_pylist() == once.to_pylist()


def example_cases() -> list[Any]:
    cases = []
    for kind, name in (*OPERATORS, *EXTRACTORS):
        examples = registry.find(kind)[name].examples
        assert examples, f"{name} has no example"
        cases += [pytest.param(kind, name, example, id=f"{name}-{i}") for i, example in enumerate(examples)]
    return cases


@pytest.mark.parametrize(("kind", "name", "example"), example_cases())
def test_examples_hold(kind: str, name: str, example: Example) -> None:
    operator = registry.build(kind, name, example.params)
    if kind == "extractors":
        columns = example.columns
        pages = PayloadBatch([example.text.encode()], [columns.get("content_type")], [columns.get("url")])
        extraction = operator.extract(pages)
        assert extraction.texts == [example.edited]
        assert [reason[0] for reason in extraction.reasons if reason] == list(example.reasons or ())
        return
    batch = TextBatch.from_texts([example.text], **{key: [value] for key, value in example.columns.items()})
    if kind == "editors":
        edited = operator.edit(batch)
        assert edited.texts.to_pylist() == [example.edited]
        assert (edited.counts[0] > 0) == (example.edited != example.text)
        return
    signals = operator.annotate(batch)
    assert {key: float(signals[key][0]) for key in example.signals or {}} == dict(example.signals or {})
    if example.reasons is not None:
        found = [
            rule.reason
            for rule in operator.rules()
            if len(broken(name, 1, rule.reason, signals[rule.signal], rule.bounds(batch)).rows)
        ]
        assert found == list(example.reasons)


@pytest.mark.parametrize(("kind", "name"), [*OPERATORS, *EXTRACTORS])
def test_every_parameter_says_what_it_is(kind: str, name: str) -> None:
    operator = registry.find(kind)[name]
    assert isinstance(operator.version, int)
    assert operator.source
    assert operator.__doc__
    missing = [key for key, field in operator.Params.model_fields.items() if not field.description]
    assert not missing
    assert operator.Params.model_config.get("frozen")
    assert operator.Params.model_config.get("extra") == "forbid"


def test_a_name_belongs_to_one_kind() -> None:
    names = [name for kind in registry.KINDS for name in registry.find(kind)]
    assert len(names) == len(set(names)), "a recipe names an operator without its kind"


@pytest.mark.parametrize(("kind", "name"), OPERATORS)
def test_output_moves_only_with_the_version(kind: str, name: str) -> None:
    operator, stored = registry.build(kind, name), json.loads(DIGESTS.read_text(encoding="utf-8"))
    assert name in stored, f"{name} is new: {REWRITE}"
    assert stored[name]["version"] == operator.version, f"the version of {name} moved: {REWRITE}"
    assert stored[name]["digest"] == digest(kind, operator), (
        f"output of {name} moved: raise its version, then {REWRITE}"
    )


def test_no_digest_is_left_of_an_operator_that_went() -> None:
    assert set(json.loads(DIGESTS.read_text(encoding="utf-8"))) == {name for _, name in OPERATORS}


def rewrite() -> None:
    """Store the digests of new operators and new versions; refuse output that moved under a version that did not."""
    stored = json.loads(DIGESTS.read_text(encoding="utf-8"))
    fresh = {}
    for kind, name in OPERATORS:
        operator = registry.build(kind, name)
        fresh[name] = {"version": operator.version, "digest": digest(kind, operator)}
        if name in stored and stored[name]["version"] == operator.version and stored[name] != fresh[name]:
            raise SystemExit(f"output of {name} moved under version {operator.version}: raise its version first")
    DIGESTS.write_text(json.dumps(fresh, indent=2, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    rewrite()

"""The rows of a fit: held out by source, alike in length, without shared passages, from texts that are never run."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_jobs.errors import InputError
from spark_jobs.operators import registry
from spark_jobs.recipe.sections.scored import FileTexts, FitSection, InstalledTexts
from spark_jobs.stages import fit_texts
from spark_jobs.stages.fit import _arranged
from spark_jobs.stages.fit_plan import Fit
from spark_jobs.stages.fit_rows import arrange
from spark_jobs.text import reference_texts
from spark_jobs.text.reference_texts import SourceText, docstrings, package_pages, python_topics
from spark_jobs.text.snippets import (
    Snippet,
    cut,
    cut_document,
    hash64,
    held_out_sources,
    match_lengths,
    passages_of,
    without_passages,
)


def texts(kind: str, sources: int, each: int, words: int = 200) -> list[SourceText]:
    return [
        SourceText(
            f"{kind}{s}.{i}", f"{kind}{s}", " ".join(f"{kind}{hash64(f'{s}.{i}.{w}', 0) % 500}" for w in range(words))
        )
        for s in range(sources)
        for i in range(each)
    ]


def wanted(**said: Any) -> Fit:
    scorer = registry.build("scorers", "fasttext_quality")
    return Fit(**{"name": scorer.name, "scorer": scorer, "section": FitSection(), **said})


@given(st.text(alphabet="ab \n", max_size=200), st.integers(1, 30), st.integers(1, 10))
def test_pieces_are_bounded_and_lose_no_word_unless_short(text: str, chars: int, minimum: int) -> None:
    pieces = list(cut(text, chars=lambda _number: chars, minimum=minimum))
    assert all(minimum <= len(piece) <= chars for piece in pieces)
    everything = "".join(cut(text, chars=lambda _number: chars, minimum=1))
    assert everything.replace(" ", "").replace("\n", "") == text.replace(" ", "").replace("\n", "")


def test_lengths_of_one_class_are_given_to_the_other() -> None:
    long = "word " * 4000
    pieces = cut_document("d", "s", long, lengths=[200, 700], minimum=10, most=100, seed=0)
    assert {round(len(piece.text), -2) for piece in pieces[:-1]} == {200, 700}
    assert cut_document("d", "s", long, lengths=[200, 700], minimum=10, most=3, seed=0) != pieces[:3]


def test_after_matching_both_classes_have_the_same_lengths() -> None:
    def made(kind: str, lengths: list[int]) -> list[Snippet]:
        return [Snippet(f"{kind}{i}", kind, 0, "x" * length) for i, length in enumerate(lengths)]

    left, right = match_lengths(made("l", [150] * 5 + [950] * 2), made("r", [150] * 3 + [950] * 9 + [550]), seed=0)
    assert sorted(len(s.text) for s in left) == sorted(len(s.text) for s in right) == [150] * 3 + [950] * 2


def test_a_text_that_is_in_both_classes_is_taken_out_of_the_pool() -> None:
    passage = " ".join(f"w{i}" for i in range(80))
    reference = [Snippet("r", "r", 0, f"before it stands this: {passage}")]
    pool = [Snippet("p", "p", 0, f"{passage.upper()} and more"), Snippet("q", "q", 0, "nothing of the kind " * 20)]
    assert [s.document for s in without_passages(pool, passages_of(reference))] == ["q"]


@given(st.lists(st.integers(1, 30), min_size=2, max_size=12), st.integers(0, 50))
def test_some_sources_are_held_out_and_some_are_not(sizes: list[int], seed: int) -> None:
    documents = [(f"{s}.{i}", f"s{s}") for s, size in enumerate(sizes) for i in range(size)]
    held = held_out_sources(documents, share=0.3, seed=seed)
    assert held
    assert held < {f"s{s}" for s in range(len(sizes))}
    assert held == held_out_sources(documents[::-1], share=0.3, seed=seed)


def test_no_source_is_both_fitted_on_and_held_out() -> None:
    references, pool = texts("ref", 4, 20), texts("pool", 5, 20)
    rows = arrange(wanted(), references, pool)
    for fitted, held in zip(rows.fitted, rows.held_out, strict=True):
        assert not {s.source for s in fitted} & {s.source for s in held}
    assert len(rows.fitted[0]) == len(rows.fitted[1])
    assert rows.held_out_by == ("source", "source")
    turned = arrange(wanted(), references[::-1], pool[::-1])
    assert [{s.key for s in part} for part in turned.fitted] == [{s.key for s in part} for part in rows.fitted]


def test_crumbs_beside_one_large_source_are_not_what_is_judged_by() -> None:
    rows = arrange(
        wanted(),
        texts("ref", 4, 20),
        texts("a", 1, 99) + texts("b", 1, 2),
    )
    assert rows.held_out_by == ("source", "document")


def test_one_source_is_held_out_by_document_and_says_so() -> None:
    rows = arrange(wanted(), texts("ref", 1, 60), texts("pool", 5, 20))
    assert rows.held_out_by == ("document", "source")
    assert not {s.document for s in rows.fitted[0]} & {s.document for s in rows.held_out[0]}


def test_too_little_text_is_said_without_any_of_it() -> None:
    with pytest.raises(InputError, match=r"too little text to fit fasttext_quality.*scored\.fit\.positives") as error:
        arrange(wanted(), texts("ref", 2, 2), texts("pool", 2, 2))
    assert "pool0" not in str(error.value)


def test_topics_are_prose_without_rules_and_hard_lines() -> None:
    topics = {text.key: text.text for text in python_topics()}
    chapter = topics["python-topics/exceptions"]
    assert len(topics) > 50
    assert "***" not in chapter
    assert len(chapter.splitlines()[1]) > 100


def test_docstrings_are_cut_to_prose_and_their_package_is_never_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, info = tmp_path / "bomb", tmp_path / "bomb-1.0.dist-info"
    for folder in (package, info):
        folder.mkdir()
    prose = "It says at length, in whole sentences, what the module is for and when not to use it. " * 6
    code = f'"""{prose}\n\nParameters\n----------\nx : int\n    SECRET\n"""\nraise SystemExit("imported")\n'
    (package / "__init__.py").write_text(code)
    (package / "broken.py").write_text("def (:\n")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bomb\nVersion: 1.0\n\n" + "A page. " * 80)
    (info / "RECORD").write_text("bomb/__init__.py,,\nbomb/broken.py,,\nbomb/gone.py,,\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = list(docstrings("bomb"))
    assert [(text.key, text.source) for text in found] == [("bomb/bomb/__init__.py#0", "docstrings:bomb")]
    assert found[0].text == prose.strip()
    assert "page/bomb" in {page.key for page in package_pages()}
    assert list(docstrings("no-such-package")) == []


def test_reference_files_are_read_with_their_sources(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one whole text\nof two lines", encoding="utf-8")
    with gzip.open(tmp_path / "b.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps({"body": f"text {i}", "from": f"s{i % 2}"}) + "\n" for i in range(4))
    plain = FileTexts.model_validate({"paths": ["a.txt"]}, context={"folder": tmp_path})
    lines = FileTexts.model_validate(
        {"paths": ["*.jsonl.gz"], "text_field": "body", "source_field": "from"}, context={"folder": tmp_path}
    )
    assert [text.text for text in fit_texts._in_files(plain)] == ["one whole text\nof two lines"]
    assert [(t.key, t.source) for t in fit_texts._in_files(lines)][:2] == [
        ("b.jsonl.gz#1", "s0"),
        ("b.jsonl.gz#2", "s1"),
    ]


@pytest.mark.parametrize("line", ["no json PRIVATE", '{"other": "PRIVATE"}', '{"text": 7}', "[1]"])
def test_a_bad_reference_line_is_named_and_not_shown(tmp_path: Path, line: str) -> None:
    (tmp_path / "r.jsonl").write_text('{"text": "fine"}\n' + line + "\n")
    source = FileTexts.model_validate({"paths": ["r.jsonl"]}, context={"folder": tmp_path})
    with pytest.raises(InputError, match=r"r\.jsonl, line 2") as error:
        list(fit_texts._in_files(source))
    assert "PRIVATE" not in str(error.value)


def test_missing_reference_files_are_named(tmp_path: Path) -> None:
    source = FileTexts.model_validate({"paths": ["none/*.jsonl"]}, context={"folder": tmp_path})
    with pytest.raises(InputError, match=r"none/\*\.jsonl: no reference texts.*scored\.fit\.positives"):
        fit_texts.located(source)


def test_a_pool_that_is_too_small_gets_stand_ins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_texts, "package_pages", lambda: texts("page/", 6, 20))
    references = texts("ref", 4, 20)
    enough, few, short = texts("pool", 5, 20), texts("pool", 3, 4), texts("pool", 5, 20, words=10)
    assert _arranged(wanted(), references, enough)[1] == enough
    for pool in ([], few, short):
        rows, used = _arranged(wanted(), references, pool)
        assert len(used) == len(pool) + 120
        assert rows.fitted[1]


def test_nothing_stands_in_for_rewrites_and_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_texts, "package_pages", lambda: texts("page/", 6, 20))
    own = wanted(name="rewrites_x", pool="rewritten", key="mixed.rewrites.fit")
    references, enough = texts("ref", 4, 20), texts("pool", 5, 20)
    assert _arranged(own, references, enough)[1] == enough
    for few in ([], texts("pool", 7, 7)):
        with pytest.raises(InputError) as error:
            _arranged(own, references, few)
        told = str(error.value)
        assert f"too few rewrites to fit rewrites_x: {len(few)} accepted" in told
        assert "mixed.rewrites.fit.min_pool_documents asks for 50" in told
        assert "\n" not in told
    with pytest.raises(
        InputError, match=r"of 80 references and 100 accepted rewrites.*mixed\.rewrites\.fit\.positives"
    ):
        _arranged(own, references, texts("pool", 5, 20, words=10))


def test_installed_texts_come_from_several_sources() -> None:
    found = list(fit_texts._installed(InstalledTexts(packages=("click",))))
    assert {text.source for text in found} == {"python-topics", "docstrings:click"}
    assert reference_texts.SourceText in {type(text) for text in found}

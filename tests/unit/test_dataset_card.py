"""The dataset card: a head that the Hub takes, numbers that are the record's, and tables that hold whatever comes."""

from typing import Any

import pytest
import yaml

from orchestration.dataset_card.card import render_card
from orchestration.dataset_card.facts import shown
from orchestration.dataset_card.front_matter import front_matter, languages, licence_id, size_category


def node(table: str, partition: str, counts: dict[str, Any], **said: Any) -> dict[str, Any]:
    base = {
        "table": table, "partition": partition, "version": 3, "publication": f"{table[0]}1", "fingerprint": "f",
        "published_at": "2026-03-01 12:00:00+00:00", "digest": "1:0a", "counts": counts, "operators": [],
        "audit": {"passed": 4, "of": 5, "warnings": ["a_warning"]}, "overrides": [], "facts": {},
    }  # fmt: skip
    return {**base, **said}


GOPHER = {"name": "gopher_quality", "kind": "filters", "version": 2, "fingerprint": "g", "artefact": None,
          "params": {"min_words": 50, "max_words": None, "stop_words": [str(n) for n in range(30)]}}  # fmt: skip
MASK = {"name": "mask_pii", "kind": "editors", "version": 1, "fingerprint": "m", "artefact": None, "params": {}}
MINHASH = {"name": "dedup", "kind": "dedup", "version": 2, "fingerprint": "d", "artefact": None,
           "params": {"steps": ["exact_text", "minhash"], "minhash": {"bands": 14, "rows": 8}}}  # fmt: skip
REWIRE = {"name": "rewire", "kind": "strategies", "version": 1, "fingerprint": "r", "artefact": "prompt0", "params": {}}


def snapshot(name: str, too_short: int) -> dict[str, Any]:
    reasons = {"gopher_quality.too_short": too_short}
    return {
        "snapshot": name,
        "input": {
            "source": f"{name} | crawl", "licence": "CC BY 4.0", "documents": 10,
            "files": [{"uri": "/srv/private/a.warc.gz", "bytes": 2_000, "sha256": "a" * 64, "documents": 10,
                       "ignored": 1, "unreadable": 2}],
        },
        "tables": [
            node("raw", name, {"rows": 10}),
            node("cleaned", name, {"rows": 10, "kept": 6, "dropped": 4, "by_reason": reasons},
                 operators=[GOPHER, MASK], facts={"language": {"model": "lid.176", "digest": "lang0"}}),
            node("scored", name, {"rows": 6}),
            node("deduped", name, {"rows": 6, "kept": 5, "dropped": 1, "by_reason": {"minhash": 1}},
                 operators=[MINHASH]),
            node("rewritten", name, {"rows": 2, "kept": 1, "dropped": 1, "by_reason": {"rewire.too_long": 1}},
                 operators=[REWIRE], facts={"model": "small"}),
        ],
    }  # fmt: skip


def tree(**said: Any) -> dict[str, Any]:
    base = {
        "release": "default-b-1234", "state": "published", "recipe": {"name": "default", "fingerprint": "e" * 64},
        "provenance": {"code": {"commit": "c0ffee", "dirty": False}, "packages": {"pyspark": "4.2.0"}},
        "mixed": node("mixed", "default-b-1234", {"rows": 9}, overrides=["gate x approved: known"]),
        "snapshots": [snapshot("a", 3), snapshot("b", 4)],
        "models": [{"operator": "fasttext_quality", "digest": "model0"}],
    }  # fmt: skip
    return {**base, **said}


def row(language: str | None, documents: int, origin: str = "original", phase: str = "main") -> dict[str, Any]:
    return {"source": "web", "origin": origin, "phase": phase, "language": language, "documents": documents,
            "copies": documents, "tokens": documents * 100, "unique_tokens": documents * 100,
            "characters": documents * 500, "max_copies": 1}  # fmt: skip


def manifest(**said: Any) -> dict[str, Any]:
    contents = [row("en", 6), row("de", 2), row(None, 1), row("en", 1, origin="rewire", phase="final")]
    base = {
        "contents": contents, "publication": "pub0", "digest": "10:0abc", "fingerprint": "fp0",
        "totals": {"documents": 10, "copies": 10, "tokens": 1_000, "unique_tokens": 1_000, "characters": 5_000,
                   "rewritten_tokens": 100, "rewritten_share": 0.1},
        "epochs": {"web": {"epochs": 1.0}},
        "licences": [{"licence": "CC-BY-4.0", "documents": 7, "tokens": 700},
                     {"licence": None, "documents": 3, "tokens": 300}],
        "facts": {
            "tokenizer": {"name": "tekken", "digest": "tok0"},
            "decisions": [{"origin": "original", "reason": None, "documents": 9, "characters": 1, "tokens": 900},
                          {"origin": "original", "reason": "not_selected", "documents": 1, "characters": 1,
                           "tokens": 100}],
            "benchmarks": [{"name": "quiz", "path": "/srv/private/quiz.jsonl", "digest": "bench0", "items": 12,
                            "not_checkable": 1, "not_checkable_items": [], "documents_dropped": 3}],
        },
    }  # fmt: skip
    return {**base, **said}


def head_of(card: str) -> dict[str, Any]:
    _, head, _body = card.split("---\n", 2)
    read: dict[str, Any] = yaml.safe_load(head)
    return read


def table_after(card: str, title: str) -> list[list[str]]:
    """Cells of the first table below a heading."""
    lines = card[card.index(title) :].splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("|"))
    rows = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.replace("\\|", "¦").strip("|").split("|")])
    return rows


def test_the_head_is_what_the_hub_reads() -> None:
    head = head_of(render_card(tree(), manifest(), suffix=".parquet"))
    assert head["pretty_name"] == "default-b-1234"
    assert head["language"] == ["en", "de"]
    assert head["license"] == ["cc-by-4.0", "unknown"]
    assert head["size_categories"] == ["n<1K"]
    assert head["multilinguality"] == ["multilingual"]
    assert head["language_creators"] == ["found", "machine-generated"]
    assert head["task_categories"] == ["text-generation"]
    assert head["configs"] == [
        {"config_name": "default", "default": True, "data_files": [{"split": "train", "path": "*.parquet"}]},
        {"config_name": "main", "data_files": [{"split": "train", "path": "main-*.parquet"}]},
        {"config_name": "final", "data_files": [{"split": "train", "path": "final-*.parquet"}]},
    ]
    without = head_of(render_card(tree(), manifest()))
    assert "configs" not in without


def test_the_body_says_what_the_records_say() -> None:
    card = render_card(tree(), manifest(), suffix=".jsonl.gz")
    assert "10 documents and 1,000 tokens" in card
    languages_told = {cells[0]: cells[1:] for cells in table_after(card, "## What is in it")[2:]}
    assert languages_told == {
        "en": ["7", "700", "70.0%"], "de": ["2", "200", "20.0%"], "not determined": ["1", "100", "10.0%"]
    }  # fmt: skip
    steps = {cells[0]: cells for cells in table_after(card, "## How it was cleaned")[2:]}
    assert steps["`gopher_quality`"][1:] == [
        "filters", "2", "min_words=50, stop_words=[30 entries]", "too_short 7",
    ]  # fmt: skip
    assert "personal identifiers were masked" in card
    assert table_after(card, "## How it was deduplicated")[2:] == [["`minhash`", "2"]]
    assert "minhash={bands: 14, rows: 8}" in card
    assert "10 of 12 documents were kept" in card
    assert table_after(card, "### Decontamination")[2:] == [["quiz", "`bench0`", "12", "1", "3"]]
    assert "2 of 4 attempts were accepted. Models asked: small." in card
    assert {cells[1] for cells in table_after(card, "## Models")[2:]} == {"`model0`", "`lang0`", "`tok0`"}
    snapshots = table_after(card, "## Where it comes from")[2:]
    assert snapshots[0] == ["a", "a ¦ crawl", "CC BY 4.0", "1", "2,000", "10", "2", "10", "6", "5"]
    assert all(len(cells) == 10 for cells in snapshots)
    for told in ("pub0", "10:0abc", "fp0", "c0ffee", "./provender verify default-b-1234", "44 of 55 held"):
        assert told in card
    assert "gate x approved: known" in card
    assert "*.jsonl.gz" in card


def test_no_place_of_a_machine_is_in_it() -> None:
    assert "/srv/private" not in render_card(tree(), manifest(), suffix=".parquet")


def test_the_same_release_gives_the_same_card() -> None:
    assert render_card(tree(), manifest()) == render_card(tree(), manifest())


def test_what_was_not_done_is_said() -> None:
    plain = manifest(facts={}, totals={"documents": 0}, contents=[], licences=[])
    bare = tree(snapshots=[], models=[], provenance={}, state="withdrawn")
    card = render_card(bare, plain)
    assert "**not** decontaminated" in card
    assert "No document was rewritten." in card
    assert "This release is withdrawn" in card
    assert "not under version control" in card
    head = head_of(card)
    assert "language" not in head, "the Hub refuses an empty list"
    assert head["license"] == "unknown"


def test_a_release_from_before_licences_were_counted_has_those_of_its_snapshots() -> None:
    old = manifest()
    del old["licences"]
    card = render_card(tree(), old)
    assert "did not count its documents by licence" in card
    assert head_of(card)["license"] == "cc-by-4.0"


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("CC-BY-4.0", "cc-by-4.0"), ("CC BY-SA 3.0", "cc-by-sa-3.0"), ("cc0", "cc0-1.0"), ("MIT", "mit"),
        ("https://creativecommons.org/licenses/by-nc/4.0/", "cc-by-nc-4.0"),
        ("http://creativecommons.org/publicdomain/zero/1.0/", "cc0-1.0"), ("Apache 2.0", "apache-2.0"),
        ("common-crawl-terms", "other"), ("", "unknown"), (None, "unknown"), ("  ", "unknown"),
        ("https://creativecommons.org/licenses/sampling/1.0/", "other"),
    ],
)  # fmt: skip
def test_licences_get_the_names_of_the_hub(licence: str | None, expected: str) -> None:
    assert licence_id(licence) == expected


@pytest.mark.parametrize(
    ("documents", "expected"),
    [(0, "n<1K"), (999, "n<1K"), (1_000, "1K<n<10K"), (10**6, "1M<n<10M"), (10**9, "1B<n<10B"), (10**12, "n>1T")],
)
def test_sizes_are_the_hubs(documents: int, expected: str) -> None:
    assert size_category(documents) == expected


def test_languages_are_codes_the_most_documents_first() -> None:
    assert languages({"de": 2, "en": 5, "und": 9, None: 4, "fr": 2, "zh-cn": 1, "yue": 1}) == ["en", "de", "fr", "yue"]


@pytest.mark.parametrize("name", ["a: b", "- x", "'quoted'", "line\nbreak", "emoji 🌾"])
def test_a_name_cannot_break_the_head(name: str) -> None:
    text = front_matter(name=name, documents=1, by_language={"en": 1}, licences=[None], rewritten=False)
    assert yaml.safe_load(text.split("---\n")[1])["pretty_name"] == name


def test_parameters_are_told_in_one_line() -> None:
    assert shown({"a": None, "b": 0, "c": {"d": [], "e": 1}, "f": list(range(9)), "g": "x" * 200}) == (
        "b=0, c={e: 1}, f=[9 entries], g=" + "x" * 80 + "..."
    )

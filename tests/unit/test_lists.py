"""List files: formats, packing, digests; the look-ups that lists become: sets of hashes, and automata."""

import gzip
import hashlib
import io
import json
import re
import subprocess
import tarfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import ahocorasick
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.errors import RecipeError
from spark_jobs.operators import registry
from spark_jobs.operators.base import Params
from spark_jobs.operators.lists import EntryList, ListFile
from spark_jobs.recipe.load import load_recipe
from spark_jobs.recipe.sections.cleaned import CleanedSection
from spark_jobs.recipe.steps import Step
from spark_jobs.stages.clean import Clean, operators_of, plan_of
from spark_jobs.text.automaton import Automaton
from spark_jobs.text.byte_spans import ByteSpans
from spark_jobs.text.hash_set import HashSet
from spark_jobs.text.list_files import digest_of, entries_of, split_entries
from spark_jobs.text.url_kernel import ALNUM_ONLY
from spark_jobs.text.urls import Urls


@pytest.mark.parametrize(
    ("layout", "data", "entries"),
    [
        ("plain", "a.example\n\n  b.c \r\n# none\nc.example # why\nd#e\n\tf g\n", "a.example,b.c,c.example,d#e,f g"),
        ("plain", "\ufeffa\rb", "a,b"),
        ("plain", "", ""),
        ("plain", "#\n \n#x", ""),
        ("hosts", "# top\n0.0.0.0 a.example\n127.0.0.1\tb.c  d.e #f\n::1 g.example\n", "a.example,b.c,d.e,g.example"),
        ("hosts", "only.example\n\n 0.0.0.0   x \n", "only.example,x"),
        ("plain", "böse.example\n日本", "böse.example,日本"),
    ],
)  # fmt: skip
def test_entries(layout: Any, data: str, entries: str) -> None:
    assert split_entries(data.encode(), layout).texts() == [entry for entry in entries.split(",") if entry]


@given(data=st.text(alphabet="ab#. \t\r\n", max_size=60))
@settings(max_examples=300, deadline=None)
def test_entries_equal_the_reference(data: str) -> None:
    wanted = []
    for line in data.replace("\r", "\n").split("\n"):
        cuts = [i for i, c in enumerate(line) if c == "#" and (i == 0 or line[i - 1] in " \t")]
        wanted.append(line[: cuts[0]].strip() if cuts else line.strip())
    assert split_entries(data.encode(), "plain").texts() == [entry for entry in wanted if entry]


def packed(data: bytes) -> bytes:
    """Packed without the time, so that two programs that collect these tests see the same ones."""
    return gzip.compress(data, mtime=0)


def archive(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as file:
        for name, data in members.items():
            entry = tarfile.TarInfo(name.replace("__", "/"))
            entry.size = len(data)
            file.addfile(entry, io.BytesIO(data))
    return packed(buffer.getvalue())


def ut1(root: Path) -> dict[str, Path]:
    """The same list as a folder, as a folder of packed files, as an archive, and as one packed file."""
    places = {name: root / name for name in ("folder", "packed", "adult.tar.gz", "domains.gz")}
    for place in ("folder", "packed"):
        (places[place] / "adult").mkdir(parents=True)
        (places[place] / "adult" / "usage").write_text("black\n", encoding="utf-8")
    (places["folder"] / "adult" / "domains").write_bytes(b"a.example\nb.example\n")
    (places["folder"] / "adult" / "urls").write_bytes(b"c.example/x\n")
    (places["packed"] / "adult" / "domains.gz").write_bytes(packed(b"a.example\nb.example\n"))
    places["adult.tar.gz"].write_bytes(
        archive(adult__domains=b"a.example\nb.example\n", adult__urls=b"c.example/x\n", adult__usage=b"black\n")
    )
    places["domains.gz"].write_bytes(packed(b"a.example\nb.example\n"))
    return places


def test_ut1_in_all_its_forms(tmp_path: Path) -> None:
    places = ut1(tmp_path)
    for name, place in places.items():
        assert entries_of(str(place), "ut1", "domains", None).texts() == ["a.example", "b.example"], name
    for name in ("folder", "adult.tar.gz"):
        assert entries_of(str(places[name]), "ut1", "urls", None).texts() == ["c.example/x"]
    with pytest.raises(RecipeError, match=r"list .*packed has no file 'urls' in it"):
        digest_of(str(places["packed"]), "ut1", "urls")


def test_digests_are_those_that_sha256sum_prints(tmp_path: Path) -> None:
    places = ut1(tmp_path)
    packed = places["domains.gz"]
    assert digest_of(str(packed), "plain", "") == hashlib.sha256(packed.read_bytes()).hexdigest()
    line = subprocess.run(
        "sha256sum adult/domains | sha256sum",
        shell=True,
        cwd=places["folder"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert digest_of(str(places["folder"]), "ut1", "domains") == line.stdout.split()[0]


def test_a_list_is_read_again_when_it_changed(tmp_path: Path) -> None:
    file = tmp_path / "list"
    file.write_bytes(b"a\n")
    first = digest_of(str(file), "plain", "")
    assert entries_of(str(file), "plain", "", first).texts() == ["a"]
    file.write_bytes(b"a\nb\n")
    assert digest_of(str(file), "plain", "") != first
    with pytest.raises(RecipeError, match=r"list .*list has SHA-256 [0-9a-f]{64}, the recipe pins [0-9a-f]{64}; put"):
        entries_of(str(file), "plain", "", first)


@pytest.mark.parametrize(
    ("name", "data", "layout", "message"),
    [
        ("missing", None, "plain", r"cannot read the list .*missing \(FileNotFoundError\); mend the path or the file"),
        ("cut.gz", packed(b"a.example\n" * 1000)[:30], "plain", r"cannot read the list .*cut\.gz \(EOFError\)"),
        ("bad.gz", b"\x1f\x8bnothing like it", "plain", r"cannot read the list .*bad\.gz \(BadGzipFile\)"),
        ("a.tar.gz", archive(a=b"x"), "plain", r"a\.tar\.gz is an archive; say `format: ut1`"),
        ("b.tar.gz", archive(adult__urls=b"x"), "ut1", r"b\.tar\.gz has no file 'domains' in it"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    tmp_path: Path, name: str, data: bytes | None, layout: Any, message: str
) -> None:
    place = tmp_path / name
    if data is not None:
        place.write_bytes(data)
    with pytest.raises(RecipeError, match=message) as caught:
        registry.build("filters", "url_rules", {"domains": {"path": str(place), "format": layout}})
    assert "\n" not in str(caught.value)


def test_a_folder_that_is_no_ut1_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="is a folder; name one of its files, or say `format: ut1`"):
        digest_of(str(tmp_path), "plain", "domains")


def test_short_forms_of_a_list() -> None:
    one = EntryList.model_validate({"path": "x"})
    assert one == EntryList(files=(ListFile(path="x"),))
    assert EntryList.model_validate({"path": "x", "entries": ["a"], "format": "hosts"}) == EntryList(
        entries=("a",), files=(ListFile(path="x", format="hosts"),)
    )
    assert EntryList.model_validate(["a", {"path": "x"}, "b"]) == EntryList(entries=("a", "b"), files=one.files)
    assert EntryList.model_validate(one.model_dump(mode="json")) == one
    assert not EntryList()
    with pytest.raises(RecipeError, match=r"url_rules\.hosts\.pth"):
        registry.build("filters", "url_rules", {"hosts": {"pth": "x"}})


class _Named(Params):
    """Parameters with files at every depth."""

    files: list[dict[str, Any]]


class _Operator:
    name, version = "named", 1

    def __init__(self, **params: Any) -> None:
        self.params = _Named.model_validate(params)


def test_a_pinned_file_counts_by_its_digest_wherever_it_lies_also_in_a_list() -> None:
    here = registry.fingerprint(_Operator(files=[{"path": "a", "sha256": "1"}]))
    assert registry.fingerprint(_Operator(files=[{"path": "b", "sha256": "1"}])) == here
    assert registry.fingerprint(_Operator(files=[{"path": "a", "sha256": "2"}])) != here
    assert registry.fingerprint(_Operator(files=[{"path": "a"}])) != registry.fingerprint(
        _Operator(files=[{"path": "b"}])
    )


def test_files_in_a_list_lie_beside_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "hosts.txt").write_text("spam.example\n", encoding="utf-8")
    step = Step(name="url_rules", params={"hosts": ["a.example", {"path": "hosts.txt"}]}).located(tmp_path)
    (file,) = step.build().params.hosts.files
    assert file.path == str(tmp_path / "hosts.txt")


def test_the_digest_of_a_list_is_in_lineage_and_in_the_fingerprint_of_the_stage(tmp_path: Path) -> None:
    file = tmp_path / "domains"
    file.write_bytes(b"a.example\n")
    recipe = tmp_path / "recipe.yaml"
    default = (Path(__file__).resolve().parents[2] / "recipes" / "default.yaml").read_text(encoding="utf-8")
    recipe.write_text(default.replace("- url_rules\n", "- url_rules: {domains: {path: domains}}\n"), encoding="utf-8")
    first = load_recipe(recipe)
    (record,) = [record for record in operators_of(first.cleaned) if record.name == "url_rules"]
    digest = hashlib.sha256(b"a.example\n").hexdigest()
    assert [kept["sha256"] for kept in record.params["domains"]["files"]] == [digest]
    before = Clean().fingerprint_parts(first)
    plan = plan_of(first.cleaned)
    file.write_bytes(b"a.example\nb.example\n")
    assert Clean().fingerprint_parts(load_recipe(recipe)) != before
    (spec,) = [spec for spec in plan.steps if spec.name == "url_rules"]
    with pytest.raises(RecipeError, match="put the pinned list back, or pin anew"):
        registry.build(spec.kind, spec.name, json.loads(spec.params))

    pinned = f"- url_rules: {{domains: {{path: domains, sha256: {digest}}}}}\n"
    recipe.write_text(default.replace("- url_rules\n", pinned), encoding="utf-8")
    with pytest.raises(RecipeError) as caught:
        load_recipe(recipe)
    message = str(caught.value)
    assert "\n" not in message
    assert re.match(rf"{re.escape(str(recipe))}:\d+: cleaned\.steps\[2\]: list ", message), message
    assert f"the recipe pins {digest}; put the pinned list back, or pin anew" in message
    file.write_bytes(b"a.example\n")
    assert isinstance(load_recipe(recipe).cleaned, CleanedSection)


@given(
    held=st.lists(st.integers(1, 2**64 - 1), max_size=200),
    asked=st.lists(st.integers(0, 2**64 - 1), max_size=50),
)
@settings(max_examples=100, deadline=None)
def test_a_set_of_hashes_holds_what_it_was_given(held: list[int], asked: list[int]) -> None:
    found = HashSet.of(np.array(held, dtype=np.uint64))
    assert len(found) == len(set(held))
    values = np.array([*held, *asked, 0], dtype=np.uint64)
    assert found.holds(values).tolist() == [int(value) in set(held) for value in values]


@given(
    patterns=st.lists(st.text("abcA1", max_size=5), max_size=12),
    texts=st.lists(st.text("abcA1-.%2F", max_size=40), min_size=1, max_size=4),
)
@settings(max_examples=200, deadline=None)
def test_the_automaton_finds_what_two_references_find(patterns: list[str], texts: list[str]) -> None:
    known = {pattern.lower() for pattern in patterns} - {""}
    automaton = Automaton.of(patterns, any_case=True)
    assert set(automaton.patterns) == known
    reference = ahocorasick.Automaton()
    for pattern in known:
        reference.add_word(pattern, pattern)
    reference.make_automaton()
    found = Urls.of(ByteSpans.from_bytes(text.encode() for text in texts)).substrings(automaton, ALNUM_ONLY)
    for text, count in zip(texts, found, strict=True):
        letters = "".join(c for c in unquote(text).lower() if c.isascii() and c.isalnum())
        assert count == sum(pattern in letters for pattern in known)
        assert not known or count == len({pattern for _, pattern in reference.iter(letters)})


def test_an_automaton_of_too_many_characters_is_refused() -> None:
    with pytest.raises(ValueError, match="different characters"):
        Automaton.of([chr(code) for code in range(0x10000, 0x20000)], any_case=False)

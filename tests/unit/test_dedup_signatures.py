"""Signatures: the normal form, the shingles, MinHash and exact Jaccard, against plain Python and against datasketch."""

import re
import unicodedata
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pytest
from datasketch import MinHash as Oracle
from datasketch import MinHashLSH
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.dedup.normal_form import fold_table
from spark_jobs.dedup.signatures import MinHash, bands_for, permutations, sign
from spark_jobs.dedup.verify import similarities

# A sign of a script without spaces, with the marks on it; of the characters in LETTERS.
SPACELESS = re.compile("[日本かテห][\u3099\u0301\u0307\u0327\u0e34\u0e49\u093f]*")


def normal_words(text: str, marks: str) -> list[str]:
    """The normal form in plain Python, for the characters the tests draw."""

    def goes(c: str) -> bool:
        return unicodedata.category(c) == "Mn" and (marks == "all" or (marks == "diacritics" and c < "\u0500"))

    text = "".join(c for c in text if unicodedata.category(c) != "Cf" and not goes(c))
    text = re.sub(r"\d+([.,\u066b]\d+)?", "0", text)
    folded = []
    for c in text:
        if c.isspace() or unicodedata.category(c)[0] in "PSCZ":
            folded.append(" ")
            continue
        decomposed = unicodedata.normalize("NFD", c.lower())
        folded.append("".join(d for d in decomposed if not goes(d)))
    return SPACELESS.sub(r" \g<0> ", "".join(folded)).split()


def signed(*texts: str, **params: object) -> object:
    return sign(pa.array(texts, pa.large_string()), MinHash(**params))


def shingle_set(found: object, row: int) -> set[int]:
    return set(found.shingles[found.offsets[row] : found.offsets[row + 1]].tolist())


LETTERS = "abcXYZéÉßİ 0123456789.,٣\u066b!?-_\t\n\u00a0\u0301\u00ad日本がテ\u3099หิ้कि한👍"


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet=LETTERS, max_size=60), st.sampled_from(["all", "diacritics", "none"]))
def test_texts_are_one_content_exactly_when_their_normal_forms_are(text: str, marks: str) -> None:
    words = normal_words(text, marks)
    canonical = " ".join(words)
    found = signed(text, canonical, f"{canonical} x", marks=marks, ngram=1)
    assert found.words[0] == len(words)
    assert len(shingle_set(found, 0)) == len(set(words))
    if words:
        assert found.content_hash[:2] == [blake2b(canonical.encode(), digest_size=16).hexdigest()] * 2
    assert found.content_hash[0] != found.content_hash[2]


@pytest.mark.parametrize("text", ["a 0.\u03010 b", "a 0\u0301.\u0301\u03010 b", "a 0.0 b", "a 1,\u200b2 b"])
def test_what_goes_without_trace_does_not_cut_a_number(text: str) -> None:
    found = signed(text, "a 0 b")
    assert found.content_hash[0] == found.content_hash[1]


@pytest.mark.parametrize("text", ["a 0.\u0301 b", "a 0.\u0301", "a 0.", "a 0.\u0301x b"])
def test_a_mark_without_a_digit_behind_it_is_punctuation(text: str) -> None:
    found = signed(text, text.replace(".", " "))
    assert found.content_hash[0] == found.content_hash[1]


def test_case_numbers_punctuation_and_space_do_not_count() -> None:
    found = signed("Hello,  World! It costs 3.50.", "hello world it costs 1999", "hello world it cost 0")
    assert found.content_hash[0] == found.content_hash[1] != found.content_hash[2]
    assert found.text_hash[0] != found.text_hash[1]


@pytest.mark.parametrize(("marks", "latin", "devanagari"), [
    ("all", True, True), ("diacritics", True, False), ("none", False, False),
])  # fmt: skip
def test_marks_go_as_the_policy_says(marks: str, *, latin: bool, devanagari: bool) -> None:
    found = signed("été", "ete", "कुक", "कक", marks=marks)
    assert (found.content_hash[0] == found.content_hash[1]) is latin
    assert (found.content_hash[2] == found.content_hash[3]) is devanagari


def test_a_text_without_words_equals_only_the_same_bytes() -> None:
    found = signed("", "!!!", "???", "!!!")
    assert found.content_hash[1] == found.content_hash[3]
    assert len(set(found.content_hash)) == 3
    assert list(np.diff(found.offsets)) == [0, 0, 0, 0]


def test_bytes_that_are_no_text_are_signed_too() -> None:
    broken = pa.array([b"ab \xff\xfe cd", b"\xed\xa0\x80 x", b"a\x00b", b"\xf0\x9f"], pa.large_binary())
    texts = pa.Array.from_buffers(pa.large_string(), 4, broken.buffers())
    assert list(sign(texts, MinHash(ngram=1)).words) == [2, 1, 2, 0]


def test_signs_of_scripts_without_spaces_are_words() -> None:
    found = signed("近日公開予定です", "近日公開予定", unit="words")
    assert list(found.words) == [8, 6]
    assert shingle_set(found, 1) < shingle_set(found, 0)


def test_characters_as_units_ignore_spaces() -> None:
    found = signed("abc def", "abcdef", "abcdeg", unit="characters", ngram=3)
    assert list(found.words) == [6, 6, 6]
    assert shingle_set(found, 0) == shingle_set(found, 1)
    assert len(shingle_set(found, 0) & shingle_set(found, 2)) == 3


def test_fewer_units_than_a_shingle_have_no_shingles() -> None:
    assert list(np.diff(signed("a b c d", "a b c d e", "a a a a a a a").offsets)) == [0, 1, 1]


def test_how_a_batch_is_cut_changes_nothing() -> None:
    texts = ["one two three four five six", "", "x" * 5000 + " ", "日本語" * 40, "a b c d e f g h " * 99]
    whole = signed(*texts)
    for row, text in enumerate(texts):
        alone = signed(text)
        assert alone.content_hash[0] == whole.content_hash[row]
        assert np.array_equal(alone.signatures[0], whole.signatures[row])
        assert np.array_equal(alone.bands[0], whole.bands[row])
    sliced = sign(pa.array(["drop me", *texts], pa.large_string()).slice(1), MinHash())
    assert sliced.text_hash == whole.text_hash
    assert np.array_equal(sliced.bands, whole.bands)


def test_the_output_is_what_it_was() -> None:
    """Stored signatures of this version must keep matching: whoever changes this moves NORMAL_FORM."""
    found = signed("The quick brown fox, 42 times, jumps over the lazy dog. Straße! 日本語")
    assert found.content_hash == ["aaa52761ec5f9542188fe6d80abda2c9"]
    assert found.bands[0, 0] == 14276729138402339127


def test_signatures_are_the_published_family() -> None:
    """((a*h + b) mod 2^64) mod (2^61 - 1), a then b from NumPy's legacy state (huggingface/datatrove), big integers."""
    found = signed("the same rule in slow motion for a few words")
    state = np.random.RandomState(1)
    prime = (1 << 61) - 1
    a = [int(x) for x in state.randint(1, prime, dtype=np.uint64, size=112)]
    b = [int(x) for x in state.randint(0, prime, dtype=np.uint64, size=112)]
    hashes = shingle_set(found, 0)
    wanted = [min((x * h + y) % (1 << 64) % prime for h in hashes) for x, y in zip(a, b, strict=True)]
    assert found.signatures[0].tolist() == wanted
    assert permutations(2, 112)[0].tolist() != a


def word_sets(similarity: float, size: int, seed: int) -> tuple[str, str]:
    """Two texts of distinct words with a known Jaccard similarity of their words (ngram 1)."""
    shared = round(2 * size * similarity / (1 + similarity))
    names = [f"w{seed}x{i}".translate(str.maketrans("0123456789", "abcdefghij")) for i in range(2 * size - shared)]
    return " ".join(names[:size]), " ".join(names[:shared] + names[size:])


def test_estimates_agree_with_the_truth_and_with_datasketch() -> None:
    for similarity in (0.3, 0.6, 0.9):
        left, right = word_sets(similarity, 400, 1)
        found = signed(left, right, ngram=1, bands=32, rows=8)
        a, b = shingle_set(found, 0), shingle_set(found, 1)
        truth = len(a & b) / len(a | b)
        ours = float(np.mean(found.signatures[0] == found.signatures[1]))
        oracles = [Oracle(num_perm=256), Oracle(num_perm=256)]
        for oracle, words in zip(oracles, (left.split(), right.split()), strict=True):
            oracle.update_batch([word.encode() for word in words])
        error = 3.5 * (truth * (1 - truth) / 256) ** 0.5
        assert truth == pytest.approx(similarity, abs=0.01)
        assert ours == pytest.approx(truth, abs=error)
        assert ours == pytest.approx(oracles[0].jaccard(oracles[1]), abs=2 * error)


@pytest.mark.parametrize(("bands", "rows"), [(14, 8), (9, 13)])
@pytest.mark.parametrize("similarity", [0.5, 0.7, 0.8, 0.9])
def test_pairs_meet_as_often_as_the_formula_says(bands: int, rows: int, similarity: float) -> None:
    trials = 300
    texts = [text for seed in range(trials) for text in word_sets(similarity, 90, seed)]
    found = signed(*texts, ngram=1, bands=bands, rows=rows)
    met = np.mean((found.bands[0::2] == found.bands[1::2]).any(axis=1))
    chance = 1 - (1 - similarity**rows) ** bands
    assert met == pytest.approx(chance, abs=3.5 * max(chance * (1 - chance), 0.003) ** 0.5 / trials**0.5 + 0.02)


def test_bands_from_a_threshold_are_those_of_datasketch() -> None:
    index = MinHashLSH(threshold=0.7, num_perm=112)
    assert bands_for(0.7, 112) == (index.b, index.r)


def test_other_parameters_are_another_index() -> None:
    variants = [MinHash(), MinHash(bands=9, rows=13), MinHash(seed=2), MinHash(ngram=13), MinHash(unit="characters"),
                MinHash(marks="all")]  # fmt: skip
    assert len({variant.params_id for variant in variants}) == len(variants)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sets(st.integers(0, 40)), st.sets(st.integers(0, 40))), max_size=8))
def test_similarity_is_the_jaccard_of_the_sets(pairs: list[tuple[set[int], set[int]]]) -> None:
    sides = [[np.array(sorted(pair[side]), dtype="<u8").tobytes() for pair in pairs] for side in (0, 1)]
    blobs = [pa.array(side, pa.binary()) for side in sides]
    wanted = [len(a & b) / max(len(a | b), 1) for a, b in pairs]
    assert similarities(*blobs).tolist() == wanted
    if pairs:
        assert similarities(blobs[0].slice(1), blobs[1].slice(1)).tolist() == wanted[1:]


def test_memory_is_bounded_by_groups_of_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of large texts is signed a few at a time, and one that is larger than a group alone."""
    from spark_jobs.dedup import signatures

    limit = 10_000
    monkeypatch.setattr(signatures, "_GROUP_BYTES", limit)
    lengths = [4_000] * 7 + [95_000, 100, 0] + [9_999, 2] * 3
    batch = pa.RecordBatch.from_pydict({"text": pa.array(["x" * length for length in lengths])})
    groups = [[len(text) for text in group["text"].to_pylist()] for group in signatures._groups(batch)]
    assert [length for group in groups for length in group] == lengths
    assert all(sum(group) <= limit or len(group) == 1 for group in groups)
    assert len(groups) < len(lengths)


def test_many_shingles_are_sorted_and_distinct() -> None:
    """Both ways of sorting, the one for pages and the one for books, and many repeats."""
    state = np.random.RandomState(5)
    names = ["".join(letters) for letters in state.choice(list("abcdefgh"), (300, 4))]
    for count in (5, 40, 3_000, 80_000):
        text = " ".join(state.choice(names, count))
        found = signed(text, text + " " + text, ngram=3)
        for row in (0, 1):
            own = found.shingles[found.offsets[row] : found.offsets[row + 1]]
            assert (own[1:] > own[:-1]).all()
        words = text.split()
        assert len(shingle_set(found, 0)) == len({tuple(words[i : i + 3]) for i in range(count - 2)})


def test_tables_cover_every_code_point() -> None:
    table = fold_table("diacritics")
    assert len(table.kind) == len(table.start) == len(table.count) == 0x110000
    assert int((table.start.astype(np.int64) + table.count).max()) <= len(table.flat)
    assert set(table.kind.tolist()) == set(range(6))

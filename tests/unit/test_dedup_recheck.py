"""The second opinion on duplicates: plain Python says what the kernels say, and what they must not be able to hide."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spark_jobs.dedup.recheck import check, normal_words, shingles, true_similarity
from spark_jobs.dedup.signatures import MinHash, sign

LETTERS = "abcXYZéÉßİ 0123456789.,٣\u066b!?-_\t\n\u00a0\u0301\u00ad日本がテ\u3099หิ้कि한👍"
TEXTS = st.text(alphabet=LETTERS, max_size=60)
PARAMS = st.builds(
    MinHash, unit=st.sampled_from(["words", "characters"]), ngram=st.integers(1, 4),
    marks=st.sampled_from(["all", "diacritics", "none"]),
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(TEXTS, TEXTS, PARAMS)
def test_kernels_and_plain_python_agree_on_every_pair(text: str, other: str, params: MinHash) -> None:
    signed = sign(pa.array([text, other], pa.large_string()), params)
    first, second = (set(signed.shingles[signed.offsets[row] : signed.offsets[row + 1]].tolist()) for row in (0, 1))
    assert (len(first), len(second)) == (len(shingles(text, params)), len(shingles(other, params)))
    jaccard = len(first & second) / len(first | second) if first or second else 0.0
    assert true_similarity("minhash", text, other, params) == jaccard
    assert true_similarity("exact_text", text, other, params) == (signed.content_hash[0] == signed.content_hash[1])
    assert true_similarity("exact_bytes", text, other, params) == (signed.text_hash[0] == signed.text_hash[1])


def test_the_normal_form_in_words() -> None:
    text = "Hello,  World! It costs 3.50 (été). 日本語"
    assert normal_words(text, "diacritics") == ["hello", "world", "it", "costs", "0", "ete", "日", "本", "語"]
    assert normal_words("1,000.5 v2.x", "none") == ["0", "0", "v0", "x"]
    assert normal_words("\u0000\u202e", "all") == []


def checked(rows: list[tuple[str, str | None, str | None]], max_chars: int = 1000) -> list[float | None]:
    columns = [pa.array([f"d{n}" for n in range(len(rows))])]
    columns += [pa.array([row[at] for row in rows], pa.string()) for at in range(3)]
    batch = pa.RecordBatch.from_arrays(columns, names=["doc_id", "step", "text", "other"])
    return next(check(iter([batch]), MinHash(ngram=2), max_chars)).column("true_similarity").to_pylist()


def test_what_cannot_be_judged_is_told_apart_from_what_is_wrong() -> None:
    long = "word " * 400
    found = checked([
        ("minhash", "one two three four", "one two three five"), ("minhash", "one two", "six seven"),
        ("exact_bytes", "One", "one"), ("exact_text", "One", "one"), ("exact_text", "!", "?"), ("minhash", "", ""),
        ("minhash", None, "one two"), ("exact_bytes", "one", None), ("minhash", long, long),
    ])  # fmt: skip
    assert found == [0.5, 0.0, 0.0, 1.0, 0.0, 0.0, -1.0, -1.0, None]


@pytest.mark.parametrize("ngram", [1, 5])
def test_a_text_of_a_megabyte_is_judged_in_a_second_or_so(ngram: int) -> None:
    words = [f"w{number}x" for number in np.arange(100_000)]
    text = " ".join(
        "".join(chr(97 + int(c) % 26) if c.isdigit() else c for c in word) + str(n) for n, word in enumerate(words)
    )
    assert true_similarity("minhash", text, text, MinHash(ngram=ngram)) == 1.0

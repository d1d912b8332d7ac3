"""Applying cuts: how the text of a document reads after dedup took pieces out of it. One function, for all readers.

A Spark expression over the bytes of the text, so it costs nothing where nothing was cut, one copy of the text where
something was, and it works in every Delta reader that is Spark.
"""

from pyspark.sql import Column
from pyspark.sql import functions as F

# `start` and `length` count code points; the bytes of the UTF-8 text are the same place, found without a scan. The
# piece stands in `linked_to`; if that is the document itself, at `linked_start`.
CUTS = (
    "ARRAY<STRUCT<start: BIGINT, length: BIGINT, byte_start: BIGINT, byte_length: BIGINT, step: STRING, "
    "linked_snapshot: STRING, linked_to: STRING, linked_start: BIGINT, similarity: DOUBLE>>"
)


def cut_text(text: str = "text", cuts: str = "cuts") -> Column:
    """The text without its cuts (columns by name; cuts in order and apart, null where there are none)."""
    spans = F.col(cuts)
    begins = F.concat(F.array(F.lit(0)), F.transform(spans, lambda c: (c["byte_start"] + c["byte_length"]).cast("int")))
    ends = F.concat(F.transform(spans, lambda c: c["byte_start"].cast("int")), F.array(F.octet_length(text)))
    # The bytes are bound to a variable: an expression inside a lambda would copy the whole text once a piece.
    joined = F.transform(
        F.array(F.col(text).cast("binary")),
        lambda data: F.array_join(
            F.zip_with(begins, ends, lambda begin, end: F.substring(data, begin + 1, end - begin).cast("string")), ""
        ),
    )
    return F.when(F.size(spans) > 0, F.element_at(joined, 1)).otherwise(F.col(text))

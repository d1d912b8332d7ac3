"""The tables of a lake: columns, partitioning, and what a row is. Names are a contract; columns may be added.

Only declarations. Creating them lies in `lake.py`, writing them in `publish.py`.
"""

from dataclasses import dataclass, field

from spark_jobs.lake.cuts import CUTS

DROP_REASONS = "ARRAY<STRUCT<annotator: STRING, version: INT, reason: STRING, value: DOUBLE, bound: DOUBLE>>"
EDITS = "ARRAY<STRUCT<editor: STRING, version: INT, count: INT, chars_removed: BIGINT>>"
HEADERS = "ARRAY<STRUCT<name: STRING, value: STRING>>"


@dataclass(frozen=True)
class Table:
    """One Delta table. `scope` is the partition column of its publications, None for a table published whole.

    `side` tables are written beside a main table and carry the id of the publication that pins them; only rows
    of a current publication count. `open` tables take further columns that the recipe declares (signals, scores).
    """

    name: str
    row: str
    columns: str
    scope: str | None = "snapshot"
    side: bool = False
    open: bool = False
    stats: tuple[str, ...] = field(default=("snapshot", "doc_id"))

    @property
    def partition_by(self) -> tuple[str, ...]:
        """Columns of the Delta partitioning."""
        if self.scope is None:
            return ()
        return (self.scope, "publication") if self.side else (self.scope,)


_TABLES = (
    Table(
        "raw",
        "one document record of a crawl file, bytes untouched",
        f"""snapshot STRING, doc_id STRING, url STRING, canonical_url STRING, captured_at TIMESTAMP, http_status INT,
        content_type STRING, http_headers {HEADERS}, payload BINARY, payload_digest STRING, truncated STRING,
        source STRING, licence STRING, source_file STRING, source_offset BIGINT, source_id STRING,
        record_type STRING""",
    ),
    Table(
        "cleaned",
        "one raw row: main text, language, edits, signals, verdict; dropped rows keep their text",
        f"""snapshot STRING, doc_id STRING, url STRING, canonical_url STRING, host STRING, captured_at TIMESTAMP,
        source STRING, licence STRING, extractor STRING, encoding STRING, text STRING, language STRING,
        language_score DOUBLE, language_alternatives ARRAY<STRUCT<language: STRING, score: DOUBLE>>, script STRING,
        kept BOOLEAN, drop_reasons {DROP_REASONS}, edits {EDITS}""",
        open=True,
    ),
    Table(
        "scored",
        "one kept cleaned row: model scores, no text",
        "snapshot STRING, doc_id STRING",
        open=True,
    ),
    Table(
        "deduped",
        "one scored row: kept, or duplicate of a named survivor with the evidence, and what is cut of it; no text",
        f"""snapshot STRING, doc_id STRING, kept BOOLEAN, cluster_id STRING, cluster_size BIGINT, duplicate_step STRING,
        survivor_snapshot STRING, survivor_id STRING, linked_snapshot STRING, linked_to STRING, similarity DOUBLE,
        joined_clusters ARRAY<STRING>, place BIGINT, cuts {CUTS}, chars_cut BIGINT, capture_id STRING,
        capture_number BIGINT, previous_snapshot STRING, previous_id STRING""",
    ),
    Table(
        "rewritten",
        "one attempt to rewrite a kept document: text, or why there is none",
        f"""snapshot STRING, doc_id STRING, parent_snapshot STRING, parent_id STRING, strategy STRING, model STRING,
        prompt_digest STRING, sample INT, text STRING, language STRING, tokens BIGINT, parse_status STRING,
        length_ratio DOUBLE, similarity DOUBLE, kept BOOLEAN, drop_reasons {DROP_REASONS}""",
    ),
    Table(
        "mixed",
        "one document of a release with its text, copies, source, phase and token count",
        """release STRING, snapshot STRING, doc_id STRING, parent_snapshot STRING, parent_id STRING, url STRING,
        host STRING, captured_at TIMESTAMP, licence STRING, text STRING, language STRING, source STRING, origin STRING,
        phase STRING, quality DOUBLE, copies INT, tokens BIGINT, order_key STRING""",
        scope="release",
        stats=("release", "snapshot", "doc_id"),
    ),
    Table(
        "selection",
        "one document or rewrite that could have been in a release: in, or out and why",
        """release STRING, publication STRING, snapshot STRING, doc_id STRING, parent_snapshot STRING,
        parent_id STRING, origin STRING, kept BOOLEAN, reason STRING, instead_snapshot STRING, instead_id STRING,
        quality DOUBLE, tokens BIGINT, copies INT,
        matches ARRAY<STRUCT<benchmark: STRING, item: STRING, length: INT, share: DOUBLE>>""",
        scope="release",
        side=True,
        stats=("doc_id",),
    ),
    Table(
        "snapshots",
        "one crawl snapshot: its number in the order of dedup, and its input files with digests and record counts",
        """snapshot STRING, sequence BIGINT, inputs ARRAY<STRUCT<uri: STRING, format: STRING, bytes: BIGINT,
        modified: STRING, name: STRING, sha256: STRING, documents: BIGINT, ignored: BIGINT, ignored_kinds: STRING,
        unreadable: BIGINT, error_bytes: BIGINT>>, source STRING, licence STRING""",
        stats=("sequence",),
    ),
    Table(
        "read_errors",
        "one record or span of bytes of a crawl file that could not be read",
        """snapshot STRING, publication STRING, source_file STRING, source_offset BIGINT, bytes BIGINT,
        is_document BOOLEAN, cause STRING, detail STRING""",
        side=True,
        stats=("source_file",),
    ),
    Table(
        "locator",
        "one raw row by the hash of its URL: how explain finds a document without a scan",
        "snapshot STRING, publication STRING, url_hash BIGINT, doc_id STRING, url STRING",
        side=True,
        stats=("url_hash", "doc_id"),
    ),
    Table(
        "signatures",
        "one cleaned row's near-duplicate signature and the hashes of its shingles",
        """snapshot STRING, publication STRING, params_id STRING, text_params_id STRING, doc_id STRING,
        text_hash STRING, content_hash STRING, words BIGINT, chars BIGINT, cluster_id STRING, signature BINARY,
        shingles BINARY""",
        side=True,
        stats=("doc_id",),
    ),
    Table(
        "band_index",
        "one band of one signature: where near-duplicates meet, over all snapshots",
        "snapshot STRING, publication STRING, params_id STRING, band INT, band_hash BIGINT, doc_id STRING",
        side=True,
        stats=("band", "band_hash"),
    ),
    Table(
        "units",
        "one piece of text that a document had when the levels of text looked: a line, paragraph or n-gram, as a hash",
        "snapshot STRING, publication STRING, params_id STRING, level STRING, hash BIGINT, doc_id STRING",
        side=True,
        stats=("level", "hash"),
    ),
    Table(
        "rewrite_cache",
        "one answered request to a language model, by the digest of the request",
        """request_digest STRING, strategy STRING, model STRING, parent_snapshot STRING, parent_id STRING, sample INT,
        output STRING, finish_reason STRING, tokens_in BIGINT, tokens_out BIGINT, seconds DOUBLE, error STRING""",
        scope=None,
        stats=("request_digest",),
    ),
    Table(
        "models",
        "one fitted artefact by the digest of its file",
        """number BIGINT, digest STRING, name STRING, version INT, kind STRING, fit_fingerprint STRING,
        fitted_on ARRAY<STRING>, params STRING, metrics STRING, bytes BIGINT, location STRING""",
        scope=None,
        stats=("digest",),
    ),
    Table(
        "suppressions",
        "one thing that may never be published again",
        "kind STRING, value STRING, reason STRING, receipt STRING",
        scope=None,
        stats=("kind", "value"),
    ),
    Table(
        "audits",
        "the outcome of one expectation on one candidate, passed or failed",
        """table STRING, partition STRING, candidate STRING, publication STRING, run_id STRING, audited_at TIMESTAMP,
        expectation STRING, severity STRING, success BOOLEAN, expected STRING, found STRING""",
        scope=None,
        stats=("table", "partition"),
    ),
    Table(
        "publications",
        "one publication of one partition of one table; derived from the commits, and rebuildable from them",
        """table STRING, partition STRING, version BIGINT, published_at TIMESTAMP, stage STRING, fingerprint STRING,
        publication STRING, record STRING""",
        scope=None,
        stats=("table", "partition", "version"),
    ),
    Table(
        "releases",
        "one release: its name, state and the manifest that pins every ancestor",
        "release STRING, recipe STRING, state STRING, publication STRING, manifest STRING",
        scope="release",
        stats=("recipe", "state"),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
FLOW: tuple[str, ...] = ("raw", "cleaned", "scored", "deduped", "rewritten", "mixed")

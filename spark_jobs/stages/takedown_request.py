"""What is asked to be taken down, as rules in the form in which they are kept; and the documents that they name."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from spark_jobs.crawl.url import canonical_url, url_hash
from spark_jobs.lake import storage
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import sha256_of
from spark_jobs.lake.suppressions import KINDS, SCHEMA, host_column, names_above, within
from spark_jobs.lake.takedown_files import ANSWER_SQL, DiskSearch, partition_of

_RAW = "doc_id STRING, canonical_url STRING, licence STRING"
_LOCATOR = "url_hash BIGINT, doc_id STRING, url STRING"
_REWRITES = "doc_id STRING, parent_snapshot STRING, parent_id STRING, strategy STRING, model STRING, sample INT"
# A URL without a path, or with an empty one.
_ROOT = re.compile(r"([^/?]+)/?(\?.*)?", re.DOTALL)


@dataclass(frozen=True)
class Request:
    """Rules by kind (`doc`, `url` in canonical form, `domain`, `licence`), and why."""

    rules: Mapping[str, tuple[str, ...]]
    reason: str

    @property
    def receipt(self) -> str:
        """The name of its receipt: the same request has the same one, so a second attempt goes on where it was."""
        return f"takedown-{sha256_of({kind: sorted(self.rules.get(kind, ())) for kind in KINDS})[:16]}"

    @property
    def listed(self) -> list[dict[str, str]]:
        """The rules one by one."""
        return [{"kind": kind, "value": value} for kind in KINDS for value in sorted(self.rules.get(kind, ()))]

    @property
    def compared(self) -> dict[str, frozenset[str]]:
        """The values that documents are compared with, by kind."""
        urls = frozenset(form for url in self.rules.get("url", ()) for form in forms(url))
        return {**{kind: frozenset(values) for kind, values in self.rules.items()}, **({"url": urls} if urls else {})}

    @property
    def broad(self) -> bool:
        """Whether a rule names documents by what only `raw` holds."""
        return bool(self.rules.get("domain") or self.rules.get("licence"))


def forms(canonical: str) -> tuple[str, ...]:
    """The canonical URLs of one page: with an empty path and with `/` are the same (RFC 3986, 6.2.3).

    `canonical_url` keeps what a crawl says, and tables hold both.
    """
    found = _ROOT.fullmatch(canonical)
    return (canonical,) if found is None else (f"{found[1]}/{found[2] or ''}", f"{found[1]}{found[2] or ''}")


@dataclass
class Named:
    """What rules name: documents as (snapshot, doc_id), answers of a model (see ANSWER_SQL), and the rules that did."""

    documents: set[tuple[str, str]] = field(default_factory=set)
    answers: set[str] = field(default_factory=set)
    rules: set[tuple[str, str]] = field(default_factory=set)

    def add(self, document: tuple[str, str], *rules: tuple[str, str]) -> None:
        """A document that rules hit."""
        self.documents.add(document)
        self.rules.update(rules)


def documents_of(search: DiskSearch, request: Request) -> Named:
    """Every raw document and every rewrite that the rules hit, in any version that is on disk.

    Documents and URLs are looked up in `locator`, over all publications it was ever written for, and ids that it does
    not know among rewrites; a domain or a licence takes a scan of three columns of `raw`.
    """
    named = Named()
    if request.rules.get("doc") or request.rules.get("url"):
        _by_key(search, request, named)
        unknown = set(request.rules.get("doc", ())) - {doc_id for _, doc_id in named.documents}
        _rewrites(search, sorted(unknown), named)
    if request.broad:
        _by_scan(search, request, named)
    return named


def _by_key(search: DiskSearch, request: Request, named: Named) -> None:
    rows = search.rows(["locator"], _LOCATOR)
    if rows is None:
        return
    ids = set(request.rules.get("doc", ()))
    urls = {form: url for url in request.rules.get("url", ()) for form in forms(url)}
    asked = F.col("doc_id").isin(*ids) | F.col("url_hash").isin(*map(url_hash, urls))
    for row in search.collect(rows.where(asked).select("file", "doc_id", "url")):
        # Equal hashes are no proof.
        url = urls.get(canonical_url(row["url"])) if row["url"] is not None else None
        hit = [("doc", row["doc_id"])] * (row["doc_id"] in ids) + [("url", url)] * (url is not None)
        if hit:
            named.add((_snapshot("locator", row["file"]), row["doc_id"]), *hit)


def _rewrites(search: DiskSearch, ids: list[str], named: Named) -> None:
    """Ids of rewrites: `rewritten` knows them with what was asked, and a release where nothing else is left."""
    rows = search.rows(["rewritten", "mixed"], _REWRITES) if ids else None
    if rows is None:
        return
    hit = rows.where(F.col("doc_id").isin(*ids) & F.col("parent_snapshot").isNotNull())
    asked = F.when(F.col("strategy").isNotNull(), F.expr(ANSWER_SQL)).alias("answer")
    for row in search.collect(hit.select("parent_snapshot", "doc_id", asked).distinct()):
        named.add((row["parent_snapshot"], row["doc_id"]), ("doc", row["doc_id"]))
        named.answers |= {row["answer"]} - {None}


def _by_scan(search: DiskSearch, request: Request, named: Named) -> None:
    rows = search.rows(["raw"], _RAW)
    if rows is None:
        return
    host = host_column(rows.columns)
    columns = ("file", "doc_id", "licence", (F.lit(None) if host is None else host).alias("host"))
    rules = request.compared
    for row in search.collect(rows.where(hits(rows.columns, request)).select(*columns)):
        named.add((_snapshot("raw", row["file"]), row["doc_id"]), *_broad_rules(rules, row["host"], row["licence"]))


def _broad_rules(
    rules: Mapping[str, frozenset[str]], host: str | None, licence: str | None
) -> Iterator[tuple[str, str]]:
    """The rules that hit a row of `raw`."""
    yield from (("domain", name) for name in names_above(host or "") if name in rules.get("domain", ()))
    if licence in rules.get("licence", ()):
        yield "licence", str(licence)


def hits(columns: list[str], request: Request) -> Column:
    """Whether a row with these columns is hit by a domain or a licence."""
    asked = F.lit(False)
    host = host_column(columns)
    if host is not None and request.rules.get("domain"):
        asked |= within(host, request.rules["domain"])
    if "licence" in columns and request.rules.get("licence"):
        asked |= F.coalesce(F.col("licence").isin(*request.rules["licence"]), F.lit(False))
    return asked


def _snapshot(table: str, uri: str) -> str:
    return partition_of(uri.rpartition(f"/tables/{table}/")[2])


def showing(search: DiskSearch, taken: DataFrame) -> set[str]:
    """Snapshots with a document that is, or in some version was, a duplicate of one of `taken`."""
    rows = search.rows(["deduped"], "survivor_id STRING, linked_to STRING")
    if rows is None:
        return set()
    named = rows.select("file", F.explode(F.array("survivor_id", "linked_to")).alias("taken"))
    found = named.join(F.broadcast(taken), "taken", "left_semi").select("file").distinct()
    return {_snapshot("deduped", row["file"]) for row in search.collect(found)}


def rules_frame(lake: Lake, request: Request, documents: Iterable[str]) -> DataFrame:
    """Rows of `suppressions`: the rules, and each document that they hit."""
    ruled = {(kind, value) for kind, values in request.compared.items() for value in values}
    named = ruled | {("doc", doc_id) for doc_id in documents}
    rows = [(kind, value, request.reason, request.receipt) for kind, value in sorted(named)]
    return lake.spark.createDataFrame(rows, SCHEMA)


def suppressed_by(lake: Lake, receipt: str) -> set[str]:
    """The documents that a takedown has suppressed already."""
    rows = lake.at("suppressions").where((F.col("receipt") == receipt) & (F.col("kind") == "doc"))
    return {row["value"] for row in rows.select("value").distinct().collect()}


def work_place(lake: Lake, receipt: str) -> str:
    """Where an unfinished takedown notes the groups its documents belonged to; removed at its end."""
    return storage.join(lake.home, "takedowns", f"{receipt}.work")

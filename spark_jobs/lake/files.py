"""The data files of a publication and their digests, taken when it is published and kept beside the tables.

So that a later look can say which file changed. What the log's statistics say is never taken for the data.
"""

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from spark_jobs.lake import storage
from spark_jobs.lake.file_log import DataFile
from spark_jobs.lake.lake import Lake
from spark_jobs.lake.records import Publication, canonical_json

_READERS = 4
_SEALS = "seals"


def files_of(lake: Lake, publication: Publication) -> list[DataFile]:
    """The files of a publication: of its partition in its own version, and of its rows in the side tables."""
    main = [
        file for file in lake.file_log(publication.table).files()
        if file.partition == publication.partition and file.listed_at(publication.version)
    ]  # fmt: skip
    side = [
        file for name in publication.record.get("side", ()) for file in lake.file_log(name).files()
        if file.publication == publication.side_id and file.listed_at(None)
    ]  # fmt: skip
    return main + side


def name_of(file: DataFile) -> str:
    """A data file's name among all tables: `table/path`."""
    return f"{file.table}/{file.path}"


def location_of(lake: Lake, file: DataFile) -> str:
    """Where a data file lies."""
    return storage.join(lake.location(file.table), file.path)


def seal_files(lake: Lake, publication: Publication, *, after: Publication | None = None) -> None:
    """Hash the files of a publication and keep the digests; a digest that is kept already stands.

    So do those of the publication that it follows, `after`, where it took files over: to hash them anew would cost the
    whole partition, and take a byte that changed since for what was published.
    """
    known = sealed(lake, publication) or (sealed(lake, after) if after is not None else None) or {}
    files = files_of(lake, publication)
    fresh = [file for file in files if name_of(file) not in known]
    digests = dict(known) | dict(zip(map(name_of, fresh), digests_of(lake, fresh), strict=True))
    body = {name_of(file): digests[name_of(file)] for file in files}
    storage.write_text(_place(lake, publication), canonical_json(body))


def sealed(lake: Lake, publication: Publication) -> Mapping[str, str] | None:
    """SHA-256 by `table/path` of the files as they were published; None where nobody came to hash them."""
    place = _place(lake, publication)
    if not storage.exists(place):
        return None
    digests: dict[str, str] = json.loads(storage.read_text(place))
    return digests


def sealed_since(lake: Lake, publication: Publication) -> Mapping[str, str]:
    """The same, with those of side files that a takedown has written again under the publication that followed."""
    found: dict[str, str] = {}
    for one in lake.history(publication.table):
        if one.version >= publication.version and one.side_id == publication.side_id:
            found = {**(sealed(lake, one) or {}), **found}
    return found


def digests_of(lake: Lake, files: list[DataFile]) -> list[str]:
    """Hex SHA-256 of the bytes of some files."""
    with ThreadPoolExecutor(_READERS) as pool:
        return list(pool.map(lambda file: storage.sha256(location_of(lake, file)), files))


def _place(lake: Lake, publication: Publication) -> str:
    return storage.join(lake.home, _SEALS, publication.table, f"{publication.id}.json")

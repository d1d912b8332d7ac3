"""The identity of documents: a 128-bit hash of what names them at their source, their capture time and their bytes.

Nothing of it depends on where a file lies, so the same crawl read from another folder gives the same ids.
"""

import hashlib
from datetime import UTC, datetime

IDENTITY_VERSION = 1


def identity_of(*, url: str | None, own_id: str | None, path: str, captured_at: datetime | None, digest: str) -> str:
    """128 bits in hex of (literal URL, else own id, else path relative to the input), capture time, payload digest.

    The first record of a snapshot with an identity has it as its `doc_id`; `stages/read.py` numbers the others.
    """
    kind, name = ("url", url) if url else ("id", own_id) if own_id else ("path", path)
    moment = "" if captured_at is None else captured_at.astimezone(UTC).isoformat(timespec="microseconds")
    hashed = hashlib.sha256()
    for part in (kind, name or "", moment, digest):
        data = part.encode("utf-8", "surrogatepass")
        hashed.update(len(data).to_bytes(8, "big") + data)
    return hashed.hexdigest()[:32]


def payload_digest(payload: bytes) -> str:
    """`sha256:` and the hex digest."""
    return f"sha256:{hashlib.sha256(payload).hexdigest()}"

"""Opening a file by path or URI as a stream that can seek, with the options of its file system."""

import gzip
import shutil
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

import fsspec
from fsspec.utils import get_protocol

from spark_jobs.errors import InputError, UnreachableError

_LOCAL_BUFFER = 1 << 20
_COPY_CHUNK = 1 << 20
# Faults of a name or of bytes; all others (networks, servers, disks, permissions) can pass while the file stays.
_LASTING = (ValueError, ImportError, EOFError, zlib.error, gzip.BadGzipFile, IsADirectoryError, NotADirectoryError)
_GONE = (404, 410)


def options_for(uri: str, storage_options: Mapping[str, Any] | None) -> dict[str, Any]:
    """The fsspec options of a URI: those under its protocol's name (`{"s3": {...}}`), else the flat ones that are left.

    Flat options go to remote file systems only, and never to http(s), whose transport would refuse them.
    """
    protocol = get_protocol(uri)
    options = dict(storage_options or {})
    named = options.get(protocol, options.get({"s3a": "s3", "https": "http"}.get(protocol, protocol)))
    if isinstance(named, Mapping):
        return dict(named)
    if protocol in ("file", "local", "http", "https", "memory"):
        return {}
    return {key: value for key, value in options.items() if key not in fsspec.available_protocols()}


@contextmanager
def open_stream(uri: str, storage_options: Mapping[str, Any] | None = None) -> Iterator[BinaryIO]:
    """A binary stream that can seek. A server that cannot serve ranges is copied to a temporary file first.

    Raises InputError, in one line, when the file cannot be opened.
    """
    try:
        if "://" not in uri:
            stream: Any = open(uri, "rb", buffering=_LOCAL_BUFFER)  # noqa: SIM115, PTH123 - closed below; may be odd
        else:
            stream = fsspec.open(uri, "rb", **options_for(uri, storage_options)).open()
    except Exception as error:  # every file system has errors of its own
        raise unreadable(uri, error) from error
    with stream:
        if stream.seekable():
            yield cast("BinaryIO", stream)
            return
        with TemporaryFile() as copy:
            shutil.copyfileobj(stream, copy, _COPY_CHUNK)
            copy.seek(0)
            yield cast("BinaryIO", copy)


def unreadable(uri: str, error: Exception) -> InputError:
    """One line for a file that cannot be opened; UnreachableError where it may be later, as it lies there now."""
    if isinstance(error, FileNotFoundError):
        return InputError(f"{uri}: no such file; check the path")
    said = " ".join(str(error).split()) or type(error).__name__
    cause = InputError if isinstance(error, _LASTING) else UnreachableError
    return cause(f"{uri}: cannot be read ({said}); check permissions, network and storage options")


def no_answer(error: FileNotFoundError) -> Exception | None:
    """Why a file only seems to be missing. Over http(s) fsspec calls missing whatever it got no answer about."""
    cause = error.__cause__
    said = getattr(cause, "status", None)
    return cause if isinstance(cause, Exception) and said not in _GONE else None

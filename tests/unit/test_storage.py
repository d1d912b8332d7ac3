"""Files of a lake: what two programs remove at once is gone for both."""

from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.local import LocalFileSystem

from spark_jobs.lake import storage


def test_what_another_program_removes_meanwhile_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "table"
    (folder / "_delta_log").mkdir(parents=True)
    (folder / "file").write_text("x")
    real = LocalFileSystem.rm

    def hindered(self: LocalFileSystem, path: str, **how: Any) -> None:
        if (folder / "_delta_log").exists():
            (folder / "_delta_log").rmdir()  # by the other one, while this one walks through the folder
            raise FileNotFoundError("_delta_log")
        real(self, path, **how)

    monkeypatch.setattr(LocalFileSystem, "rm", hindered)
    storage.remove(str(folder))
    assert not folder.exists()
    storage.remove(str(folder))

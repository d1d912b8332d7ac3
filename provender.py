"""The door for notebooks: `from provender import Lake`. What it opens is in `orchestration/api.py`."""

from orchestration.api import Documents, Lake, Release

__all__ = ["Documents", "Lake", "Release"]

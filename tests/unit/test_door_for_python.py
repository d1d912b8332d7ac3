"""`from provender import Lake` opens the door, in a program too that is given on the command line."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from provender import Lake
print(Lake.__name__, "great_expectations" in sys.modules, "openlineage" in sys.modules)
"""


def test_the_door_opens_without_what_only_building_needs() -> None:
    # Great Expectations would load a part of Spark that ends programs without a file.
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "Lake False False\n"

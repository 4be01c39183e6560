"""The folder `operator/` bears the name of a module of Python's own, and must stay a plain folder."""

import operator
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_python_still_finds_its_own_operator() -> None:
    assert not (ROOT / "operator" / "__init__.py").exists()
    assert not (ROOT / "tests" / "operator").exists()
    assert operator.__file__ is not None
    assert operator.__file__.endswith("operator.py")
    subprocess.run([sys.executable, "-c", "import collections"], cwd=ROOT, check=True)


def test_nothing_beside_the_package_lies_in_that_folder() -> None:
    """The folder is on the import path: a module beside the package could hide one of Python's own."""
    assert [path.name for path in (ROOT / "operator").iterdir() if path.suffix == ".py"] == []

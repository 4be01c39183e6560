"""`python -m shipway.crdgen [--check]`: write the generated files, or say which of them are out of date."""

import argparse
import sys
from pathlib import Path

from shipway.api.v1alpha1 import KINDS
from shipway.crdgen.emit import files

_GENERATED = ("crds", "charts/shipway/templates/crds", "docs/reference/api")
"""Folders where every file is generated: one that no kind asks for is left over."""


def main(argv: list[str] | None = None) -> int:
    """Write the files below the working directory, or with `--check` compare them.

    Returns:
        0 when all is written or up to date, 1 when `--check` found a difference.
    """
    parser = argparse.ArgumentParser(prog="python -m shipway.crdgen", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file is out of date")
    parser.add_argument("--root", type=Path, default=Path(), help="top of the repository (default: working directory)")
    arguments = parser.parse_args(argv)
    wanted = files(KINDS)
    stale = [path for path, text in wanted.items() if _read(arguments.root / path) != text]
    left_over = [path for path in _present(arguments.root) if path not in wanted]
    if arguments.check:
        return _report(stale, left_over)
    for path in stale:
        _write(arguments.root / path, wanted[path])
    for path in left_over:
        (arguments.root / path).unlink()
    return 0


def _report(stale: list[str], left_over: list[str]) -> int:
    for path in stale:
        sys.stderr.write(f"{path} is out of date; run `python -m shipway.crdgen` and commit it\n")
    for path in left_over:
        sys.stderr.write(f"{path} belongs to no kind; run `python -m shipway.crdgen` and commit that it is gone\n")
    return 1 if stale or left_over else 0


def _present(root: Path) -> list[str]:
    return [str(path.relative_to(root)) for folder in _GENERATED for path in sorted((root / folder).glob("*"))]


def _read(path: Path) -> str | None:
    return path.read_text() if path.exists() else None


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


if __name__ == "__main__":
    sys.exit(main())

"""The init container that brings an artifact into the predictor's pod: argv is `SOURCE_URI FOLDER`, as KServe calls it.

KServe's own image is this same library behind a script; ours runs it without root and with a read-only root.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from shipway_workloads import termination
from shipway_workloads.termination import WorkloadError

REASON = "DownloadFailed"


def main(argv: Sequence[str]) -> int:
    """Downloads; a failure is told in the termination message."""
    if len(argv) != 2:
        print("usage: python -m shipway_workloads.serving.storage_initializer SOURCE_URI FOLDER", file=sys.stderr)
        return 2
    source, folder = argv
    try:
        _download(source, folder)
    except Exception as error:  # the library raises bare exceptions of many kinds
        termination.write_error(WorkloadError(REASON, f"{source}: {error}"))
        print(f"{source}: {error}", file=sys.stderr)
        return 1
    return 0


def _download(source: str, folder: str) -> None:
    # kserve_storage reads botocore's name for the region alone.
    os.environ.setdefault("AWS_DEFAULT_REGION", os.environ.get("AWS_REGION", "us-east-1"))
    # One of its imports wants a home, which a user without a passwd entry lacks; nothing is written there.
    os.environ.setdefault("HOME", "/tmp")  # noqa: S108
    from kserve_storage import Storage  # type: ignore[import-untyped]  # noqa: PLC0415

    Storage.download_files([_as_folder(source)], [folder])


def _as_folder(uri: str) -> str:
    """With a slash at the end, or the prefix `…/v1` would also fetch what lies below `…/v10`."""
    return f"{uri.rstrip('/')}/" if uri.startswith("s3://") else uri


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

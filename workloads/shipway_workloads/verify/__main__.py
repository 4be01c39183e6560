"""`python -m shipway_workloads.verify --uri s3://bucket/prefix`: the artifact's digest as the termination message."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from shipway_workloads import digest, storage, termination


def main(argv: Sequence[str] | None = None) -> int:
    """Writes `{"digest", "files", "sizeBytes"}`, or `{"error": {"reason", "message"}}` and exits with 1."""
    parser = argparse.ArgumentParser(prog="python -m shipway_workloads.verify", description=__doc__)
    parser.add_argument("--uri", required=True, help="folder of the artifact, s3://bucket/prefix or file:///folder")
    uri = parser.parse_args(argv).uri
    try:
        found = digest.of_store(storage.open_store(uri))
    except termination.WorkloadError as error:
        termination.write_error(error)
        print(error, file=sys.stderr)
        return 1
    termination.write({"digest": found.digest, "files": found.files, "sizeBytes": found.size_bytes})
    return 0


if __name__ == "__main__":
    sys.exit(main())

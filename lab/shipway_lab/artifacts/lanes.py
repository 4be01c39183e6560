"""Building all that is missing: compiling and downloading side by side, since one keeps the processors busy."""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from pathlib import Path

from shipway_lab.artifacts import tool
from shipway_lab.artifacts.cache import Artifact, Cache
from shipway_lab.artifacts.progress import Progress, duration

COMPILED = "bin"
"""Folder of the cache whose artifacts are compiled."""


def ensure_all(cache: Cache, wanted: list[Artifact], progress: Progress) -> dict[str, Path]:
    """Put all artifacts into the cache.

    Returns:
        The path of each by its name.

    Raises:
        LabError: A build failed; the others were ended, and go on from there the next time.
    """
    missing = cache.missing(wanted)
    if missing:
        os.umask(0o022)  # Pods read the entries, and they are nobody in particular.
        lanes = [[each for each in missing if (each.folder == COMPILED) is compiled] for compiled in (True, False)]
        estimate = max(cache.expected_seconds(lane) for lane in lanes)
        progress.say(f"to build: {', '.join(each.name for each in missing)}; at most about {duration(estimate)}")
        with progress.shown(), ThreadPoolExecutor(max_workers=len(lanes)) as pool:
            _finish([pool.submit(_build_lane, cache, lane, progress) for lane in lanes])
    return {artifact.name: cache.path(artifact) for artifact in wanted}


def _build_lane(cache: Cache, lane: list[Artifact], progress: Progress) -> None:
    for artifact in lane:
        cache.ensure(artifact, progress)


def _finish(lanes: list[Future[None]]) -> None:
    """Wait for all; the first that fails, or an interrupt, ends the others at once."""
    try:
        for lane in as_completed(lanes):
            lane.result()
    except BaseException:
        tool.stop_all()
        raise

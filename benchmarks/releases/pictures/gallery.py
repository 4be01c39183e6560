"""All pictures of the pages, by file."""

from collections.abc import Mapping

from benchmarks.releases.pictures import alpha, change, verdicts


def drawn() -> Mapping[str, str]:
    """What each file below docs/pictures holds."""
    return {"verdicts.svg": verdicts.draw(), "detector.svg": change.draw(), "alpha.svg": alpha.draw()}

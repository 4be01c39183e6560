"""What the faults have found, by the seed that showed it first; `test_seeds.py` runs these seeds again."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    """A bug that is fixed."""

    seed: int
    what: str


BUGS: tuple[Bug, ...] = (
    Bug(
        seed=57,
        what="a training's pods that a stranger had led elsewhere were not led back, and never met",
    ),
    Bug(
        seed=10,
        what="a failed verify pod that was slow to go kept the operator busy with it, and deaf to everything else",
    ),
    Bug(
        seed=90,
        what="a conflict on a delete was taken for its success: a verify pod stayed, and the operator was blind to it",
    ),
    Bug(
        seed=37,
        what="where kopf gave up the whole operator ended, and with it its lease and everything it knew",
    ),
    Bug(
        seed=36,
        what="a pod that lost its labels before it was known was taken for running for ever: no watch told of its end",
    ),
    Bug(
        seed=306,
        what="a pod that lost its labels was asked for and not believed: it bore the version of its own farewell",
    ),
    Bug(
        seed=11,
        what="a version that was replaced and wanted again within the same second went on as the one that had ended",
    ),
    Bug(
        seed=69,
        what="a training failed for good since the Service that it shares with others was refused once",
    ),
)

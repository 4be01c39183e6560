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
        what="a training's Service that a stranger had turned elsewhere was not turned back, and its pods never met",
    ),
    Bug(
        seed=10,
        what="a failed verify pod that was slow to go kept the operator busy with it, and deaf to everything else",
    ),
)

"""Answers as a client got them, and what a release looks like from there."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.releases.asking import NOT_ASKED
from benchmarks.releases.scenarios import Ending
from benchmarks.releases.unreliable import Harm


@dataclass(frozen=True)
class Answer:
    """One request and what came of it.

    Attributes:
        sent: Unix seconds.
        ended: Unix seconds, of the answer's last byte.
        status: HTTP status; 0 without an answer, -1 if it was never sent.
        version: Who answered.
        harm: How the predictor spoilt it on purpose; empty where it did not.
    """

    sent: float
    ended: float
    status: int
    version: str
    harm: str

    @property
    def lost(self) -> bool:
        """Whether the client got nothing of use though no predictor meant it: what a release must never do."""
        return self.status not in {NOT_ASKED, 200} and not self.harm

    @property
    def bad(self) -> bool:
        """Whether the version is at fault."""
        return self.harm in {Harm.ERROR, Harm.SLOW, Harm.SHIFTED}


@dataclass(frozen=True)
class Run:
    """One release in figures; times in seconds. Those of a fault are None where no bad answer or no write was seen.

    Attributes:
        contestant: Who released.
        scenario: What.
        ended: How it ended.
        first_answer_s: From asking for the version to its first answer; None if no client ever got one.
        minutes: From asking for the version to the end.
        back_s: From the first bad answer to the version's last answer of all.
        bad_answers: Spoilt answers of the version from the first bad one on, background errors too.
        samples: Answers of the version until the write that took it back, good ones before the first bad one too.
        write_to_last_ms: From that write's arrival at the API server to the version's last answer; 0 if it came before.
        requests: Of the client, while the release was on.
        lost: Of them, see `Answer.lost`.
        not_asked: How often the client could not keep its rate.
    """

    contestant: str
    scenario: str
    ended: Ending
    first_answer_s: float | None
    minutes: float
    back_s: float | None
    bad_answers: int | None
    samples: int | None
    write_to_last_ms: float | None
    requests: int
    lost: int
    not_asked: int

    def to_json(self) -> dict[str, Any]:
        """For the results."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: dict[str, Any]) -> "Run":
        """From the results."""
        return cls(**{**found, "ended": Ending(found["ended"])})


def measured(
    contestant: str,
    scenario: str,
    version: str,
    answers: Sequence[Answer],
    *,
    began: float,
    ended: tuple[Ending, float],
    route_writes: Iterable[float],
) -> Run:
    """A release in figures.

    Args:
        contestant: Who released.
        scenario: What.
        version: The new version.
        answers: Of the whole release and a little longer.
        began: When the version was asked for, Unix seconds.
        ended: How it ended and when that was seen.
        route_writes: When the route was written, Unix seconds.
    """
    its = sorted((answer for answer in answers if answer.version == version), key=lambda answer: answer.ended)
    how, when = ended
    return Run(
        contestant=contestant,
        scenario=scenario,
        ended=how,
        first_answer_s=round(its[0].ended - began, 3) if its else None,
        minutes=round((when - began) / 60, 3),
        **_fault(its, sorted(route_writes), taken_back=how is Ending.TAKEN_BACK),
        requests=sum(answer.status != NOT_ASKED for answer in answers),
        lost=sum(answer.lost for answer in answers),
        not_asked=sum(answer.status == NOT_ASKED for answer in answers),
    )


def _fault(its: Sequence[Answer], route_writes: Sequence[float], *, taken_back: bool) -> dict[str, Any]:
    """What the fault did; `its` are the version's answers in order."""
    first = next((answer.ended for answer in its if answer.bad), None)
    if first is None or not taken_back:
        return {"back_s": None, "bad_answers": None, "samples": None, "write_to_last_ms": None}
    last = its[-1].ended
    written = next((at for at in route_writes if at >= first), None)
    since = [answer for answer in its if answer.ended >= first]
    return {
        "back_s": round(last - first, 3),
        "bad_answers": sum(bool(answer.harm) for answer in since),
        "samples": None if written is None else sum(answer.ended <= written for answer in its),
        "write_to_last_ms": None if written is None else round(1000 * max(0.0, last - written), 1),
    }

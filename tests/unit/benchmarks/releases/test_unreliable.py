"""A version spoils as many answers as its artifact says, from when on it says, and its predictor counts them."""

from typing import Any

import pytest

from benchmarks.releases.unreliable import HEADER, Fault, Harm, Unreliable

BAD = Fault(background=0.01, errors=0.3, slow=0.2, slow_seconds=0.0, after_seconds=30)


@pytest.mark.parametrize(
    ("lot", "age", "harm"),
    [
        (0.0, 0, Harm.BACKGROUND),
        (0.0, 60, Harm.BACKGROUND),
        (0.01, 29.9, None),
        (0.01, 30, Harm.ERROR),
        (0.309, 30, Harm.ERROR),
        (0.311, 30, Harm.SLOW),
        (0.509, 30, Harm.SLOW),
        (0.511, 30, None),
    ],
)
def test_the_lot_and_the_age_decide(lot: float, age: float, harm: Harm | None) -> None:
    assert BAD.harm(lot=lot, age=age) is harm


def test_an_answer_of_a_shifted_version_is_harmed_unless_it_is_an_error_anyway() -> None:
    shifted = Fault(shift=0.5)
    assert (shifted.harm(lot=0.5, age=0), shifted.harm(lot=0.0, age=0)) == (Harm.SHIFTED, Harm.BACKGROUND)


class Asked:
    """A predictor below the middleware, asked at times and with lots of one's choice."""

    def __init__(self, fault: Fault) -> None:
        self.now, self.lot, self.reached = 0.0, 0.5, 0
        self._app = Unreliable(self._answer, fault=fault, draw=lambda: self.lot, monotonic=lambda: self.now)

    async def __call__(self, path: str = "/v1/models/ranker:predict") -> tuple[int, dict[str, str]]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app({"type": "http", "path": path}, self._body, send)
        return sent[0]["status"], {name.decode(): value.decode() for name, value in sent[0].get("headers", ())}

    async def _body(self) -> Any:
        return {"type": "http.request", "body": b"{}"}

    async def _answer(self, _: Any, __: Any, send: Any) -> None:
        self.reached += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})


async def test_an_error_never_reaches_the_model_and_says_that_it_was_meant() -> None:
    asked = Asked(Fault(errors=0.6))
    assert (await asked())[1][HEADER] == Harm.ERROR
    assert asked.reached == 0


async def test_the_age_counts_from_the_first_answer() -> None:
    asked = Asked(Fault(errors=0.6, after_seconds=30))
    asked.now = 1000.0
    assert await asked() == (200, {})
    asked.now = 1029.0
    assert await asked() == (200, {})
    asked.now = 1030.0
    assert (await asked())[0] == 500


async def test_a_late_answer_is_the_models_and_says_that_it_was_late() -> None:
    asked = Asked(Fault(slow=0.6, slow_seconds=0.0))
    assert await asked() == (200, {HEADER: Harm.SLOW})


async def test_probes_are_never_spoilt() -> None:
    asked = Asked(Fault(errors=1.0))
    assert await asked("/v2/health/ready") == (200, {})

"""Labels that come late are counted with the predictions of their minute, wherever they come."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway_workloads.serving import prediction_id
from shipway_workloads.serving.label_intake import MAX_BODY_BYTES, LabelIntake
from shipway_workloads.serving.labels import KEPT_SECONDS, MAX_VERSIONS, LateLabels
from shipway_workloads.serving.middleware import Message, Receive, Scope, Send
from shipway_workloads.serving.prediction_id import MAX_PREDICTIONS, Answer

NOW = 6000.0


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def cohorts(labels: LateLabels, version: str = "v2") -> list[list[float]]:
    found: list[list[float]] = labels.to_json()["versions"].get(version, [])
    return found


@given(st.text("abc123-", min_size=1), st.integers(0, 10**10), st.lists(st.floats(0, 1), min_size=1, max_size=64))
def test_an_id_says_what_was_predicted_by_whom_and_when(version: str, at: int, predictions: list[float]):
    answer = prediction_id.read(prediction_id.write(version, at, predictions))
    assert (answer.version, answer.at) == (version, at)
    assert answer.predictions == pytest.approx(predictions, rel=1e-3, abs=1e-3)


def test_an_answer_of_very_many_predictions_has_no_id():
    assert prediction_id.write("v2", 0, [0.5] * MAX_PREDICTIONS)
    assert prediction_id.write("v2", 0, [0.5] * (MAX_PREDICTIONS + 1)) == ""


def test_labels_are_summed_up_with_the_predictions_of_their_minute():
    labels = LateLabels(Clock())
    answer = Answer("v2", int(NOW) - 30, (0.25, 0.5))
    labels.predicted(answer)
    assert labels.label(answer, 0, positive=True)
    assert labels.label(answer, 1, positive=False)
    loss = (-math.log(0.25), -math.log(0.5))
    ((end, predictions, labelled, positives, *sums),) = cohorts(labels)
    assert (end, predictions, labelled, positives) == (NOW, 2, 2, 1)
    assert sums == pytest.approx([0.75, 0.3125, 0.25, sum(loss), loss[0] ** 2 + loss[1] ** 2, loss[0]])


def test_a_label_of_another_version_is_counted_as_of_that():
    labels = LateLabels(Clock())
    labels.label(Answer("v1", int(NOW) - 30, (0.25,)), 0, positive=True)
    assert cohorts(labels) == []
    assert len(cohorts(labels, "v1")) == 1


def test_what_is_too_old_is_forgotten_and_a_label_of_it_is_too_late():
    clock = Clock()
    labels = LateLabels(clock)
    answer = Answer("v2", int(NOW), (0.5,))
    labels.predicted(answer)
    clock.now += KEPT_SECONDS + 120
    assert cohorts(labels) == []
    assert labels.label(answer, 0, positive=True) is False


def test_versions_without_end_are_not_all_kept():
    labels = LateLabels(Clock())
    kept = [labels.label(Answer(f"v{number}", int(NOW), (0.5,)), 0, positive=True) for number in range(9)]
    assert sum(kept) == len(labels.cohorts) == MAX_VERSIONS


async def post(labels: LateLabels, body: bytes, *, path: str = "/labels") -> tuple[int, dict[str, object]]:
    async def app(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b""}
    await LabelIntake(app, labels=labels)(scope, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


def told(*labels: dict[str, object]) -> bytes:
    return json.dumps({"labels": labels}).encode()


ID = prediction_id.write("v2", NOW - 30, [0.25, 0.5])


async def test_labels_are_taken_by_the_ids_of_the_answers():
    labels = LateLabels(Clock())
    body = told({"id": ID, "instance": 1, "label": 1}, {"id": prediction_id.write("v2", 0, [0.5]), "label": 0})
    assert await post(labels, body) == (200, {"counted": 1, "tooLate": 1})
    assert cohorts(labels)[0][2:4] == [1, 1]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"labels", "json"),
        (told({"id": ID, "label": 2}), "labels.0.label"),
        (told({"id": "abc", "label": 1}), "not the id of a prediction"),
        (told({"id": prediction_id.write("v2", NOW, [7.0]), "label": 1}), "no probability"),
        (told({"id": ID, "instance": 2, "label": 1}), "an answer with 2 predictions"),
        (told({"id": prediction_id.write("v2", NOW + 999, [0.5]), "label": 1}), "a time to come"),
        (b" " * (MAX_BODY_BYTES + 1), "longer than"),
    ],
)
async def test_what_is_wrong_with_labels_is_said(body: bytes, words: str):
    labels = LateLabels(Clock())
    status, answer = await post(labels, body)
    assert status == 400
    assert words in str(answer["error"]).lower()
    assert labels.cohorts == {}


async def test_everything_else_is_passed_on():
    assert await post(LateLabels(Clock()), b"", path="/v1/models/ranker:predict") == (404, {})

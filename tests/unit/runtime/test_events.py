"""Events: valid in size, and the same note is the same Event."""

from hypothesis import given
from hypothesis import strategies as st

from shipway.kube.resource import Object
from shipway.runtime.events import NOTE_LIMIT, event_body
from shipway.runtime.plan import Note

NOTES = st.builds(Note, st.sampled_from(["Normal", "Warning"]), st.text(min_size=1), st.text())


def model(version: str = "5") -> Object:
    meta = {"name": "m", "namespace": "ns", "uid": "u", "resourceVersion": version}
    return {"apiVersion": "shipway.dev/v1alpha1", "kind": "Model", "metadata": meta}


def body(obj: Object, note: Note) -> Object:
    return event_body(obj, note, now=1_700_000_000.25, instance="pod-1")


@given(NOTES)
def test_an_event_is_never_too_long(note: Note) -> None:
    event = body(model(), note)

    assert len(event["note"]) <= NOTE_LIMIT
    assert len(event["reason"]) <= 128
    assert len(event["metadata"]["name"]) <= 253
    assert event["regarding"]["uid"] == "u"


@given(NOTES, NOTES)
def test_events_are_the_same_exactly_when_note_and_version_are(one: Note, two: Note) -> None:
    name = body(model(), one)["metadata"]["name"]

    assert (body(model(), two)["metadata"]["name"] == name) == (one == two)
    assert body(model("6"), one)["metadata"]["name"] != name


def test_the_time_has_microseconds() -> None:
    assert body(model(), Note("Normal", "A", "b"))["eventTime"] == "2023-11-14T22:13:20.250000Z"

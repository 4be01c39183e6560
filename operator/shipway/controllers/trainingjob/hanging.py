"""What follows from a hang: words, the record in the status, the Incident, and the loss that ends the attempt.

The status names the Incident first, and it is made as long as the status names it and it is not there; its name tells
of attempt and step, so that whatever is done again after a crash makes the same one.
"""

from shipway.api import labels
from shipway.api.conditions import rfc3339, seconds
from shipway.api.schema import API_VERSION
from shipway.api.v1alpha1.incident import IncidentSpec, IncidentType, Subject
from shipway.api.v1alpha1.trainingjob import Cause, Hang, OnHang, Reason, TrainingJobSpec
from shipway.controllers.accountable import accountable
from shipway.controllers.owned import owner_labels
from shipway.controllers.trainingjob.checks import Loss
from shipway.controllers.trainingjob.hang import Silence, judge
from shipway.controllers.trainingjob.snapshot import Snapshot
from shipway.controllers.trainingjob.status import State
from shipway.controllers.trainingjob.wording import pods_in_words
from shipway.kube.resource import INCIDENT, Object
from shipway.runtime.plan import Create, Note

LOOK_SECONDS = 5.0
"""How often a training that reports is looked at, so that a hang is called in time and the board has listened."""


def seen(s: Snapshot) -> Hang | None:
    """The hang of a training whose pods all run, as its status is to say it."""
    known = s.stored.hang
    if known is not None and not _is_over(known, s):
        return _named(known, s)
    silence = _silence(s)
    return _named(_begun(silence, s), s) if silence and silence.is_hang else None


def state(s: Snapshot, hang: Hang | None) -> State:
    """How the attempt does whose pods all run."""
    running = f"attempt {s.stored.attempt} runs on {pods_in_words(s.spec)}"
    if hang is None or hang.attempt != s.stored.attempt:
        return State(Reason.RUNNING, running, ready=True)
    if not hang.incident:
        return State(Reason.RUNNING, f"{running}; {hang.message}", ready=True)
    return State(Reason.HANGING, f"{running} and hangs: {hang.message}")


def notes(s: Snapshot, hang: Hang | None) -> tuple[Note, ...]:
    """The event of a hang that people are called for, once."""
    before = s.stored.hang.incident if s.stored.hang else ""
    if hang is None or hang.incident in ("", before):
        return ()
    return (Note("Warning", Reason.HANGING, hang.message),)


def loss(s: Snapshot, hang: Hang | None) -> Loss | None:
    """The end of an attempt that hangs, where the spec asks for one and the status has told of the hang before."""
    if hang is None or hang.attempt != s.stored.attempt or s.spec.health.on_hang is not OnHang.RESTART:
        return None
    told = s.stored.hang
    if told is None or told.attempt != hang.attempt or not told.incident:
        return None
    rank_0 = s.ranks[0]
    return Loss(Cause.HUNG, rank_0.name, 0, at=s.now, node=rank_0.node, said=hang.message)


def look_again(s: Snapshot, hang: Hang | None) -> float | None:
    """Seconds until the next look; None where nothing is to be seen that a report would not tell."""
    if hang is not None:
        return 0.0 if hang != s.stored.hang else None
    silence = _silence(s)
    return None if silence is None else min(max(silence.left, 0.0), LOOK_SECONDS)


def call(s: Snapshot) -> tuple[Create, ...]:
    """The Incident that the status names, where it is not there."""
    hang = s.stored.hang
    if hang is None or not hang.incident or s.incident is not None:
        return ()
    return (Create(INCIDENT, _incident(s.job, s.spec, hang, s.model)),)


def _silence(s: Snapshot) -> Silence | None:
    """How long it has been silent; None while a pod does not run, or before its first report."""
    signs, told = s.signs, s.stored.progress
    if signs is None or signs.attempt != s.stored.attempt:
        return None
    if any(pod.phase != "Running" for pod in s.ranks.values()):
        return None
    if not signs.reported and (told is None or told.attempt != s.stored.attempt):
        return None
    return judge(signs, s.spec.health)


def _is_over(hang: Hang, s: Snapshot) -> bool:
    report, told = s.report, s.stored.progress
    if told is not None and told.attempt > hang.attempt:
        return True
    if report is None or report.attempt != s.stored.attempt:
        return False
    return report.attempt != hang.attempt or report.step != hang.step


def _begun(silence: Silence, s: Snapshot) -> Hang:
    step, total = _place(s)
    since = _stepped_at(silence, s)
    place = f"step {step}" + (f" of {total}" if total else "")
    return Hang(
        attempt=s.stored.attempt,
        step=step,
        since=rfc3339(since),
        detected_at=rfc3339(s.now),
        message=f"no step for {s.now - since:.0f} s, {place} since {rfc3339(since)}; {_reasons(silence, s)}",
    )


def _named(hang: Hang, s: Snapshot) -> Hang:
    if hang.incident or s.spec.health.on_hang is OnHang.OBSERVE:
        return hang
    meta = s.job["metadata"]
    name = f"{meta['name']}-{meta['uid'][:8]}-hang-{hang.attempt}-{hang.step}"
    return hang.model_copy(update={"incident": name})


def _place(s: Snapshot) -> tuple[int, int]:
    report, told = s.report, s.stored.progress
    if report is not None and report.attempt == s.stored.attempt:
        return report.step, report.total_steps
    return (told.step, told.total_steps) if told else (0, 0)


def _stepped_at(silence: Silence, s: Snapshot) -> float:
    """When the last step was heard of: by this process, or by the one before it, which the status tells."""
    told = s.stored.progress
    if not silence.signs.reported and told is not None and told.time:
        return min(seconds(told.time), s.now)
    return s.now - silence.signs.without_step


def _reasons(silence: Silence, s: Snapshot) -> str:
    signs = silence.signs
    usual = "what a step usually takes is not known yet"
    if signs.step_seconds is not None:
        usual = f"about {signs.step_seconds:.2g} s each are usual"
    fixed = " (spec.health.hangSeconds)" if s.spec.health.hang_seconds is not None else ""
    return f"{usual}, {silence.allowed:.0f} s are allowed{fixed}; rank 0 says {signs.activity or 'nothing'}"


def _incident(job: Object, spec: TrainingJobSpec, hang: Hang, model: Object | None) -> Object:
    meta = job["metadata"]
    made, version = (spec.output.model, spec.output.version) if spec.output else ("", "")
    body = IncidentSpec(
        type=IncidentType.TRAINING_HANG,
        subject=Subject(kind=job["kind"], name=meta["name"], uid=meta["uid"]),
        model=made,
        version=version,
        digest="",
        predictor_hash="",
        gate="hang",
        summary=hang.message,
        detected_at=hang.detected_at,
        quarantine=False,
        **accountable(model),
    )
    marks = owner_labels(job, {labels.MODEL: made, labels.VERSION: version} if spec.output else None)
    metadata = {"name": hang.incident, "namespace": meta["namespace"], "labels": marks}
    return {"apiVersion": API_VERSION, "kind": INCIDENT.kind, "metadata": metadata, "spec": body.to_wire()}

"""In every state a controller can tell, Argo CD, Flux and kstatus say the same, and it is true."""

import copy
import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cache
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from manifests import minimal
from shipway.api.v1alpha1 import KINDS, incident, model, modelversion, servingdeployment, team, trainingjob
from unit.controllers.servingdeployment.beginnings import released
from unit.gitops.judges import AGREES, ROOT, Health, Object, argocd, customizations, flux, health_check_exprs, kstatus
from unit.gitops.states import DEPLOYMENTS, INCIDENTS, JOBS, MODELS, TEAMS, VERSIONS

HEALTHY, PROGRESSING, DEGRADED, SUSPENDED = Health.HEALTHY, Health.PROGRESSING, Health.DEGRADED, Health.SUSPENDED
STATES = {
    "TrainingJob": JOBS,
    "Model": MODELS,
    "ModelVersion": VERSIONS,
    "ServingDeployment": DEPLOYMENTS,
    "Incident": INCIDENTS,
    "Team": TEAMS,
}

TRUTH: dict[str, dict[str, tuple[str, Health]]] = {
    "TrainingJob": {
        "its pods take long to start": ("PodsStarting", PROGRESSING),
        "a pod finds no node": ("PodsPending", PROGRESSING),
        "it runs": ("Running", HEALTHY),
        "it makes no more steps": ("Hanging", PROGRESSING),
        "it starts anew after a lost pod": ("Restarting", PROGRESSING),
        "it is suspended": ("Suspended", SUSPENDED),
        "it was made suspended": ("Suspended", SUSPENDED),
        "quota forbids its pods": ("PodRefused", PROGRESSING),
        "its version cannot be written": ("Publishing", PROGRESSING),
        "it is done": ("Completed", HEALTHY),
        "its restarts are used up": ("BackoffLimitExceeded", DEGRADED),
        "its time is over": ("DeadlineExceeded", DEGRADED),
        "its result makes no sense": ("ResultInvalid", DEGRADED),
        "its version is somebody else's": ("VersionConflict", DEGRADED),
    },
    "Model": {
        "it has no version yet": ("NoVersion", HEALTHY),
        "its aliases name versions": ("Resolved", HEALTHY),
        "an alias names nothing": ("AliasDangling", PROGRESSING),
    },
    "ModelVersion": {
        "it is being read": ("Verifying", PROGRESSING),
        "its digest is right": ("Verified", HEALTHY),
        "its digest is wrong": ("DigestMismatch", DEGRADED),
        "it cannot be read": ("ArtifactUnreadable", PROGRESSING),
        "its model is missing": ("ModelMissing", PROGRESSING),
        "quota forbids the verifier": ("PodRefused", PROGRESSING),
        "it was taken back": ("Verified", HEALTHY),
    },
    "ServingDeployment": {
        "a freeze holds": ("Frozen", PROGRESSING),
        "another answers its host": ("HostTaken", DEGRADED),
        "others have all places": ("AwaitingTurn", PROGRESSING),
        "another is to be released first": ("AwaitingDependency", PROGRESSING),
        "it is to be released after itself": ("DependencyCycle", DEGRADED),
        "a person undid it": ("Quarantined", DEGRADED),
        "its model is missing": ("ModelMissing", PROGRESSING),
        "its version is missing": ("VersionMissing", PROGRESSING),
        "its version is being verified": ("VersionNotReady", PROGRESSING),
        "its alias names nothing": ("AliasUnresolved", PROGRESSING),
        "KServe is missing": ("IntegrationMissing", PROGRESSING),
        "KServe runs it as no route can serve": ("IntegrationUnsupported", PROGRESSING),
        "its predictor is refused": ("PredictorRefused", PROGRESSING),
        "a first version starts": ("PredictorStarting", PROGRESSING),
        "the gateway does not accept it": ("RouteNotAccepted", PROGRESSING),
        "a version serves": ("Serving", HEALTHY),
        "all replicas of the only version died": ("PredictorStarting", PROGRESSING),
        "another version starts": ("PredictorStarting", PROGRESSING),
        "a step is under way": ("Progressing", PROGRESSING),
        "a person paused it": ("Paused", SUSPENDED),
        "a person resumed it": ("Progressing", PROGRESSING),
        "a person aborted it": ("Quarantined", DEGRADED),
        "a step lasts until someone promotes": ("AwaitingPromotion", SUSPENDED),
        "a step is over and too few have asked": ("AwaitingEvidence", PROGRESSING),
        "the hold is over and it paused": ("Paused", SUSPENDED),
        "the hold is over and it was taken back": ("RolledBack", DEGRADED),
        "its counters cannot be read": ("MetricsUnavailable", PROGRESSING),
        "its answers get lost on the way": ("NotComparable", PROGRESSING),
        "it bakes": ("Baking", PROGRESSING),
        "a gate fails and stable is dead": ("RollbackBlocked", DEGRADED),
        "a gate failed": ("Quarantined", DEGRADED),
        "a gate failed and Git wants stable again": ("Serving", HEALTHY),
        "it never got ready": ("RolledBack", DEGRADED),
        "its error budget burns": ("Serving", HEALTHY),
    },
    "Incident": {
        "the gates of a release cannot tell": ("Open", PROGRESSING),
        "they can tell again": ("Resolved", HEALTHY),
        "an error budget burns": ("Open", PROGRESSING),
        "it burns no more": ("Resolved", HEALTHY),
        "the traffic is not back yet": ("Open", PROGRESSING),
        "nobody looks after it": ("NotAcknowledged", SUSPENDED),
        "somebody looks after it": ("Resolved", HEALTHY),
        "somebody has closed it while the traffic is not back": ("Resolved", HEALTHY),
    },
    "Team": {
        "its namespaces are there": ("Resolved", HEALTHY),
        "a namespace is missing": ("NamespaceMissing", PROGRESSING),
        "another team claims a namespace": ("NamespaceClaimed", DEGRADED),
    },
}

REASONS: dict[str, type[StrEnum]] = {
    "TrainingJob": trainingjob.Reason,
    "Model": model.Reason,
    "ModelVersion": modelversion.Reason,
    "ServingDeployment": servingdeployment.Reason,
    "Incident": incident.Reason,
    "Team": team.Reason,
}
NEVER_OF_READY = {
    "TrainingJob": {"NotFinished"},
    "Model": set(),
    "ModelVersion": {"Quarantined", "NotQuarantined"},
    "ServingDeployment": {
        *("NotServing", "Guarded", "NoBaseline", "NoGates", "Met", "BudgetBurning", "NotEnoughData"),
        *("Promoted", "Superseded", "ProgressDeadlineExceeded", "ActionTaken"),
    },
    "Team": set(),
    "Incident": {
        "Mitigated",
        "Mitigating",
        "UndoGivenUp",
        "Overtaken",
        "Acknowledged",
        "Lifted",
        "Held",
        "Owned",
        "NoTeam",
        "NamespaceClaimed",
        "TeamsNotRead",
        "Told",
        "Telling",
        "NotDelivered",
        "NoReceiver",
        "UnknownType",
    },
}
"""Reasons of other conditions, of events, or of an abort."""

EVERY = [(kind, words) for kind, rows in TRUTH.items() for words in rows]


@cache
def _made(kind: str, words: str) -> Object:
    return STATES[kind][words]()


def state(kind: str, words: str) -> Object:
    """An object in a state, to be changed at will."""
    return copy.deepcopy(_made(kind, words))


IN_PROGRESS = ("Progressing", "InProgress", "InProgress")


def all_three(obj: Object) -> tuple[str, str, str]:
    """What Argo CD, Flux and kstatus say."""
    return argocd(obj).health, flux(obj), kstatus(obj)


@pytest.mark.parametrize(("kind", "words"), EVERY)
def test_all_three_say_what_is_true_and_nothing_but_progress_of_an_older_spec(kind: str, words: str):
    obj = state(kind, words)
    reason, health = TRUTH[kind][words]
    ready = next(c for c in obj["status"]["conditions"] if c["type"] == "Ready")
    assert ready["reason"] == reason
    told = argocd(obj)
    assert told.health == health
    assert told.message.startswith(f"{reason}: {ready['message']}")
    assert flux(obj) == kstatus(obj)
    assert kstatus(obj) in AGREES[health]
    obj["metadata"]["generation"] += 1
    assert all_three(obj) == IN_PROGRESS


@pytest.mark.parametrize("kind", TRUTH)
def test_what_the_operator_has_not_seen_yet_is_progress(kind: str):
    obj = minimal(kind) | {"status": {"observedGeneration": -1}}
    obj["metadata"]["generation"] = 1
    assert all_three(obj) == IN_PROGRESS


def test_what_is_being_deleted_is_progress_however_well_it_is():
    obj = state("ServingDeployment", "a version serves")
    obj["metadata"]["deletionTimestamp"] = "2026-11-24T10:00:00Z"
    assert all_three(obj) == IN_PROGRESS


@pytest.mark.parametrize("kind", TRUTH)
def test_no_state_is_left_out(kind: str):
    assert set(TRUTH[kind]) == set(STATES[kind])
    assert {reason for reason, _ in TRUTH[kind].values()} == set(REASONS[kind]) - NEVER_OF_READY[kind]


def test_no_kind_is_left_out():
    kinds = {kind.kind for kind in KINDS}
    assert set(TRUTH) == kinds
    assert {exprs["kind"] for exprs in health_check_exprs()} == kinds
    health = {key for key in customizations() if ".health." in key}
    assert health == {f"resource.customizations.health.shipway.dev_{kind}" for kind in kinds}


def test_the_expressions_of_the_page_that_wait_for_the_end_of_a_training_do():
    page = (ROOT / "docs" / "how-to" / "gitops.md").read_text()
    manifests = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    (exprs,) = (m["spec"]["healthCheckExprs"] for m in manifests if "healthCheckExprs" in m.get("spec", {}))
    told = {words: flux(state("TrainingJob", words), exprs) for words in TRUTH["TrainingJob"]}
    assert told.pop("it is done") == "Current"
    failed = {words for words, status in told.items() if status == "Failed"}
    assert failed == {words for words, (_, health) in TRUTH["TrainingJob"].items() if health is DEGRADED}
    assert {told[words] for words in told if words not in failed} == {"InProgress"}


def test_a_version_that_was_taken_back_is_sound_and_says_who_holds_it():
    assert (
        "; Quarantined: errors: 9/40 (Incident ranker-v3-1"
        in argocd(state("ModelVersion", "it was taken back")).message
    )


def test_a_whole_release_is_told_the_same_by_all_three_at_every_moment():
    world = released("v2")
    world.errors["v3"] = 0.5
    world.change(version="v3")
    world.until(lambda: world.state() == "Aborted")
    world.act("retry", id_="1")
    world.errors["v3"] = 0.0
    world.until(lambda: world.serves("v3"), within=300)
    assert len(world.statuses) > 30
    for status in world.statuses:
        obj = {**world.sdep, "status": status.to_wire()}
        obj["metadata"] = {**obj["metadata"], "generation": status.observed_generation}
        assert flux(obj) == kstatus(obj)
        assert kstatus(obj) in AGREES[argocd(obj).health]


def test_what_fails_again_and_again_is_in_progress_with_the_error_in_sight():
    obj = state("ServingDeployment", "a version serves")
    failing = {
        "type": "Reconciling",
        "status": "True",
        "reason": "RetryingAfterError",
        "message": "503 from the server",
    }
    obj["status"]["conditions"].insert(0, failing)
    assert argocd(obj).message == "RetryingAfterError: 503 from the server"
    assert all_three(obj) == IN_PROGRESS


def _conditions(*types: str) -> Iterator[st.SearchStrategy[dict[str, Any] | None]]:
    reasons = st.sampled_from(["Serving", "Paused", "Suspended", "NotAcknowledged", "RolledBack"])
    for name in types:
        told = {"type": st.just(name), "status": st.sampled_from(["True", "False", "Unknown"]), "reason": reasons}
        yield st.fixed_dictionaries(told, optional={"message": st.text(max_size=5)})


READY, RECONCILING, STALLED, QUARANTINED = _conditions("Ready", "Reconciling", "Stalled", "Quarantined")
META = st.fixed_dictionaries(
    {"generation": st.just(2)}, optional={"deletionTimestamp": st.just("2026-11-24T10:00:00Z")}
)


@given(
    ready=READY,
    others=st.tuples(st.none() | RECONCILING, st.none() | STALLED, st.none() | QUARANTINED),
    ready_first=st.booleans(),
    observed=st.sampled_from([2, 2, 2, 1, -1]),
    meta=META,
)
def test_whatever_the_conditions_are_all_three_agree(
    *,
    ready: dict[str, Any],
    others: tuple[dict[str, Any] | None, ...],
    ready_first: bool,
    observed: int,
    meta: dict[str, Any],
):
    told = [c for c in others if c]
    conditions = [ready, *told] if ready_first else [*told, ready]
    obj = minimal("ServingDeployment")
    obj["metadata"] |= meta
    obj["status"] = {"observedGeneration": observed, "conditions": conditions}
    assert flux(obj) == kstatus(obj)
    assert kstatus(obj) in AGREES[argocd(obj).health]

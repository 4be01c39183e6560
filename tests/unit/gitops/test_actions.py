"""Argo CD's buttons: what they write is what our verbs read, and only those are offered that would do something."""

import re
from collections.abc import Callable

import pytest
import yaml

from shipway.api import labels
from shipway.api.v1alpha1.servingdeployment import Verb
from unit.controllers.servingdeployment.beginnings import released
from unit.controllers.servingdeployment.world import World
from unit.gitops.judges import Object, customizations, run_lua
from unit.gitops.states import acted, baking, new, resumed, taken_back, under_way, until_promoted

ACTIONS = yaml.safe_load(
    customizations()["resource.customizations.actions.shipway.dev_ServingDeployment"].read_text(encoding="utf-8")
)
SCRIPTS = {action["name"]: action["action.lua"] for action in ACTIONS["definitions"]}

OFFERED: dict[str, tuple[Callable[[], World], set[str]]] = {
    "a first version starts": (new, {"pause"}),
    "a version serves": (released, set()),
    "a version serves and another one did before": (lambda: released("v2"), {"undo"}),
    "a step is under way": (under_way, {"promote", "pause", "abort"}),
    "a person paused it": (lambda: acted("pause"), {"promote", "resume", "abort"}),
    "a person resumed it": (resumed, {"promote", "pause", "abort"}),
    "a step lasts until someone promotes": (until_promoted, {"promote", "pause", "abort"}),
    "it bakes": (baking, {"promote", "abort"}),
    "a gate failed": (taken_back, {"retry"}),
}


def offered(obj: Object) -> set[str]:
    """The actions Argo CD lets a person click."""
    told = run_lua(ACTIONS["discovery.lua"], obj)
    assert set(told) == set(SCRIPTS)
    return {name for name, answer in told.items() if not answer["disabled"]}


def click(verb: str, world: World) -> str:
    """The operator's answer to an action."""
    sdep = world.sdep
    # Lua does not tell empty lists from empty objects; Argo CD mends that, so what it sends is the annotations alone.
    annotations = run_lua(SCRIPTS[verb], sdep)["metadata"]["annotations"]
    world.put({**sdep, "metadata": {**sdep["metadata"], "annotations": annotations}})
    world.run(1)
    record = world.status.actions[-1]
    assert (record.verb, record.reason) == (verb, "asked for in Argo CD")
    return record.result


def test_nothing_is_offered_before_the_operator_has_looked():
    assert offered(World().sdep) == set()


def test_every_verb_has_its_action():
    assert set(SCRIPTS) == {verb.value for verb in Verb}


def test_the_actions_differ_by_their_verb_alone():
    assert len({script.replace(verb, "VERB") for verb, script in SCRIPTS.items()}) == 1


@pytest.mark.parametrize("verb", Verb)
def test_an_action_sets_our_annotations_and_leaves_everything_else(verb: Verb):
    world = released()
    before = world.sdep | {"metadata": world.sdep["metadata"] | {"annotations": {"example.com/note": "kept"}}}
    after = run_lua(SCRIPTS[verb], before)
    annotations = after["metadata"].pop("annotations")
    assert annotations.pop("example.com/note") == "kept"
    assert annotations[labels.ACTION] == verb
    assert re.fullmatch(rf"argocd-{verb}-\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ", annotations[labels.ACTION_ID])
    assert set(annotations) == {labels.ACTION, labels.ACTION_ID, labels.ACTION_REASON}
    assert after["spec"] == before["spec"]


@pytest.mark.parametrize("words", OFFERED)
def test_what_is_offered_does_something_and_nothing_else_does(words: str):
    build, expected = OFFERED[words]
    world = build()
    assert offered(world.sdep) == expected
    for verb in sorted(set(SCRIPTS) - expected):
        assert did_nothing(click(verb, world)), verb
    for verb in sorted(expected):
        assert not did_nothing(click(verb, build())), verb


def did_nothing(result: str) -> bool:
    """Whether the operator's answer is a refusal."""
    return result.startswith(("nothing", "refused", "it is paused already"))

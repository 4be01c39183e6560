"""What gates that ask somebody do to a release, told on a small cluster."""

from typing import Any

import pytest

from shipway.analysis.answers import NoAnswer
from shipway.analysis.gate_types.webhook import Opinion
from shipway.api.v1alpha1.gates import Verdict
from unit.controllers.servingdeployment.world import GATES, World

STEPS = [{"setWeight": 25}, {"pause": {"seconds": 30}}, {"setWeight": 50}, {"pause": {"seconds": 10}}]
SATURATION: dict[str, Any] = {
    "name": "saturation",
    "type": "PromQL",
    "query": 'max(busy{namespace="{{namespace}}",pod=~"{{service}}-.*",version="{{version}}"})'
    ' / max(busy{pod=~"{{stableService}}-.*",version="{{stableVersion}}"})',
    "limit": "0.8",
}
APPROVAL: dict[str, Any] = {"name": "approval", "type": "Webhook", "service": {"name": "approvals", "port": 8080}}
AWAY = NoAnswer("Service approvals does not exist in this namespace")


def starting(*gates: dict[str, Any], knows_prometheus: bool = True) -> World:
    world = World(rollout={"steps": STEPS, "gates": list(gates), "bakeSeconds": 5})
    world.knows_prometheus = knows_prometheus
    world.restart_operator()
    world.until(lambda: world.serves("v1"))
    world.change(version="v2")
    return world


def at_25(*gates: dict[str, Any]) -> World:
    world = starting(*gates)
    world.until(lambda: world.share("v2") == 25)
    return world


def says(world: World, gate: str) -> tuple[str, str, str]:
    """The verdict of a gate, its value and its sentence, as the status has them."""
    found = next(status for status in world.status.rollout.gates if status.name == gate)
    return found.verdict, found.value, found.message


@pytest.mark.parametrize("beside", [GATES, []], ids=["beside a gate that counts", "alone"])
def test_a_number_beyond_the_limit_takes_a_version_back(beside: list[dict[str, Any]]):
    world = at_25(*beside, SATURATION)
    world.strangers.measured = 0.93
    world.until(lambda: world.share("v2") == 0, within=25)
    (incident,) = world.incidents()
    assert incident["spec"]["gate"] == "saturation"
    assert incident["spec"]["summary"] == (
        "saturation: 0.93; at most 0.8 is allowed; 2 measurements in a row were worse"
    )
    evidence = next(each for each in incident["spec"]["evidence"] if each["gate"] == "saturation")
    assert (evidence["candidate"], evidence["samples"], evidence["bound"]) == ("0.93", 2, "at most 0.8")


def test_prometheus_is_asked_of_both_versions_and_not_before_the_new_one_has_traffic():
    world = starting(SATURATION)
    world.until(lambda: world.share("v2") == 25)
    assert world.strangers.queries == []
    world.run(12)
    new, old = world.service_of("v2"), world.service_of("v1")
    assert set(world.strangers.queries) == {
        f'max(busy{{namespace="team",pod=~"{new}-.*",version="v2"}}) / max(busy{{pod=~"{old}-.*",version="v1"}})'
    }


def test_numbers_within_the_limit_let_a_version_pass_with_the_number_in_the_status():
    world = at_25(SATURATION)
    world.strangers.measured = 0.41
    world.run(29)
    assert says(world, "saturation") == ("Inconclusive", "0.41", "2 of 3 good measurements seen")
    world.until(lambda: world.share("v2") == 50, within=5)
    world.until(lambda: world.serves("v2"), within=120)
    assert world.incidents() == []


def test_each_step_is_measured_anew():
    world = at_25(SATURATION)
    world.until(lambda: world.share("v2") == 50, within=40)
    world.run(2)
    assert says(world, "saturation")[2] == "0 of 3 good measurements seen"


def test_without_counters_a_release_goes_on_by_what_prometheus_tells():
    world = starting(SATURATION)
    world.metrics_work = False
    world.until(lambda: world.share("v2") == 25)
    world.strangers.measured = 0.93
    world.until(lambda: world.share("v2") == 0, within=25)


def test_without_a_prometheus_no_version_gets_traffic_and_the_value_of_the_chart_is_named():
    world = starting(SATURATION, knows_prometheus=False)
    world.run(20)
    assert world.share("v2") == 0
    assert world.ready() == ("False", "MetricsUnavailable")
    assert "the operator knows no Prometheus; set the chart's prometheus.url" in world.status.summary


def test_an_observed_number_holds_nothing_where_there_is_no_prometheus():
    world = starting(*GATES, SATURATION | {"onFail": "Observe"}, knows_prometheus=False)
    world.until(lambda: world.serves("v2"), within=120)


def test_a_service_that_says_fail_takes_a_version_back_at_once():
    world = at_25(*GATES, APPROVAL)
    world.run(12)
    world.strangers.says = Opinion(Verdict.FAIL, "revenue fell")
    world.until(lambda: world.share("v2") == 0, within=11)
    (incident,) = world.incidents()
    assert incident["spec"]["gate"] == "approval"
    assert incident["spec"]["summary"] == "approval: Fail; revenue fell"


def test_a_service_is_told_what_it_is_asked_about():
    world = at_25(APPROVAL)
    world.run(12)
    namespace, service, question = world.strangers.questions[0]
    assert (namespace, service) == ("team", "approvals")
    assert question == {
        "schema": 1,
        "namespace": "team",
        "name": "ranker",
        "rollout": world.status.rollout.id,
        "step": 0,
        "weight": 25,
        "version": "v2",
        "stableVersion": "v1",
    }
    world.until(lambda: world.state() == "Baking", within=120)
    world.run(12)
    assert (world.strangers.questions[-1][2]["weight"], world.strangers.questions[-1][2]["stableVersion"]) == (
        100,
        "v1",
    )


def test_a_service_that_does_not_answer_holds_the_release_and_its_return_lets_it_go_on():
    world = at_25(*GATES, APPROVAL)
    world.strangers.says = AWAY
    world.run(28)
    assert says(world, "approval")[0] == "Inconclusive"
    world.run(10)
    assert world.share("v2") == 25
    assert world.ready() == ("False", "MetricsUnavailable")
    assert f"approval: {AWAY.why}; held until there is an answer" in world.status.summary
    world.strangers.says = Opinion(Verdict.PASS)
    world.until(lambda: world.serves("v2"), within=120)


def test_after_a_restart_of_the_operator_the_questions_of_a_step_begin_anew():
    world = at_25(SATURATION)
    world.strangers.measured = 0.93
    world.run(15)
    world.restart_operator()
    world.run(15)
    assert says(world, "saturation")[0] == "Inconclusive"
    world.until(lambda: world.share("v2") == 0, within=10)

"""Who is on the route and with what share, whoever is ready and whatever a stranger does to it."""

from unit.controllers.servingdeployment.beginnings import at, released
from unit.controllers.servingdeployment.world import GATES


class TestRoute:
    """A share is only ever moved to a version the gateway knows, and away from one it still knows."""

    def test_keeps_the_old_version_with_nothing_through_the_bake_and_sends_it_all_in_one_write(self):
        world = at("v3", 100)
        world.run(5)
        old, new = world.service_of("v1"), world.service_of("v3")
        assert (world.state(), world.shares()) == ("Baking", {old: 0, new: 100})
        world.errors["v3"] = 0.3
        before = len(world.route_shares("v3"))
        world.until(lambda: world.share("v1") == 100)
        assert len(world.route_shares("v3")) == before + 1
        assert world.shares() == {old: 100, new: 0}

    def test_keeps_stable_with_nothing_while_a_step_sends_the_new_version_everything(self):
        world = at("v2", 100, rollout={"steps": [{"setWeight": 100}, {"pause": {}}], "gates": GATES})
        world.run(3)
        assert world.state() == "Stepping"
        assert world.shares() == {world.service_of("v1"): 0, world.service_of("v2"): 100}

    def test_forgets_a_version_that_was_taken_back_before_it_is_deleted(self):
        world = at("v3", 25)
        world.act("abort", id_="1")
        world.tick()
        name = world.service_of("v3")
        assert world.shares()[name] == 0
        assert world.until(lambda: name not in world.shares()) >= 5
        world.until(lambda: name not in world.services(), within=1)

    def test_keeps_a_version_that_is_leaving_as_long_as_the_gateway_has_not_taken_the_route(self):
        world = at("v3", 25)
        world.gateway_works = False
        world.act("abort", id_="1")
        world.run(30)
        assert world.shares()[world.service_of("v3")] == 0

    def test_drops_the_old_version_from_the_bake_when_it_has_no_ready_replica_and_takes_it_in_again(self):
        world = at("v2", 100)
        world.run(5)
        world.set_ready("v1", False)
        world.run(1)
        assert world.shares() == {world.service_of("v2"): 100}
        world.set_ready("v1", True)
        world.until(lambda: world.service_of("v1") in world.shares(), within=2)

    def test_makes_stable_known_again_before_it_takes_its_part_back(self):
        world = at("v2", 25)
        stable = world.service_of("v1")
        world.set_ready("v1", False)
        world.run(1)
        world.gateway_works = False
        world.set_ready("v1", True)
        world.run(3)
        assert world.shares()[stable] == 0
        world.gateway_works = True
        world.until(lambda: world.share("v1") == 75, within=2)

    def test_is_not_written_while_nothing_changes(self):
        world = at("v2", 100)
        world.run(5)
        before = len(world.route_shares("v2"))
        world.run(12)
        assert world.state() == "Baking"
        assert len(world.route_shares("v2")) == before


class TestReadiness:
    def test_the_new_version_takes_over_when_stable_dies(self):
        world = at("v2", 25)
        world.set_ready("v1", False)
        world.run(1)
        assert world.share("v2") == 100

    def test_nothing_is_written_when_nobody_is_ready(self):
        world = released()
        world.set_ready("v1", False)
        world.run(1)
        before = world.writes
        world.run(5)
        assert world.writes == before
        assert world.condition("Serving") == ("False", "NotServing")

    def test_a_failing_version_stays_while_there_is_nobody_to_go_back_to(self):
        world = at("v2", 50)
        world.run(3)
        world.errors["v2"] = 0.5
        world.set_ready("v1", False)
        world.run(5)
        assert world.share("v2") == 100
        world.set_ready("v1", True)
        world.until(lambda: world.share("v1") == 100, within=5)


class TestStrangers:
    def test_a_deleted_route_is_put_back(self):
        world = released()
        del world.objects["HTTPRoute", "ranker"]
        world.run(1)
        assert world.share("v1") == 100

    def test_a_deleted_predictor_is_put_back_as_it_was(self):
        world = released("v2")
        name = world.service_of("v2")
        del world.objects["InferenceService", name]
        world.run(5)
        assert world.ready_pods(name)

    def test_a_lost_status_moves_no_weight(self):
        world = released("v2")
        world.run(8)
        sdep = dict(world.sdep)
        del sdep["status"]
        world.put(sdep)
        world.restart_operator()
        before = [what for _, what in world.log if "HTTPRoute" in what]
        world.run(5)
        assert world.serves("v2")
        assert [what for _, what in world.log if "HTTPRoute" in what] == before

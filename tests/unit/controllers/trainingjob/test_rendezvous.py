"""How the nodes of a training find rank 0: one Service of the namespace, one name that leads to an address."""

import msgspec
import pytest

from shipway.api.v1alpha1.trainingjob import TrainingJobSpec
from shipway.controllers.pod import read_pod
from shipway.controllers.trainingjob.rendezvous import SERVICE_NAME, SliceShape, meeting_point, trim_slice
from shipway.kube import wire
from shipway.kube.resource import ENDPOINT_SLICE, POD, SERVICE, TRAINING_JOB, Key, Object
from shipway.runtime.plan import Apply, Create, Refusal
from shipway.runtime.reduce import reduced
from unit.controllers.training import Training, training_job
from unit.controllers.world import conditions, ready


def test_the_name_of_rank_0_leads_to_its_address_as_soon_as_it_has_one():
    t = Training()
    t.settle()
    assert t.world.get(ENDPOINT_SLICE, "team", "ranker-1-0") is None
    t.world.set_pod("ranker-1-0", podIP="10.0.0.9")
    t.settle()
    assert t.leads_to("ranker-1-0") == "10.0.0.9"


def test_a_job_of_one_node_meets_nobody():
    t = Training(nodes=1).run()
    assert t.world.list(SERVICE, "team") == t.world.list(ENDPOINT_SLICE, "team") == []
    assert ready(t.job) == ("True", "Running")


EDITS = [
    {"endpoints": [{"addresses": ["10.9.9.9"], "hostname": "ranker-1-0", "conditions": {"ready": True}}]},
    {"endpoints": []},
]


@pytest.mark.parametrize("edit", EDITS)
def test_a_name_that_a_stranger_turned_elsewhere_leads_to_rank_0_again(edit):
    t = Training().run()
    before = t.leads_to("ranker-1-0")
    t.world.change(ENDPOINT_SLICE, "ranker-1-0", edit)
    t.settle()
    assert t.leads_to("ranker-1-0") == before
    writes = t.world.writes
    t.settle()
    assert t.world.writes == writes


def listed(obj: Object) -> Object:
    """As it comes of a list into the cache."""
    (shaped,) = wire.objects(msgspec.json.encode([obj]), SliceShape)
    return reduced({**shaped, "apiVersion": obj["apiVersion"], "kind": obj["kind"]}, trim_slice)


STRANGE = [{"endpoints": None}, {"addressType": "IPv6"}, {"metadata": {"labels": {}}}, *EDITS]


@pytest.mark.parametrize("change", STRANGE)
def test_what_is_kept_of_a_listed_slice_tells_where_it_leads(change):
    t = Training().run()
    known, rank_0 = t.world.get(ENDPOINT_SLICE, "team", "ranker-1-0"), t.world.get(POD, "team", "ranker-1-0")
    spec = TrainingJobSpec.model_validate(t.job["spec"])
    assert set(listed(known)) == {"apiVersion", "kind", "metadata", "addressType", "endpoints"}
    assert meeting_point(t.job, spec, read_pod(rank_0), listed(known)) == ()
    (write,) = meeting_point(t.job, spec, read_pod(rank_0), listed({**known, **change}))
    assert isinstance(write, Apply)


def test_the_namespace_s_service_is_made_again_when_it_is_deleted_or_turned_into_a_name_for_another_host():
    t = Training().run()
    t.world.remove(SERVICE, SERVICE_NAME)
    t.settle()
    assert t.world.get(SERVICE, "team", SERVICE_NAME)
    t.world.change(SERVICE, SERVICE_NAME, {"type": "ExternalName", "externalName": "elsewhere"})
    t.settle()
    assert t.world.get(SERVICE, "team", SERVICE_NAME)["spec"]["type"] == "ClusterIP"


def test_a_second_training_in_the_namespace_shares_the_service():
    t = Training().run()
    writes = t.world.writes
    t.world.put(training_job("other", output=None))
    t.world.settle(t.controller, Key(TRAINING_JOB.kind, "team", "other"))
    assert t.world.writes == writes + 2  # its pods


def test_a_refused_service_is_told_of_and_tried_again_since_it_owes_nothing_to_the_spec():
    t = Training()
    t.world.refusal = lambda write: (
        Refusal(write, invalid=True, message="no") if isinstance(write, Create) and write.resource == SERVICE else None
    )
    t.settle()
    assert ready(t.job) == ("False", "PodRefused")
    assert "refuses a Service: no" in conditions(t.job)["Ready"]["message"]
    t.world.refusal = lambda _: None
    t.run()
    assert ready(t.job) == ("True", "Running")

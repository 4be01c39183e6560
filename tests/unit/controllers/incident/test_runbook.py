"""Every incident leads to a page that says what to do, unless its Model leads elsewhere."""

from shipway.api.v1alpha1.incident import IncidentStatus
from shipway.controllers.incident.notified import notice
from shipway.controllers.incident.reconcile import Snapshot, reconcile
from unit.controllers.incident.test_reconcile import LATER, incident

DOCS = "https://docs.example.com/shipway"


def led_to(docs_url: str = DOCS, **spec: str) -> str:
    """Where the status leads, and with it whoever is told."""
    obj = incident()
    obj["spec"] |= spec
    status = IncidentStatus.model_validate(reconcile(Snapshot(obj, None, LATER, docs_url=docs_url)).status)
    assert notice(obj, status).runbook == status.runbook
    return status.runbook


def test_without_one_of_its_model_it_leads_to_our_page_about_its_type() -> None:
    assert led_to() == f"{DOCS}/runbooks/rollback.md"
    assert led_to(type="StaleFeatures") == f"{DOCS}/runbooks/slo-burn.md#stalefeatures"


def test_the_runbook_of_the_model_comes_first() -> None:
    assert led_to(runbook="https://runbooks.example.com/ranker") == "https://runbooks.example.com/ranker"


def test_where_there_is_no_page_it_leads_nowhere() -> None:
    assert led_to(docs_url="") == ""
    assert led_to(type="OfANewerOperator") == ""

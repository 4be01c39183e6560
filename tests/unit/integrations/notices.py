"""A notice to be told, to be changed by one field at a time."""

from shipway.integrations.notice import Notice, Stage

NOTICE = Notice(
    uid="u",
    stage=Stage.OPENED,
    type="Rollback",
    namespace="team-reco",
    name="ranker-v3-1",
    severity="Critical",
    owner="reco",
    team="reco",
    on_call="#reco",
    model="ranker",
    version="v3",
    gate="errors",
    summary="errors: 9/40",
    runbook="https://runbooks.example.com/ranker",
    detected_at="2027-01-15T08:00:00Z",
)

"""Prometheus Alertmanager: one alert for each Incident, by its API v2.

An alert is known by its labels, so one that is sent again is the same alert. Alertmanager forgets what is not repeated,
at its own restart for instance; so alerts are sent again, each with an end that lies a few repetitions ahead.
"""

from collections.abc import Callable
from typing import Any

import aiohttp

from shipway.api.conditions import rfc3339, seconds
from shipway.integrations.notice import NotDeliveredError, Notice, Stage

ALERT = "ShipwayIncident"
PATH = "/api/v2/alerts"
REFRESH_SECONDS = 300.0
LASTS_SECONDS = 900.0
"""How long an alert fires when nobody repeats it, as while the operator is down."""


class Alertmanager:
    """A Receiver.

    Args:
        url: Where it is, such as http://alertmanager.monitoring.svc:9093.
        session: To send with.
        now: Unix seconds.
    """

    refresh_seconds: float | None = REFRESH_SECONDS

    def __init__(self, url: str, *, session: aiohttp.ClientSession, now: Callable[[], float]) -> None:
        self._url = url.rstrip("/") + PATH
        self._session = session
        self._now = now

    async def send(self, notice: Notice) -> None:
        """Post the alert, or its end.

        Raises:
            NotDeliveredError: Alertmanager could not be reached or did not take it.
        """
        body = [alert(notice, self._now())]
        try:
            async with self._session.post(self._url, json=body, allow_redirects=False) as response:
                if response.status != 200:
                    raise NotDeliveredError(f"answered with status {response.status} instead of 200")
        except (aiohttp.ClientError, OSError) as error:
            raise NotDeliveredError(f"cannot be reached: {type(error).__name__}") from error


def alert(notice: Notice, now: float) -> dict[str, Any]:
    """The alert of an incident, a `postableAlert` of the API v2.

    It ends when the incident is resolved, and not when the traffic is back, which takes seconds: Alertmanager waits
    longer than that before it tells anybody, and would tell nobody of an alert that is over by then.
    """
    told = {"summary": notice.headline, "description": notice.summary, "runbook_url": notice.runbook}
    begun = seconds(notice.detected_at)  # an end before it is refused, and clocks differ
    return {
        "labels": {
            "alertname": ALERT,
            "type": notice.type,
            "severity": notice.severity.lower(),
            "owner": notice.owner,
            "namespace": notice.namespace,
            "model": notice.model,
            "version": notice.version,
            "incident": notice.name,
        },
        "annotations": {
            name: text
            for name, text in {**told, "on_call": notice.on_call, "stage": notice.stage.value}.items()
            if text
        },
        "startsAt": notice.detected_at,
        "endsAt": rfc3339(max(now if notice.stage is Stage.RESOLVED else now + LASTS_SECONDS, begun)),
    }

"""What runs for the kinds: their controllers, and what these bring along."""

import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, DummyCookieJar, TCPConnector, web
from prometheus_client import CollectorRegistry

from shipway.controllers.incident.controller import IncidentController
from shipway.controllers.incident.response import ResponseTimes
from shipway.controllers.model.controller import ModelController
from shipway.controllers.modelversion.controller import ModelVersionController
from shipway.controllers.servingdeployment.controller import ServingDeploymentController
from shipway.controllers.servingdeployment.inquiries import Inquirer
from shipway.controllers.team.controller import TeamController
from shipway.controllers.trainingjob.controller import TrainingJobController
from shipway.integrations import progress
from shipway.integrations.alertmanager import Alertmanager
from shipway.integrations.budgets import PERIOD_SECONDS as BUDGET_SECONDS
from shipway.integrations.budgets import BudgetFollower, Budgets, Duty
from shipway.integrations.burn_rates import BurnRates
from shipway.integrations.counter_reader import CounterReader
from shipway.integrations.counters import CounterBoard
from shipway.integrations.courier import Courier
from shipway.integrations.inquiries import InquiryBoard
from shipway.integrations.notice import Receiver
from shipway.integrations.progress import ProgressBoard
from shipway.integrations.prometheus import Prometheus
from shipway.integrations.tally import Assignment, Follower, Reading
from shipway.integrations.webhook import Webhooks
from shipway.kube.client import Client
from shipway.kube.identity import TokenReviewer
from shipway.runtime.clock import Clock
from shipway.runtime.controller import Controller
from shipway.runtime.queue import WorkQueue
from shipway.settings import Settings


@dataclass(frozen=True)
class Parts:
    """What is specific to the kinds: their controllers, and what these bring along."""

    controllers: Sequence[Controller]
    routes: Sequence[web.RouteDef] = ()
    close: Callable[[], Coroutine[Any, Any, None]] | None = None
    """Lets go of what the controllers hold."""


Build = Callable[[Settings, Client, WorkQueue, CollectorRegistry, Clock], Parts]


def build(settings: Settings, client: Client, queue: WorkQueue, registry: CollectorRegistry, clock: Clock) -> Parts:
    """The controllers of all kinds."""
    board = ProgressBoard(on_report=queue.add)
    registry.register(board)
    counters, budgets = _release_board(queue), _budget_board(queue)
    registry.register(BurnRates(budgets.readings))
    inquiries = InquiryBoard(on_answer=queue.add)
    # One tenant's slow Service must not take another's connections.
    outside, hooks = ClientSession(), ClientSession(connector=TCPConnector(limit=0), cookie_jar=DummyCookieJar())
    prometheus = Prometheus(settings.prometheus_url, session=outside) if settings.prometheus_url else None
    inquirer = Inquirer(inquiries, Webhooks(client, session=hooks), prometheus)
    courier = Courier(_receivers(settings, outside, clock), on_result=queue.add, clock=clock)

    async def close() -> None:
        await courier.close()
        await inquiries.close()
        await hooks.close()
        await outside.close()
        await budgets.close()
        await counters.close()

    return Parts(
        controllers=[
            TrainingJobController(
                workloads_image=settings.workloads_image, progress_url=settings.progress_url, board=board
            ),
            ModelController(),
            ModelVersionController(workloads_image=settings.workloads_image),
            ServingDeploymentController(
                counters=counters, budgets=budgets, inquirer=inquirer, max_candidates=settings.max_candidates
            ),
            IncidentController(response=ResponseTimes(registry), courier=courier, docs_url=settings.docs_url),
            TeamController(),
        ],
        routes=progress.routes(board, TokenReviewer(client).review),
        close=close,
    )


def _release_board(queue: WorkQueue) -> CounterBoard[Assignment, Reading]:
    begin = partial(Follower, monotonic=time.monotonic)
    return CounterBoard(begin, reader=CounterReader(ClientSession()), on_sample=queue.add)


def _budget_board(queue: WorkQueue) -> CounterBoard[Duty, Budgets]:
    """With connections of its own, so that a release never waits for one; kept ones would end before the next look."""
    reader = CounterReader(ClientSession(connector=TCPConnector(force_close=True)))
    begin = partial(BudgetFollower, monotonic=time.monotonic)
    return CounterBoard(begin, reader=reader, on_sample=queue.add, period=BUDGET_SECONDS, spread=True)


def _receivers(settings: Settings, session: ClientSession, clock: Clock) -> dict[str, Receiver]:
    """Who is told of incidents, by the name that the status has them under."""
    found: dict[str, Receiver] = {}
    if settings.alertmanager_url:
        found["alertmanager"] = Alertmanager(settings.alertmanager_url, session=session, now=clock.now)
    if settings.apprise_folder:
        # Its hundred services take a third of a second of each start, and most operators have none.
        from shipway.integrations.apprise import AppriseReceiver  # noqa: PLC0415

        found["apprise"] = AppriseReceiver(Path(settings.apprise_folder))
    return found

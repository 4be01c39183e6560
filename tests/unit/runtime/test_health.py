"""The probes and the port they share with the APIs."""

from functools import partial

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry

from harness.clock import ShiftedClock
from harness.process import free_port
from shipway.kube.resource import MODEL, Key
from shipway.runtime.cache import ObjectCache
from shipway.runtime.health import MAX_WAIT_SECONDS, api_app, metrics_app, queue_check, serving
from shipway.runtime.leader import AlwaysLeading
from shipway.runtime.queue import WorkQueue

KEY = Key("Model", "ns", "m")


class Standby(AlwaysLeading):
    leading = False


async def get(app: web.Application, path: str) -> tuple[int, str]:
    async with (
        serving(app, 0) as port,
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}{path}") as response,
    ):
        return response.status, await response.text()


async def test_a_probe_says_everything_that_is_wrong() -> None:
    checks = [lambda: None, lambda: "the watch is dead", lambda: "the queue stands"]
    app = partial(api_app, live=checks, ready=checks[:1], routes=[], leadership=AlwaysLeading())

    assert await get(app(), "/healthz") == (503, "the watch is dead\nthe queue stands")
    assert await get(app(), "/readyz") == (200, "ok")


async def test_a_key_that_waits_too_long_means_that_the_loop_does_not_turn() -> None:
    clock = ShiftedClock()
    queue = WorkQueue(clock)
    queue.add(KEY)
    check = queue_check(queue, AlwaysLeading())
    assert check() is None

    clock.advance(MAX_WAIT_SECONDS + 1)

    assert "the oldest key waits or runs for 181 s, more than 180 s" in (check() or "")
    assert queue_check(queue, Standby())() is None, "a standby lets keys wait on purpose"


async def test_a_standby_sends_reports_elsewhere() -> None:
    async def take(_: web.Request) -> web.Response:
        return web.Response(text="taken")

    app = partial(api_app, live=[], ready=[], routes=[web.get("/v1/thing", take)])

    status, text = await get(app(leadership=Standby()), "/v1/thing")
    assert (status, "Standby" in text) == (503, True)
    assert await get(app(leadership=AlwaysLeading()), "/v1/thing") == (200, "taken")


async def test_metrics_have_the_names_dashboards_know() -> None:
    queue, cache = WorkQueue(ShiftedClock()), ObjectCache()
    queue.add(KEY)
    meta = {"namespace": "ns", "name": "m", "uid": "u", "resourceVersion": "1"}
    cache.put(MODEL, {"kind": "Model", "metadata": meta})

    app = metrics_app(queue=queue, cache=cache, leadership=AlwaysLeading(), further=CollectorRegistry())
    _, text = await get(app, "/metrics")

    assert "\nworkqueue_depth 1.0" in text
    assert '\nshipway_cache_objects{resource="models"} 1.0' in text
    assert "\nshipway_leading 1.0" in text
    for name in ("workqueue_queue_duration_seconds", "workqueue_retries_total", "controller_reconcile_time_seconds"):
        assert name in text


async def test_a_server_for_this_pod_alone_answers_on_no_other_address() -> None:
    async def answers(address: str, *, everywhere: bool) -> bool:
        async with serving(web.Application(), free_port(), everywhere=everywhere) as port:
            try:
                async with aiohttp.ClientSession() as session, session.get(f"http://{address}:{port}/"):
                    return True
            except aiohttp.ClientConnectorError:
                return False

    assert await answers("127.0.0.2", everywhere=True)
    assert not await answers("127.0.0.2", everywhere=False)
    assert await answers("127.0.0.1", everywhere=False)

"""The control loop: take a key, let its controller decide, perform the plan, plan the next look."""

import asyncio
import logging
from collections.abc import Coroutine, Sequence
from typing import Any

from shipway.api.conditions import rfc3339
from shipway.kube.errors import ConflictError, NotFoundError
from shipway.kube.resource import Key, Object
from shipway.runtime import logs, metrics
from shipway.runtime.cache import ObjectCache, version_of
from shipway.runtime.clock import Clock
from shipway.runtime.controller import Controller
from shipway.runtime.executor import Executor, RefusedError
from shipway.runtime.leader import Leadership, NotLeadingError
from shipway.runtime.plan import Plan, TerminalError
from shipway.runtime.queue import WorkQueue

REPORT_AFTER = 8
"""Failures in a row, about a second of them, before the status tells; a conflict or a blip never gets there."""

log = logging.getLogger(__name__)


class ControlLoop:
    """N workers over one queue. A pass that changed its object is followed by another, until one decides nothing."""

    def __init__(
        self,
        *,
        controllers: Sequence[Controller],
        cache: ObjectCache,
        queue: WorkQueue,
        executor: Executor,
        leadership: Leadership,
        clock: Clock,
    ) -> None:
        self._controllers = {controller.resource.kind: controller for controller in controllers}
        self._cache = cache
        self._queue = queue
        self._executor = executor
        self._leadership = leadership
        self._clock = clock

    async def run(self, workers: int) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(workers):
                group.create_task(self._work(), name=f"worker-{number}")

    async def _work(self) -> None:
        while True:
            await self._leadership.wait()
            key = await self._queue.get()
            try:
                await self._pass(key)
            finally:
                self._queue.done(key)
            await asyncio.sleep(0)  # a key that is ready again at once must not keep the watches from being heard

    async def _pass(self, key: Key) -> None:
        controller = self._controllers[key.kind]
        obj = self._cache.get(controller.resource, key.namespace, key.name)
        start = self._clock.monotonic()
        with logs.about(key, obj["metadata"].get("generation", 0) if obj else 0):
            if obj is None:
                result = await self._let_go(controller, key)
            elif "deletionTimestamp" in obj["metadata"]:
                result = "ending"
            else:
                result = await self._reconcile(controller, key, obj)
        metrics.RECONCILES.labels(key.kind, result).inc()
        metrics.RECONCILE_SECONDS.labels(key.kind).observe(self._clock.monotonic() - start)

    async def _let_go(self, controller: Controller, key: Key) -> str:
        try:
            await controller.plan(key, self._cache, self._clock.now())
        except Exception:
            log.exception("the end of the object could not be taken note of")
        self._queue.forget(key)
        return "gone"

    async def _reconcile(self, controller: Controller, key: Key, obj: Object) -> str:
        try:
            plan = await controller.plan(key, self._cache, self._clock.now()) or Plan()
            await self._executor.perform(controller.resource, obj, plan)
        except NotLeadingError:
            self._queue.add(key)
            return "not_leading"
        except TerminalError as error:
            return await self._stall(controller, key, obj, error)
        except RefusedError as error:
            return self._refused(key, error)
        except Exception as error:  # whatever it is, this key is retried and the others go on
            return await self._failed(controller, key, obj, error)
        self._queue.forget(key)
        return self._plan_next(controller, key, obj, plan)

    def _plan_next(self, controller: Controller, key: Key, obj: Object, plan: Plan) -> str:
        now_known = self._cache.get(controller.resource, key.namespace, key.name)
        if now_known is not None and version_of(now_known) != version_of(obj):
            self._queue.add(key)
            return "success"
        if plan.requeue_after is None:
            return "success"
        self._queue.add_after(key, plan.requeue_after)
        return "requeue_after"

    async def _stall(self, controller: Controller, key: Key, obj: Object, error: TerminalError) -> str:
        log.warning("stalled: %s: %s", error.reason, error.message)
        try:
            await self._executor.stall(controller.resource, obj, error)
        except Exception as failure:
            return await self._failed(controller, key, obj, failure)
        self._queue.forget(key)
        return "stalled"

    def _refused(self, key: Key, error: RefusedError) -> str:
        delay = self._queue.retry(key)
        log.warning("refused, as the status says; next try in %.3g s: %s", delay, error)
        return "refused"

    async def _failed(self, controller: Controller, key: Key, obj: Object, error: Exception) -> str:
        delay = self._queue.retry(key)
        failures = self._queue.failures(key)
        if isinstance(error, ConflictError | NotFoundError):
            log.info("changed meanwhile, looking again in %.3g s: %s", delay, error)
            await self._quietly(self._executor.refresh(controller.resource, obj))
        else:
            log.error("failed %d times in a row, next try in %.3g s: %s", failures, delay, error, exc_info=error)
        if failures >= REPORT_AFTER:
            when = rfc3339(self._clock.now() + delay)
            message = f"{error}; failed {failures} times in a row, next try at {when} or when something changes"
            await self._quietly(self._executor.report_failure(controller.resource, obj, message))
        return "error"

    async def _quietly(self, write: Coroutine[Any, Any, object]) -> None:
        try:
            await write
        except Exception as error:
            log.info("could not be told or asked: %s", error)

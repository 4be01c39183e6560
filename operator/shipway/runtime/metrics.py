"""Metrics of the control loop, named as controller-runtime names them so that dashboards fit."""

from prometheus_client import Counter, Gauge, Histogram

DEPTH = Gauge("workqueue_depth", "Keys waiting to be looked at")
OLDEST_SECONDS = Gauge("workqueue_longest_running_processor_seconds", "Age of the key that waits or runs the longest")
ADDS = Counter("workqueue_adds", "Keys added")
RETRIES = Counter("workqueue_retries", "Keys put back after a failure")
QUEUE_SECONDS = Histogram(
    "workqueue_queue_duration_seconds",
    "Time a key waits before it is looked at",
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300),
)
RECONCILES = Counter("controller_reconcile", "Passes by outcome", ["controller", "result"])
RECONCILE_SECONDS = Histogram(
    "controller_reconcile_time_seconds",
    "Time of one pass, writes included",
    ["controller"],
    buckets=(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60),
)
WRITES = Counter("shipway_writes", "Writes to the API server by verb", ["verb", "resource"])
OBJECTS = Gauge("shipway_cache_objects", "Objects in the cache", ["resource"])
WATCH_RESTARTS = Counter("shipway_watch_restarts", "Watches begun anew by cause", ["resource", "cause"])
MISSED = Counter("shipway_watch_missed", "Changes the sweep found that no watch had brought", ["resource", "change"])
LEADING = Gauge("shipway_leading", "1 while this process holds the lease or needs none")

"""Queue, cache, executor, lease, health, metrics: what every controller stands on. Knows no kind."""

"""A load generator that replays held-out interactions at a fixed rate; for demonstrations, tests and benchmarks."""

from shipway_workloads.replay.replay import Record, Replay, Stats
from shipway_workloads.replay.segments import Pair, Segment, held_out_pairs, read_segment

__all__ = ["Pair", "Record", "Replay", "Segment", "Stats", "held_out_pairs", "read_segment"]

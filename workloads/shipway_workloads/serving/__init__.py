"""The predictor: a ranker artifact behind the KServe SDK, with counters that a release gate can read."""

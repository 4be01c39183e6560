"""The demonstration: a model trained, served, released and taken back on a real cluster, each claim measured."""

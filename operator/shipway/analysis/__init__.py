"""Statistics without I/O."""

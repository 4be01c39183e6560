"""Team: whether its namespaces are there, and its alone."""

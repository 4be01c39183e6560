"""The embedded cluster: a real one-node Kubernetes on this machine, without Docker."""

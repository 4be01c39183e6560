"""The Shipway control plane."""

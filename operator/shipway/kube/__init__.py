"""The one way to the Kubernetes API: resources, client, errors, credentials."""

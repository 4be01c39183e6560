"""Which selections of objects the operator follows."""

from collections.abc import Sequence
from dataclasses import replace

from shipway.kube.resource import OWN, Resource
from shipway.runtime.controller import Controller
from shipway.runtime.source import Source


def own_resources(namespaces: Sequence[str]) -> list[Resource]:
    """Our own kinds; with some namespaces only those that live in one: there is no right to read the others."""
    return [resource for resource in OWN.values() if resource.namespaced or not namespaces]


def own_sources(namespaces: Sequence[str]) -> list[Source]:
    """Our own kinds, in all namespaces or in each of the given."""
    return [Source(resource, namespace) for resource in own_resources(namespaces) for namespace in _scopes(namespaces)]


def child_sources(controllers: Sequence[Controller], namespaces: Sequence[str]) -> list[Source]:
    """What the controllers watch beside our own kinds, each selection once."""
    found: dict[tuple[Resource, str], Source] = {}
    for controller in controllers:
        for wish in controller.watches:
            if wish.resource in OWN.values():
                continue
            source = Source(wish.resource, None, wish.selector, wish.trim, wish.shape)
            known = found.setdefault((wish.resource, wish.selector), source)
            if known != source:
                raise ValueError(f"two controllers watch {source} and trim it differently; share one trim function")
    return [
        replace(source, namespace=namespace)
        for source in found.values()
        if source.resource.namespaced or not namespaces
        for namespace in _scopes(namespaces)
    ]


def _scopes(namespaces: Sequence[str]) -> Sequence[str | None]:
    return namespaces or [None]

"""How most stories of a release begin: a version serves, or another one has just got some of the traffic."""

from unit.controllers.servingdeployment.world import World


def released(version: str = "v1", **spec: object) -> World:
    """A world in which a version serves: the first, or one that was released beside it."""
    world = World(**spec)
    world.until(lambda: world.serves("v1"))
    if version != "v1":
        world.release(version)
    return world


def at(version: str, weight: int, **spec: object) -> World:
    """A world in which a version has just got a weight."""
    world = released(**spec)
    world.change(version=version)
    world.until(lambda: world.share(version) == weight)
    return world

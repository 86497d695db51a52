"""The one scenario of a component, and the world that it is of: what the host starts."""

_MAKERS = {
    "call-scenario": "@scenario",
    "web-scenario": "@web_scenario",
    "event-scenario": "@event_scenario",
}

_world = None
_handler = None


def register(world: str, handler) -> None:
    """Makes `handler` the scenario of this component."""
    global _world, _handler
    if _handler is not None:
        used = "is used twice, on" if _world == world else f"is used after {_MAKERS[_world]}, on"
        raise RuntimeError(f"{_MAKERS[world]} {used} {_handler.__name__} and {handler.__name__}: there is one")
    _world, _handler = world, handler


def run(argument):
    """Runs the component's handler; what it returns."""
    return _handler(argument)


def replaced(handler):
    """Makes another function the handler, whatever it is of, and says which it was."""
    global _handler
    was, _handler = _handler, handler
    return was


def check(world: str) -> None:
    """For the builder: a module without a scenario is told while it is built, not when the host starts it."""
    if _handler is None:
        raise RuntimeError(
            f"the module has no function with {_MAKERS[world]}: there is nothing that the host could start"
        )
    if _world != world:
        raise RuntimeError(
            f"the project's world is {world}, and {_handler.__name__} has {_MAKERS[_world]}: that is of the world "
            f"{_world}; world in the table [tool.tandem] of pyproject.toml says which"
        )

"""Options in groups: a command takes a frozen noun, and the command line has its fields as options."""

from collections.abc import Callable
from dataclasses import is_dataclass
from functools import wraps
from inspect import Parameter, signature
from typing import Any


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command as the library underneath is to see it: in place of each parameter whose annotation is a dataclass it
    has the fields of that. These are options, so the dataclass has keywords only, each with a default."""
    parameters = signature(command, eval_str=True).parameters
    groups: dict[str, Any] = {name: one.annotation for name, one in parameters.items() if is_dataclass(one.annotation)}
    fields = {name: _parameters(kind) for name, kind in groups.items()}

    @wraps(command)
    def called(**given: Any) -> None:
        for name, kind in groups.items():
            given[name] = kind(**{field.name: given.pop(field.name) for field in fields[name]})
        command(**given)

    spread = [one for name, parameter in parameters.items() for one in fields.get(name, [parameter])]
    called.__signature__ = signature(command).replace(parameters=spread)  # type: ignore[attr-defined]
    return called


def _parameters(kind: Callable[..., Any]) -> list[Parameter]:
    return list(signature(kind, eval_str=True).parameters.values())

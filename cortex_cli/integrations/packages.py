"""What an integration needs of the package it is for: looked up when it is used, missed in one line."""

from collections.abc import Callable
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

from cortex_cli.errors import CortexError


class MissingPackageError(CortexError, ImportError):
    """A package that an integration is for is not installed."""


def need(module: str, package: str) -> ModuleType:
    """Import a module of somebody else's package.

    Args:
        module: Dotted name.
        package: What to install.

    Raises:
        MissingPackageError: It cannot be imported.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise MissingPackageError(f"{module} cannot be imported: {error}", hint=f"pip install {package}") from error


def late(module: str, name: str, adapter: type[Any], base: str, package: str) -> Callable[[str], Any]:
    """Return a module's `__getattr__` that makes a class of ours one of somebody else's when it is first asked for.

    Args:
        module: Dotted name of our module.
        name: Of the class that is made.
        adapter: Our part, which comes first.
        base: `module:class` of theirs.
        package: What to install. Where it is missing, asking for the class raises a `MissingPackageError`.
    """

    @cache
    def get(asked: str) -> Any:
        if asked != name:
            raise AttributeError(f"module {module!r} has no attribute {asked!r}")
        theirs, _, cls = base.partition(":")
        members = {"__doc__": adapter.__doc__, "__module__": module}
        return type(name, (adapter, getattr(need(theirs, package), cls)), members)

    return get

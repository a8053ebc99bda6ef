"""Modules of commands, imported when one of their commands runs: help, and a mistyped word, are answered at once."""

from importlib import import_module
from typing import Any


class later:  # noqa: N801 -- it stands where an import statement would
    """A module of `matinee.app` that is imported when something of it is first asked for."""

    def __init__(self, name: str) -> None:
        self._name = f"matinee.app.{name}"

    def __getattr__(self, attribute: str) -> Any:
        return getattr(import_module(self._name), attribute)

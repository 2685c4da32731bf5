"""Errors that are the user's to read: what was given, what is allowed, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ArabenchError(Exception):
    """The work failed for a reason the user can act on. Printed without traceback; exit 1."""

    exit_code = 1


class UsageError(ArabenchError):
    """The command, an option, a recipe or a path is wrong. Exit 2."""

    exit_code = 2


class DataError(ArabenchError):
    """Input data cannot be processed."""


class UnsafeInputError(ArabenchError):
    """Input would execute code or write outside its folder, and was refused."""


class MissingExtraError(UsageError):
    """An optional dependency is not installed."""

    def __init__(self, extra: str, missing: str) -> None:
        super().__init__(
            f"this command needs the package {missing!r}, which is not installed. "
            f"Install it with: pip install 'arabench[{extra}]'"
        )


def did_you_mean(given: str, allowed: Iterable[str]) -> str:
    """A sentence naming the nearest allowed value and all allowed ones."""
    options = sorted(allowed)
    near = difflib.get_close_matches(given, options, n=1, cutoff=0.5)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return f"{hint}Allowed: {', '.join(options)}."


def nearest_of(given: str, allowed: Iterable[str], listing: str) -> str:
    """As `did_you_mean`, of too many to name: up to three near ones, how many, and what lists them.

    Args:
        listing: the command that names all.
    """
    options = sorted(allowed)
    near = difflib.get_close_matches(given, options, n=3, cutoff=0.5)
    hint = f"Did you mean {', '.join(map(repr, near))}? " if near else ""
    return f"{hint}There are {len(options)}; `{listing}` names them."


def require_extra(extra: str, *modules: str) -> None:
    """Raise `MissingExtraError` for the first of `modules` that is not installed."""
    from importlib.util import find_spec

    for module in modules:
        if find_spec(module) is None:
            raise MissingExtraError(extra, module)

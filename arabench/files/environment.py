"""What a record says of the place a number was made in: packages and platform."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version


def package_versions(names: Iterable[str]) -> dict[str, str | None]:
    """Version of each installed package, in the order given; None for one that is missing.

    Asks the metadata of the installation: no package is imported.
    """
    return {name: _version_of(name) for name in names}


def platform_facts() -> dict[str, str]:
    """Python's version (`python`), the system (`platform`) and its processor type (`machine`)."""
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "machine": platform.machine(),
    }


def _version_of(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

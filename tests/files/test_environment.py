from __future__ import annotations

import platform
from importlib.metadata import version

from arabench.files.environment import package_versions, platform_facts


def test_versions_keep_the_order_and_a_missing_package_is_none() -> None:
    found = package_versions(("pydantic", "no-such-package-here", "arabench"))
    assert list(found.items()) == [
        ("pydantic", version("pydantic")),
        ("no-such-package-here", None),
        ("arabench", version("arabench")),
    ]


def test_the_platform_is_python_system_and_processor() -> None:
    assert platform_facts() == {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
    }

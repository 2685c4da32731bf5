"""Build hook: what an editable install copies into site-packages.

An editable install must not copy `trainers/` and `tasks/` (they would go stale),
only the two files through which plain `lm_eval` finds our tasks.
"""

from __future__ import annotations

from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PLUGIN_FILES = {
    "packaging/arabench_lm_eval.pth": "arabench_lm_eval.pth",
    "packaging/_arabench_lm_eval.py": "_arabench_lm_eval.py",
}


class ArabenchBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Restrict editable wheels to the lm-eval plug-in files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            build_data["force_include_editable"] = dict(PLUGIN_FILES)

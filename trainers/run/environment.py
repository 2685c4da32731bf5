"""What can change the numbers of a run, and how JSON of it is written."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arabench.files.atomic import atomic_writer
from arabench.files.environment import package_versions, platform_facts

_PACKAGES = ("arabench", "torch", "transformers", "trl", "peft", "bitsandbytes", "accelerate")


def environment() -> dict[str, Any]:
    """Versions and hardware that can change the numbers of a run."""
    import torch

    return {
        **platform_facts(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "threads": torch.get_num_threads(),
        "packages": package_versions(_PACKAGES),
    }


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON atomically."""
    with atomic_writer(str(path)) as stream:
        stream.write(json.dumps(content, ensure_ascii=False, indent=1).encode("utf-8"))

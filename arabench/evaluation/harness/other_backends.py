"""Models that lm-eval runs by other means than transformers: vLLM, servers, llama.cpp, ...

They answer the same requests of the same tasks. What they do with a text is their own affair: which
tokens they count, what they put before it, in which type they add. Results say so.
"""

from __future__ import annotations

import importlib.metadata
from typing import TYPE_CHECKING, Any

from arabench.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from lm_eval.api.model import LM


def other_backend(name: str, arguments: str, batch_size: int, device: str | None) -> LM:
    """One of lm-eval's models, built from its arguments.

    Args:
        name: as lm_eval's --model takes it.
        arguments: as its --model_args takes them.
        batch_size: requests in a batch, where the arguments say nothing of it.
        device: `cpu` or `cuda`; None leaves it to the backend.

    Raises:
        UsageError: no such backend, a package that it needs is missing, wrong arguments, or
            whatever it says against its model.
    """
    import lm_eval.models  # noqa: F401 - fills the registry
    from lm_eval.api.registry import get_model, model_registry

    known = sorted(model_registry.keys())
    if name not in known:
        raise UsageError(f"--backend {name!r} is not known to lm-eval. {did_you_mean(name, known)}")
    given = _arguments(arguments)
    try:
        extra: dict[str, Any] = {"batch_size": batch_size, "device": device}
        left = {key: value for key, value in extra.items() if key not in given}
        lm: LM = get_model(name).create_from_arg_obj(given, left)
    except ImportError as error:
        first = str(error).strip().splitlines()[0][:200]
        raise UsageError(
            f"--backend {name} needs a package that is not installed ({first}). Install it: "
            f"pip install {_install(name, error)}"
        ) from error
    except (Exception, SystemExit) as error:  # of engines and servers, which are other people's
        raise UsageError(
            f"--backend {name} could not be made of --model-args {_keys(arguments)}: "
            f"{type(error).__name__}: {str(error)[:300]}"
        ) from error
    lm.raises_arabench_errors = True
    return lm


def model_named(arguments: str) -> str:
    """What the arguments call the model, empty if nothing."""
    found = _arguments(arguments)
    return str(found.get("model") or found.get("pretrained") or "")


def _arguments(text: str) -> dict[str, Any]:
    from lm_eval.utils import simple_parse_args_string

    parts = [part for part in text.split(",") if part.strip()]
    for number, part in enumerate(parts, 1):
        if "=" not in part.strip("= "):
            raise UsageError(
                "--model-args must be KEY=VALUE pairs with commas between them; number "
                f"{number} of {len(parts)} is not."
            )
    found: dict[str, Any] = simple_parse_args_string(text) if parts else {}
    return found


def _keys(text: str) -> str:
    """Names of the arguments: values may hold a key."""
    return ", ".join(_arguments(text)) or "(none)"


def _install(name: str, error: ImportError) -> str:
    """What pip is told."""
    extras = set(importlib.metadata.metadata("lm_eval").get_all("Provides-Extra") or ())
    if name in extras:
        return f"'lm_eval[{name}]'"
    if "completions" in name:
        return "'lm_eval[api]'"
    return error.name or name

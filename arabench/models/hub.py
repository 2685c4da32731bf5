"""Names on a hub: whether one can be loaded, told in seconds and before anything is.

The libraries ask again and again for a hub that does not answer, for minutes; here it is asked
once. A whole copy in the cache is enough where it cannot be reached.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

from arabench.errors import UsageError
from arabench.files.records import read_json_object
from arabench.models.checkpoints import did_you_mean_path

Kind = Literal["model", "dataset"]
#: Seconds until a hub that does not answer is given up.
DEADLINE_S: Final = 3.5
_INDEX: Final = "model.safetensors.index.json"
_WEIGHTS: Final = ("*.safetensors", "*.bin")


def require_reachable(name: str, revision: str | None = None) -> bool:
    """Make sure that a hub model can be loaded; ends within five seconds.

    Args:
        name: a hub name such as `Qwen/Qwen2-1.5B`.
        revision: branch, tag or commit; None for the default branch.

    Returns:
        Whether only the copy in the cache can be used: pass it as `local_files_only`, or
        transformers asks the hub for every file.

    Raises:
        UsageError: there is no such model, it is not open to this user, or the hub cannot be
            reached and the cache holds no whole copy.
    """
    why = why_unreachable(name, revision)
    if not why:
        return False
    if cached_folder(name, revision) is not None:
        return True
    from huggingface_hub import constants

    near = did_you_mean_path(name, whole=True)
    raise UsageError(
        f"{_shown('model', name, revision)}: {why}, and the cache {constants.HF_HUB_CACHE} holds "
        f"no whole copy of it. No folder here has this name. {near}Give a model folder, or "
        "download the model where there is a network."
    )


def why_unreachable(name: str, revision: str | None = None, kind: Kind = "model") -> str:
    """Why a hub cannot be asked for a name, in words; empty where the hub says it is there.

    Raises:
        UsageError: the hub says that there is no such thing, or that it is not open to this user.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return "the hub is not asked, because HF_HUB_OFFLINE is set"
    endpoint = os.environ.get("HF_ENDPOINT") or constants.ENDPOINT
    error = _ask(name, revision, kind, endpoint)
    if error is None:
        return ""
    _refuse(error, name, _shown(kind, name, revision), endpoint)
    return f"{endpoint} could not be reached ({_in_words(error)})"


@contextlib.contextmanager
def cache_only(only: bool = True) -> Iterator[None]:
    """Keep the hub's libraries from asking it, for those that have no argument for that."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or only
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _shown(kind: Kind, name: str, revision: str | None) -> str:
    return f"{kind} {name!r}" + (f" (revision {revision!r})" if revision else "")


def cached_folder(name: str, revision: str | None = None) -> Path | None:
    """Folder of the snapshot in the cache that holds configuration and all weights, or None."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        config = try_to_load_from_cache(name, "config.json", revision=revision)
    except HFValidationError:
        return None
    if not isinstance(config, str):
        return None
    folder = Path(config).parent
    if (folder / _INDEX).is_file():
        parts = read_json_object(folder / _INDEX).get("weight_map")
        files = set(parts.values()) if isinstance(parts, dict) else {""}
        return folder if all((folder / str(file)).is_file() for file in files) else None
    return folder if any(file for kind in _WEIGHTS for file in folder.glob(kind)) else None


def _ask(name: str, revision: str | None, kind: Kind, endpoint: str) -> Exception | None:
    """What went wrong in asking the hub for a name; None if it has it."""
    from huggingface_hub import HfApi

    answer: list[Exception | None] = []

    def ask() -> None:
        try:
            HfApi(endpoint=endpoint).repo_info(
                name, revision=revision, repo_type=kind, timeout=DEADLINE_S
            )
            answer.append(None)
        except Exception as error:  # of whatever HTTP library is beneath
            answer.append(error)

    # Looking up a host name heeds no timeout, so the question is left behind when time is up.
    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(DEADLINE_S)
    return answer[0] if answer else TimeoutError(f"no answer in {DEADLINE_S} s")


def _refuse(error: Exception, name: str, shown: str, endpoint: str) -> None:
    """Raise where the hub did answer, and the answer is no."""
    from huggingface_hub import errors

    near = did_you_mean_path(name, whole=True)
    reasons: list[tuple[Any, str]] = [
        (
            errors.HFValidationError,
            f"is no hub name (OWNER/NAME) and no folder here. {near}Give one or the other",
        ),
        (
            errors.GatedRepoError,
            f"is not open to you at {endpoint}: accept its terms on its page, and log in with "
            "`hf auth login`",
        ),
        (
            errors.RepositoryNotFoundError,
            f"is not at {endpoint}, or not open to you, and no folder here has this name. "
            f"{near}Check its spelling; for a folder give its path, such as ./NAME",
        ),
        (errors.RevisionNotFoundError, f"at {endpoint} has no such revision. Check base.revision"),
    ]
    for kind, words in reasons:
        if isinstance(error, kind):
            raise UsageError(f"{shown} {words}.") from error


def _in_words(error: Exception) -> str:
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first[:160]}"

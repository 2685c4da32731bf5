"""A Ray cluster that is there, or one of this machine for the time of a run."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Final

from arabench.errors import UsageError

#: Object store of a Ray started here, bytes. Only options and counts pass through it; this
#: is just above the least that Ray accepts (75 MB).
_OBJECT_STORE_BYTES: Final = 80 << 20
#: Seconds to reach a cluster. Ray itself tries for minutes and then ends the process.
_CONNECT_TIMEOUT_S: Final = 5.0


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[ModuleType]:
    """The module `ray`, connected; a connection or Ray made here is closed at the end."""
    import ray

    if ray.is_initialized():
        yield ray
        return
    if address is None:
        # Ray reports usage over the network unless told not to.
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        settings = {
            "address": "local",
            "object_store_memory": _OBJECT_STORE_BYTES,
            "include_dashboard": False,
        }
    else:
        _check_address(address)
        settings = {"address": address}
    on_sigterm = signal.getsignal(signal.SIGTERM)
    try:
        ray.init(**settings, log_to_driver=False, logging_level="ERROR")
        if callable(on_sigterm) and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, on_sigterm)  # Ray's own would end the process
    except (ConnectionError, ValueError, RuntimeError, SystemExit) as error:
        raise UsageError(
            f"no Ray let this process in at {address!r}: {error}. Start one with 'ray start "
            "--head' and name its host:port (one that asks for a token needs RAY_AUTH_MODE=token "
            "and RAY_AUTH_TOKEN set), or leave the address out to run on this machine."
            if address is not None
            else f"Ray could not be started on this machine: {error}."
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_address(address: str) -> None:
    if address == "auto":
        return
    if "://" in address:
        raise UsageError(
            f"address {address!r} is not supported: the command must see the files itself. "
            "Run it on a node of the cluster with auto for its address, or submit it there with "
            "'ray job submit'."
        )
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UsageError(f"address {address!r} is not allowed. Use host:port, or auto.")
    try:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise UsageError(
            f"no Ray answers at {address!r}: {error}. Start one with 'ray start --head', or "
            "leave the address out to run on this machine."
        ) from error

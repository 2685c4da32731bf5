"""The frame of model files: magic, version, length, SHA-256, and a deflated payload."""

from __future__ import annotations

import hashlib
import struct
import zlib
from importlib.resources import files
from typing import Final

from arabench.errors import DataError

_HEADER: Final = struct.Struct("<8sII32s")
#: Inflated payloads are some 2 MB; a forged one must not fill the memory.
_MAX_BYTES: Final = 64_000_000


def seal(magic: bytes, version: int, body: bytes) -> bytes:
    """The file of a payload."""
    payload = zlib.compress(body, 9)
    return _HEADER.pack(magic, version, len(payload), hashlib.sha256(payload).digest()) + payload


def unseal(data: bytes, magic: bytes, version: int, name: str) -> bytes:
    """The payload of a file.

    Raises:
        DataError: it is of another kind, damaged, or of another version.
    """
    if len(data) < _HEADER.size or not data.startswith(magic):
        raise DataError(f"{name} is no model of its kind. Reinstall arabench, or train it anew.")
    _, found, size, digest = _HEADER.unpack_from(data)
    if found != version:
        raise DataError(
            f"{name} is of version {found}; this arabench reads {version}. "
            "Train it anew with tools/train_arabizi.py."
        )
    payload = data[_HEADER.size :]
    if len(payload) != size or hashlib.sha256(payload).digest() != digest:
        raise DataError(
            f"{name} is damaged: its checksum does not fit. Reinstall arabench, or train it anew."
        )
    try:
        return zlib.decompressobj().decompress(payload, _MAX_BYTES)
    except zlib.error as error:
        raise DataError(f"{name} is damaged: {error}. Reinstall arabench.") from error


def read_packaged(name: str) -> bytes:
    """A model file of the package.

    Raises:
        DataError: it is absent.
    """
    path = files("arabench.script").joinpath(name)
    if not path.is_file():
        raise DataError(f"{name} is not in the package. Reinstall arabench.")
    return path.read_bytes()

"""The segmenter's weights on disk: a header that can be checked, then two plain arrays.

Layout, little-endian: 8 bytes of magic, version (uint32), length of the header (uint32), the
header (JSON with the sizes, the checksum of what follows and where it came from), the weights
(int8), the lexicon (uint16). No pickle, no compression: the same training gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arabench.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

MAGIC: Final = b"ARBSEGM\x00"
#: Raised when the features, the grammar or the layout change: old weights mean nothing then.
VERSION: Final = 1
_START: Final = struct.Struct("<8sII")
#: Larger headers are damage.
_MOST_HEADER: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class Model:
    """What training makes.

    Attributes:
        weights: (places,) int8.
        lexicon: (places,) uint16 table of `lexicon.build`.
        about: sources, seed and settings, as the header tells them.
    """

    weights: npt.NDArray[np.int8]
    lexicon: npt.NDArray[np.uint16]
    about: dict[str, Any]

    @property
    def checksum(self) -> str:
        """SHA-256 of the arrays, in hex."""
        return _checksum(self.weights.tobytes() + self.lexicon.astype("<u2").tobytes())


def _checksum(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def write_model(path: Path, model: Model) -> None:
    """Write `model` under `path`, whole or not at all."""
    body = model.weights.tobytes() + model.lexicon.astype("<u2").tobytes()
    header = {
        "weights": int(model.weights.size),
        "lexicon": int(model.lexicon.size),
        "sha256": _checksum(body),
        "about": model.about,
    }
    text = json.dumps(header, ensure_ascii=True, sort_keys=True).encode("ascii")
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        try:
            file.write(_START.pack(MAGIC, VERSION, len(text)) + text + body)
            file.close()
            Path(file.name).chmod(0o644)  # temporary files are private
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def read_model(path: Path) -> Model:
    """The model under `path`.

    Raises:
        DataError: it cannot be read, is no model of the segmenter, has another version, or
            is damaged.
    """
    import numpy as np

    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read the segmenter model {path}: {error.strerror}") from error
    if len(data) < _START.size or not data.startswith(MAGIC):
        raise DataError(f"{path} is not a segmenter model; reinstall arabench or retrain it")
    _, version, length = _START.unpack_from(data)
    if version != VERSION:
        raise DataError(
            f"the segmenter model {path} has version {version}, this arabench reads {VERSION}; "
            "retrain it with tools/train_segmenter.py or reinstall"
        )
    damaged = DataError(f"the segmenter model {path} is damaged; reinstall arabench or retrain it")
    if length > _MOST_HEADER:
        raise damaged
    body = data[_START.size + length :]
    try:
        header = json.loads(data[_START.size : _START.size + length])
        n_weights, n_lexicon = int(header["weights"]), int(header["lexicon"])
        checksum, about = str(header["sha256"]), dict(header["about"])
    except (ValueError, KeyError, TypeError) as error:
        raise damaged from error
    sizes_fit = len(body) == n_weights + 2 * n_lexicon and min(n_weights, n_lexicon) > 0
    if not sizes_fit or n_lexicon & (n_lexicon - 1) or _checksum(body) != checksum:
        raise damaged
    weights = np.frombuffer(body, dtype=np.int8, count=n_weights)
    lexicon = np.frombuffer(body, dtype="<u2", offset=n_weights).astype(np.uint16)
    return Model(weights, lexicon, about)

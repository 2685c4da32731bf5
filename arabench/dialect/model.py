"""The file of a dialect model, and what its sums of weights mean as probabilities.

A model is linear: with `s` the sums over all features of a text of n words, from a table of
8-bit weights,

    logit = bias + n**-alpha * scale * s        probability = softmax(logit / temperature[n])

The file has a header of 36 bytes (little-endian: magic, version, length of the metadata, length
of the arrays, xxh3-128 of all that follows the header), the metadata as JSON, and the
arrays: the table, and the filter of neutral words. Nothing in it is executed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import math
import os
import struct
import tempfile
from collections.abc import Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import xxhash

from arabench.dialect.features import FEATURES_VERSION, FeatureSpec
from arabench.dialect.neutral import NONE, NeutralWords
from arabench.errors import DataError, UsageError
from arabench.varieties import VARIETIES

#: Columns of the table of weights.
CLASSES: Final = VARIETIES
#: Label of a text that does not tell.
UNKNOWN: Final = "unknown"
#: Name of the model that comes with the package.
SHIPPED: Final = "model.bin"

_MAGIC: Final = b"ARABDIAL"
_VERSION: Final = 1
_HEADER: Final = struct.Struct("<8sIII16s")
#: A file larger than this is refused before it is read: 20 MB of table and 1 MB of metadata.
_MAX_BYTES: Final = 22 << 20

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class UnknownPolicy:
    """When a text is labelled `unknown` although it has words."""

    min_words: int = 1
    """Fewer words are `short`."""
    min_prob: float = 0.0
    """A highest probability below this is `ambiguous`."""
    min_margin: float = 0.0
    """So is one that is less than this above the second."""

    def __post_init__(self) -> None:
        if type(self.min_words) is not int or self.min_words < 0:
            raise UsageError(f"min_words={self.min_words!r} is no number of words: 0 or more.")
        for name in ("min_prob", "min_margin"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
                raise UsageError(f"{name}={value!r} is not a probability: a number from 0 to 1.")


#: Labels every text with an Arabic word.
NEVER_UNKNOWN: Final = UnknownPolicy(min_words=0)


@dataclasses.dataclass(frozen=True)
class DialectModel:
    """A trained model; immutable but for its array, which nobody writes to.

    Raises:
        DataError: a part is missing, or has the wrong shape or impossible values.
    """

    spec: FeatureSpec
    weights: npt.NDArray[np.int8]
    """(buckets, 5)"""
    scales: tuple[float, ...]
    """What a weight of 1 adds to the logit of each class."""
    bias: tuple[float, ...]
    prior: tuple[float, ...]
    """Probabilities of a text without Arabic words."""
    temperatures: tuple[float, ...] = (1.0,)
    """By number of words from 0 on; the last is that of all longer texts."""
    unknown: UnknownPolicy = UnknownPolicy()
    dialectness: tuple[float, float] = (1.0, 0.0)
    """Slope and offset of the log odds of the dialects against MSA, before the logistic
    function; (1, 0) gives 1 - P(msa)."""
    neutral: NeutralWords = NONE
    """Words without weight."""
    about: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """What the trainer says of it: name, sources, command."""

    def __post_init__(self) -> None:
        shape = (self.spec.buckets, len(CLASSES))
        if self.weights.dtype != np.int8 or self.weights.shape != shape:
            raise DataError(
                f"the table of weights is {self.weights.dtype} {self.weights.shape}, "
                f"where int8 {shape} is needed."
            )
        for name in ("scales", "bias", "prior"):
            _check_numbers(name, getattr(self, name), len(CLASSES))
        _check_numbers("temperatures", self.temperatures, None)
        _check_numbers("dialectness", self.dialectness, 2)
        if min(self.temperatures) <= 0:
            raise DataError(f"temperatures {self.temperatures} are not all above 0.")
        if min(self.prior) < 0 or not math.isclose(sum(self.prior), 1, abs_tol=1e-6):
            raise DataError(f"prior {self.prior} does not sum to 1.")

    @property
    def signature(self) -> str:
        """Short text that names the model: features, and a digest of everything in it."""
        return f"dialect:{FEATURES_VERSION}|model:{self.digest[:12]}"

    @functools.cached_property
    def digest(self) -> str:
        """xxh3-128 of metadata and arrays, in hexadecimal."""
        return xxhash.xxh3_128_hexdigest(self._body())

    def logits(self, sums: I64, n_words: npt.NDArray[np.int32]) -> F64:
        """Calibrated logits of texts.

        Args:
            sums: (texts, 5) sums of weights.
            n_words: (texts,) number of words.

        Returns:
            (texts, 5), of which softmax gives the probabilities; the log of the prior where
            there is no word.
        """
        counts = np.maximum(n_words, 1)
        shrink = counts.astype(np.float64) ** -self.spec.alpha
        raw = np.asarray(self.bias) + shrink[:, None] * (sums * np.asarray(self.scales))
        warmth = np.asarray(self.temperatures)[np.minimum(counts, len(self.temperatures) - 1)]
        logits: F64 = raw / warmth[:, None]
        logits[n_words == 0] = np.log(np.maximum(self.prior, 1e-12))
        return logits

    def scores(self, logits: F64) -> tuple[F64, F64]:
        """Probabilities (texts, 5) and dialectness (texts,) of logits."""
        shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
        probabilities: F64 = shifted / shifted.sum(axis=1, keepdims=True)
        slope, offset = self.dialectness
        if (slope, offset) == (1.0, 0.0):
            return probabilities, 1.0 - probabilities[:, 0]
        tiny = 1e-12
        odds = np.log(np.maximum(1.0 - probabilities[:, 0], tiny)) - np.log(
            np.maximum(probabilities[:, 0], tiny)
        )
        dialectness: F64 = 1.0 / (1.0 + np.exp(-(slope * odds + offset)))
        return probabilities, dialectness

    def _body(self) -> bytes:
        metadata = {
            "classes": list(CLASSES),
            "features": self.spec.as_dict(),
            "scales": list(self.scales),
            "bias": list(self.bias),
            "prior": list(self.prior),
            "temperatures": list(self.temperatures),
            "unknown": dataclasses.asdict(self.unknown),
            "dialectness": list(self.dialectness),
            "neutral_bytes": self.neutral.bits.nbytes,
            "about": dict(self.about),
        }
        text = json.dumps(metadata, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8") + self.weights.tobytes() + self.neutral.bits.tobytes()


def quantize(weights: F64) -> tuple[npt.NDArray[np.int8], tuple[float, ...]]:
    """Weights (buckets, 5) as 8-bit ones and the scale of each class that gives them back."""
    largest = np.abs(weights).max(axis=0)
    scales = np.where(largest > 0, largest / 127.0, 1.0)
    table = np.rint(weights / scales).astype(np.int8)
    return table, tuple(float(scale) for scale in scales)


def save_model(path: str | Path, model: DialectModel) -> None:
    """Write a model file; it appears under its name only when complete.

    The same model gives the same bytes.

    Raises:
        UsageError: there is no such folder.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise UsageError(f"{str(path.parent)!r} is no folder. Make it first.")
    body = model._body()
    array_bytes = model.weights.nbytes + model.neutral.bits.nbytes
    header = _HEADER.pack(
        _MAGIC,
        _VERSION,
        len(body) - array_bytes,
        array_bytes,
        xxhash.xxh3_128_digest(body),
    )
    handle, partial = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(header + body)
            stream.flush()
            os.fsync(stream.fileno())
        Path(partial).chmod(0o644)
        Path(partial).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(partial).unlink()
        raise


def load_model(path: str | Path) -> DialectModel:
    """Read a model file.

    Raises:
        UsageError: there is no such file.
        DataError: it is no model file, of another version, or damaged.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        data = path.read_bytes() if path.is_file() and size <= _MAX_BYTES else None
    except FileNotFoundError:
        raise UsageError(f"there is no dialect model {str(path)!r}. Check the path.") from None
    if data is None:
        raise DataError(f"{str(path)!r} is no dialect model: it is too large, or no file.")
    return _parse(data, str(path))


@functools.cache
def shipped_model() -> DialectModel:
    """The model that comes with the package, read once.

    Raises:
        DataError: the installation lacks the file, or it is damaged.
    """
    place = files("arabench.dialect").joinpath(SHIPPED)
    if not place.is_file():
        raise DataError(
            "this installation has no dialect model (arabench/dialect/model.bin). Install the "
            "package again, or train one: arabench dialect train --data DIR -o MODEL."
        )
    with as_file(place) as path:
        return load_model(path)


def _parse(data: bytes, name: str) -> DialectModel:
    retry = "Copy or train it again."
    if len(data) < _HEADER.size or data[: len(_MAGIC)] != _MAGIC:
        raise DataError(f"{name!r} is no dialect model. Give a file that `dialect train` wrote.")
    _, version, metadata_bytes, array_bytes, checksum = _HEADER.unpack_from(data)
    if version != _VERSION:
        raise DataError(
            f"dialect model {name!r} has format version {version}; this arabench reads version "
            f"{_VERSION}. Train it again, or install the arabench that wrote it."
        )
    body = data[_HEADER.size :]
    if len(body) != metadata_bytes + array_bytes:
        raise DataError(
            f"dialect model {name!r} is damaged: {len(data)} bytes, of "
            f"{_HEADER.size + metadata_bytes + array_bytes}. {retry}"
        )
    if xxhash.xxh3_128_digest(body) != checksum:
        raise DataError(f"dialect model {name!r} is damaged: its checksum is wrong. {retry}")
    try:
        metadata = json.loads(body[:metadata_bytes])
        features = dict(metadata["features"])
        if features.pop("version") != FEATURES_VERSION:
            raise DataError(
                f"dialect model {name!r} was trained on other features than those of this "
                "arabench. Train it again."
            )
        if metadata["classes"] != list(CLASSES):
            raise ValueError(f"classes {metadata['classes']}")
        spec = FeatureSpec(**features)
        table_bytes = array_bytes - metadata.get("neutral_bytes", 0)
        table = np.frombuffer(body, np.int8, table_bytes, metadata_bytes)
        neutral = np.frombuffer(body[metadata_bytes + table_bytes :], np.uint8)
        return DialectModel(
            spec=spec,
            weights=table.reshape(spec.buckets, len(CLASSES)),
            scales=tuple(metadata["scales"]),
            bias=tuple(metadata["bias"]),
            prior=tuple(metadata["prior"]),
            temperatures=tuple(metadata["temperatures"]),
            unknown=UnknownPolicy(**metadata["unknown"]),
            dialectness=(metadata["dialectness"][0], metadata["dialectness"][1]),
            neutral=NeutralWords(neutral),
            about=dict(metadata["about"]),
        )
    except (ValueError, KeyError, TypeError, IndexError, UsageError) as error:
        # The checksum holds, so that a program wrote this: not ours, or one with a mistake.
        raise DataError(f"dialect model {name!r} has impossible metadata: {error}.") from None


def _check_numbers(name: str, values: Sequence[float], count: int | None) -> None:
    if not values or (count is not None and len(values) != count):
        raise DataError(f"{name} has {len(values)} numbers, where {count or 'one or more'} go.")
    for value in values:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise DataError(f"{name} holds {value!r}, which is no number.")

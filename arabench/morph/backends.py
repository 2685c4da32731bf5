"""Segmenters by name, each loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from arabench.errors import UsageError, did_you_mean
from arabench.morph.analysis import Segmenter


def _builtin(database: str | None) -> Segmenter:
    from arabench.morph.segmenter import BuiltinSegmenter

    if database is not None:
        raise UsageError(
            "the backend builtin reads no database. Leave out --database, or use --backend "
            "camel-db or camel-mle."
        )
    return BuiltinSegmenter()


def _camel_mle(database: str | None) -> Segmenter:
    from arabench.morph.camel.segmenters import camel_mle

    return camel_mle(database)


def _camel_bert(database: str | None) -> Segmenter:
    from arabench.morph.camel.segmenters import camel_bert

    return camel_bert(database)


def _camel_db(database: str | None) -> Segmenter:
    if database is None:
        raise UsageError("the backend camel-db needs a database. Add --database PATH.db.")
    from arabench.morph.camel.segmenters import camel_db

    return camel_db(database)


#: Name -> what makes the segmenter of a database (its path or name, None for the default).
BACKENDS: Final[dict[str, Callable[[str | None], Segmenter]]] = {
    "builtin": _builtin,
    "camel-mle": _camel_mle,
    "camel-bert": _camel_bert,
    "camel-db": _camel_db,
}


def open_backend(name: str, database: str | None = None) -> Segmenter:
    """The segmenter of that name.

    Args:
        name: one of `BACKENDS`.
        database: for the camel backends: path of a database, or name of a model.

    Raises:
        UsageError: unknown name, a database missing or of no use, or an extra not installed.
        DataError: the database or model is damaged.
    """
    refuse_unknown(name)
    return BACKENDS[name](database)


def refuse_unknown(name: str) -> None:
    """Raise `UsageError` where no backend has that name."""
    if name not in BACKENDS:
        raise UsageError(f"unknown backend {name!r}. {did_you_mean(name, BACKENDS)}")

"""Fields that dialect identification adds to rows: names, types, values as rows, JSON, Arrow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import orjson

from arabench.dialect.identification import REASONS, Identifier, Labels, prob_dicts
from arabench.dialect.model import CLASSES, UNKNOWN
from arabench.errors import UsageError

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    from arabench.text.column import Column

#: Field of the variety unless another name is given.
VARIETY_FIELD: Final = "variety"
#: Decimals of probabilities and weights in files.
PROB_DECIMALS: Final = 6
WEIGHT_DECIMALS: Final = 4


@dataclass(frozen=True)
class DialectOptions:
    """What is written for each text."""

    variety_field: str = VARIETY_FIELD
    """Field of the label. The other fields are called `probs`, `reason` and so on, or, with
    another name than `variety` here, that name with `_probs` and so on."""
    probs: bool = True
    """The probability of every variety, and why a text is `unknown`."""
    dialectness: bool = False
    """A number from 0 (MSA) to 1 (dialect)."""
    explain: int = 0
    """Words that decided, at most; 0 for none."""
    sentences: bool = False
    """Offsets, variety and highest probability of every sentence."""
    finer: str | None = None
    """A model of `arabench.dialect.camel`, whose label, country and variety are added."""

    def __post_init__(self) -> None:
        if not self.variety_field:
            raise UsageError("the field of the variety needs a name.")
        if self.explain < 0:
            raise UsageError(f"explain={self.explain} is negative. Use 0 or more words.")

    def field(self, name: str) -> str:
        """What the added field `name` is called in rows."""
        if name == VARIETY_FIELD:
            return self.variety_field
        return name if self.variety_field == VARIETY_FIELD else f"{self.variety_field}_{name}"

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that are added, in their order."""
        chosen = {
            VARIETY_FIELD: True,
            "probs": self.probs,
            "reason": self.probs,
            "dialectness": self.dialectness,
            "evidence": self.explain > 0,
            "sentences": self.sentences,
            "finer": self.finer is not None,
        }
        return tuple(self.field(name) for name, wanted in chosen.items() if wanted)

    @property
    def is_columnar(self) -> bool:
        """Whether all that is added comes from the arrays of `Labels`."""
        named = self.variety_field.isidentifier() and self.variety_field.isascii()
        return named and not (self.explain or self.sentences or self.finer)


def refuse_fields(given: Iterable[str], added: Sequence[str]) -> None:
    """Raise `UsageError` for a field that is there already and would be overwritten."""
    for name in given:
        if name in added:
            raise UsageError(
                f"a row has a field {name!r} already, which would be lost. Rename it, or give "
                "the added fields another name with --variety-field NAME."
            )


def with_fields(schema: pa.Schema, options: DialectOptions) -> pa.Schema:
    """A schema with the added fields behind its own."""
    import pyarrow as pa

    number, text = pa.float64(), pa.string()
    types = {
        VARIETY_FIELD: text,
        "probs": pa.struct([(name, number) for name in CLASSES]),
        "reason": text,
        "dialectness": number,
        "evidence": pa.list_(pa.struct([("word", text), ("weight", number)])),
        "sentences": pa.list_(
            pa.struct(
                [
                    ("start", pa.int64()),
                    ("end", pa.int64()),
                    ("variety", text),
                    ("prob", number),
                ]
            )
        ),
        "finer": pa.struct(
            [("label", text), ("country", text), ("variety", text), ("prob", number)]
        ),
    }
    for name, kind in types.items():
        if options.field(name) in options.fields:
            schema = schema.append(pa.field(options.field(name), kind))
    return schema


def row_fields(labels: Labels, options: DialectOptions) -> dict[str, list[Any]]:
    """What comes from the arrays of `labels`, by the names of the fields."""
    made: dict[str, list[Any]] = {VARIETY_FIELD: list(labels.varieties())}
    if options.probs:
        made["probs"] = prob_dicts(rounded(labels))
        made["reason"] = [REASONS[why] or "" for why in labels.reasons.tolist()]
    if options.dialectness:
        made["dialectness"] = np.round(labels.dialectness, PROB_DECIMALS).tolist()
    return {options.field(name): values for name, values in made.items()}


def json_fields(labels: Labels, options: DialectOptions) -> list[bytes]:
    """What is added to each row as JSON, without braces; of a columnar step."""
    if not len(labels.best):
        return []
    keys = [orjson.dumps(name) for name in options.fields]
    columns: list[Iterable[bytes]] = [_quoted([*CLASSES, UNKNOWN], _places(labels))]
    if options.probs:
        # One call for all, and no dicts, which the garbage collector would go through.
        numbers = orjson.dumps(rounded(labels), option=orjson.OPT_SERIALIZE_NUMPY)
        probs = b"{" + b",".join(orjson.dumps(name) + b":%b" for name in CLASSES) + b"}"
        columns.append([probs % tuple(row.split(b",")) for row in numbers[2:-2].split(b"],[")])
        columns.append(_quoted([why or "" for why in REASONS], labels.reasons))
    if options.dialectness:
        values = np.round(labels.dialectness, PROB_DECIMALS)
        columns.append(orjson.dumps(values, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b","))
    row = b",".join(key + b":%b" for key in keys)
    return [row % values for values in zip(*columns, strict=True)]


def json_nulls(options: DialectOptions) -> bytes:
    """What is added to a row whose text is null, as JSON without braces."""
    return orjson.dumps(dict.fromkeys(options.fields))[1:-1]


def arrow_fields(
    labels: Labels, valid: npt.NDArray[np.bool_] | None, options: DialectOptions
) -> list[tuple[str, pa.Array]]:
    """Names and arrays of the added columns; of a columnar step.

    Args:
        labels: of every row, null ones too.
        valid: (rows,) bool, or None where no text is null.
        options: which fields.
    """
    import pyarrow as pa

    nulls = None if valid is None else ~valid
    varieties = _strings([*CLASSES, UNKNOWN], _places(labels), nulls)
    made: dict[str, pa.Array] = {VARIETY_FIELD: varieties}
    if options.probs:
        made["probs"] = pa.StructArray.from_arrays(
            [pa.array(np.ascontiguousarray(part)) for part in rounded(labels).T],
            names=list(CLASSES),
            mask=None if nulls is None else pa.array(nulls),
        )
        made["reason"] = _strings([why or "" for why in REASONS], labels.reasons, nulls)
    if options.dialectness:
        made["dialectness"] = pa.array(np.round(labels.dialectness, PROB_DECIMALS), mask=nulls)
    return [(options.field(name), array) for name, array in made.items()]


class VarietyFields:
    """The fields of `options` from texts alone: the `Annotator` of a columnar step."""

    def __init__(self, options: DialectOptions, identifier: Identifier) -> None:
        self.options = options
        self.identifier = identifier
        self.fields = options.fields
        self.nulls = json_nulls(options)

    def compiles_for(self, chars: int) -> bool:
        """Whether the identifier goes over to compiled code with `chars` more characters."""
        return self.identifier.kernel_for(chars) is not None

    def refuse_fields_of(self, names: Iterable[str]) -> None:
        """Raise `UsageError` where one of `names` is that of a field that is added."""
        refuse_fields(names, self.fields)

    def json_of_texts(self, texts: Sequence[str]) -> list[bytes]:
        """See `json_fields`."""
        return json_fields(self.identifier.label(texts), self.options)

    def json_of_column(self, column: Column) -> list[bytes]:
        """See `json_fields`."""
        return json_fields(self.identifier.label_column(column), self.options)

    def arrays_of_column(self, column: Column) -> list[tuple[str, pa.Array]]:
        """See `arrow_fields`."""
        labels = self.identifier.label_column(column)
        return arrow_fields(labels, column.valid, self.options)


def rounded(labels: Labels) -> npt.NDArray[np.float64]:
    """Probabilities (texts, 5) to six decimals that still sum to 1: the largest takes the rest."""
    probs: npt.NDArray[np.float64] = np.round(labels.probs, PROB_DECIMALS)
    rows = np.arange(len(probs))
    rest = 1.0 - probs.sum(axis=1)
    probs[rows, labels.best] = np.round(probs[rows, labels.best] + rest, PROB_DECIMALS)
    return probs


def _places(labels: Labels) -> npt.NDArray[np.integer]:
    """(texts,) place of each label in the varieties and `unknown` behind them."""
    return np.where(labels.reasons == 0, labels.best, len(CLASSES))


def _quoted(values: Sequence[str], places: npt.NDArray[np.integer]) -> list[bytes]:
    """`values[place]` as JSON for every place."""
    quoted = [orjson.dumps(value) for value in values]
    return [quoted[place] for place in places.tolist()]


def _strings(
    values: Sequence[str],
    places: npt.NDArray[np.integer],
    nulls: npt.NDArray[np.bool_] | None,
) -> pa.Array:
    """An array of strings that are few and occur often."""
    import pyarrow as pa

    indices = pa.array(places.astype(np.int8), mask=nulls)
    return pa.DictionaryArray.from_arrays(indices, pa.array(values)).cast(pa.string())

"""Values of metrics over the samples of a task, as small as they can be held."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, overload

from arabench.errors import DataError


@dataclass
class SampleValues(Sequence["dict[str, Any]"]):
    """One metric's values, sample by sample: eight bytes a sum, and the name of the item.

    Each is handed out as the task returned it: `{"item": name, "sums": [...]}`.
    """

    width: int
    items: list[str] = field(default_factory=list)
    sums: array[float] = field(default_factory=lambda: array("d"))

    def add(self, value: Mapping[str, Any]) -> None:
        """Keep the value of one more sample.

        Raises:
            DataError: it has another number of sums than those before.
        """
        if len(value["sums"]) != self.width:
            raise DataError(f"a sample has {len(value['sums'])} sums, others {self.width}.")
        self.items.append(value["item"])
        self.sums.extend(value["sums"])

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, place: int) -> dict[str, Any]: ...

    @overload
    def __getitem__(self, place: slice) -> list[dict[str, Any]]: ...

    def __getitem__(self, place: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(place, slice):
            return [self[at] for at in range(*place.indices(len(self)))]
        start = range(len(self.items))[place] * self.width
        return {"item": self.items[place], "sums": self.sums[start : start + self.width].tolist()}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (self[place] for place in range(len(self)))


@dataclass
class Collected:
    """Values of every metric under every filter, in the order in which they first came."""

    values: dict[tuple[str, str], SampleValues] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any]) -> None:
        """Keep what a row of the sample log holds.

        Args:
            row: with its metrics by name, their names under `metrics`, and its `filter`.
        """
        for name in row["metrics"]:
            value = row[name]
            place = (name, str(row["filter"]))
            if place not in self.values:
                self.values[place] = SampleValues(len(value["sums"]))
            self.values[place].add(value)

"""Every training method by the name a recipe knows it by."""

from __future__ import annotations

from typing import Final

from arabench.trainers.methods.method import Method
from arabench.trainers.methods.sft import SupervisedFineTuning

METHODS: Final[dict[str, Method]] = {
    "sft": SupervisedFineTuning(),
}

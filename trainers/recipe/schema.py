"""A whole recipe: everything that decides a training run."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any

from pydantic import BeforeValidator, model_validator

from arabench.trainers.recipe.keys import OWN, Keys


def _known_method(value: Any) -> Any:
    # Here, for methods know the sections of a recipe, whose package holds this file.
    from arabench.trainers.methods.table import METHODS

    known = list(METHODS)
    if value not in known:
        *others, last = [repr(name) for name in known]
        raise ValueError(f"Input should be {', '.join(others)}{' or ' if others else ''}{last}")
    return value


class Recipe(Keys):
    """A whole training run."""

    method: Annotated[str, BeforeValidator(_known_method)] = "sft"
    """The loss. A section of its name holds its own settings, and no other does."""

    @model_validator(mode="before")
    @classmethod
    def _method_has_its_section(cls, content: Any) -> Any:
        method = content.get("method") if isinstance(content, dict) else None
        if isinstance(method, str) and method in OWN and content.get(method) is None:
            return {**content, method: {}}
        return content

    @model_validator(mode="after")
    def _method_fits(self) -> Recipe:
        from arabench.trainers.methods.table import METHODS

        for name in OWN:
            if name != self.method and getattr(self, name) is not None:
                raise ValueError(
                    f"the section {name!r} is of method {name}, and the method is {self.method}: "
                    f"remove the section, or set method: {name}"
                )
        METHODS[self.method].check(self)
        return self

    @model_validator(mode="after")
    def _patience_measures(self) -> Recipe:
        if self.training.patience and not self.data.validation:
            raise ValueError(
                f"training.patience ({self.training.patience}) waits for the loss on held-out "
                "rows, and data.validation holds none out: set it to a share such as 0.02"
            )
        return self

    @property
    def fingerprint(self) -> str:
        """SHA-256 of everything but where the output goes."""
        content = self.model_dump(mode="json", exclude={"output_dir"})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

"""`arabench.trainers.sft.train` runs a recipe of any method; its name is from when SFT was all."""

from __future__ import annotations

from arabench.trainers.run.outcome import Outcome
from arabench.trainers.run.training import train

__all__ = ["Outcome", "train"]

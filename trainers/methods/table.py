"""Every training method by the name a recipe knows it by."""

from __future__ import annotations

from typing import Final

from arabench.trainers.methods.cpo import ContrastivePreferenceOptimization
from arabench.trainers.methods.cpt import ContinuedPretraining
from arabench.trainers.methods.dpo import DirectPreferenceOptimization
from arabench.trainers.methods.ipo import IdentityPreferenceOptimization
from arabench.trainers.methods.kto import KahnemanTverskyOptimization
from arabench.trainers.methods.method import Method
from arabench.trainers.methods.orpo import OddsRatioPreferenceOptimization
from arabench.trainers.methods.sft import SupervisedFineTuning
from arabench.trainers.methods.simpo import SimplePreferenceOptimization

METHODS: Final[dict[str, Method]] = {
    "sft": SupervisedFineTuning(),
    "cpt": ContinuedPretraining(),
    "dpo": DirectPreferenceOptimization(),
    "ipo": IdentityPreferenceOptimization(),
    "kto": KahnemanTverskyOptimization(),
    "cpo": ContrastivePreferenceOptimization(),
    "simpo": SimplePreferenceOptimization(),
    "orpo": OddsRatioPreferenceOptimization(),
}

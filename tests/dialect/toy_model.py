"""Small dialect models made on the spot: of hand-set words, or of random weights."""

from __future__ import annotations

import numpy as np

from arabench.dialect.features import SALTS, FeatureSpec, bucket, word_hash
from arabench.dialect.model import CLASSES, DialectModel, UnknownPolicy
from arabench.dialect.neutral import NeutralWords
from arabench.text.hashes import murmur_finish

#: Variety -> words that the hand-made model knows.
WORDS = {
    "msa": ("ماذا", "سوف", "الذي", "ليس"),
    "egy": ("ازاي", "عايز", "كده", "دلوقتي"),
    "glf": ("شلون", "ابغى", "الحين", "وش"),
    "lev": ("شو", "هلق", "بدي", "كتير"),
    "mgr": ("بزاف", "دابا", "واش", "ديال"),
}
FLAT = (1.0 / len(CLASSES),) * len(CLASSES)


def hand_made(unknown: UnknownPolicy | None = None) -> DialectModel:
    """Each word of `WORDS` adds 5 to the logit of its variety; other words add nothing."""
    spec = FeatureSpec(char_max=0, pairs=False, buckets_log2=16, alpha=0.0)
    weights = np.zeros((spec.buckets, len(CLASSES)), dtype=np.int8)
    for place, variety in enumerate(CLASSES):
        for word in WORDS[variety]:
            weights[bucket(murmur_finish(word_hash(word) ^ SALTS["word"]), spec), place] += 50
    return DialectModel(
        spec,
        weights,
        scales=(0.1,) * len(CLASSES),
        bias=(0.0,) * len(CLASSES),
        prior=FLAT,
        unknown=unknown or UnknownPolicy(min_words=2, min_prob=0.5),
        about={"name": "hand-made"},
    )


def random_model(seed: int = 0, spec: FeatureSpec | None = None) -> DialectModel:
    """Weights of every size for every feature."""
    spec = spec or FeatureSpec(buckets_log2=12)
    random = np.random.default_rng(seed)
    return DialectModel(
        spec,
        random.integers(-128, 128, (spec.buckets, len(CLASSES))).astype(np.int8),
        scales=tuple(random.uniform(0.001, 0.02, len(CLASSES)).tolist()),
        bias=tuple(random.normal(0, 1, len(CLASSES)).tolist()),
        prior=(0.4, 0.2, 0.2, 0.1, 0.1),
        temperatures=(1.0, 2.0, 1.5, 1.25),
        unknown=UnknownPolicy(min_words=2, min_prob=0.3, min_margin=0.05),
        dialectness=(1.5, -0.2),
        neutral=NeutralWords.of(["كتاب", "قطر", "مرحبا", "نعم", "رابط"], bits_log2=8),
    )

"""Finer dialect labels: camel-tools' city models, mapped onto countries and our varieties.

`DIDModel26` tells 25 cities of the MADAR corpus and MSA apart, `DIDModel6` five of them and
MSA (Salameh, Bouamor and Habash, 2018, "Fine-Grained Arabic Dialect Identification"). Their
data come from the user's `camel_data -i dialectid-model26` or `dialectid-model6`, and are
pickled by dill: loading them runs code of whoever made them, as it does in camel-tools.
"""

from __future__ import annotations

import math
import sys
import threading
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, Final, Literal, NamedTuple, get_args

from arabench.camel_data import DATASETS, dataset_folder, import_camel
from arabench.chars import LETTERS
from arabench.errors import DataError, UsageError, did_you_mean

Model = Literal["did26", "did6"]
MODELS: Final[tuple[Model, ...]] = get_args(Model)
#: Our name -> the module of camel-tools, its data and its class.
_SOURCES: Final[dict[Model, tuple[str, str]]] = {
    "did26": ("model26", "DIDModel26"),
    "did6": ("model6", "DIDModel6"),
}
#: Texts given to a model at once; its features take some 10 MB for these.
_BATCH: Final = 512


class Place(NamedTuple):
    """Where a label of camel-tools is: city, country, our variety."""

    city: str
    country: str
    variety: str


#: Label of camel-tools -> place. Cities and countries are camel-tools' own; varieties follow
#: `arabench.varieties`: Iraq and Yemen are `glf`, as `acm` and `acq` are there (MADAR has
#: Sanaa in a region of its own, Gulf of Aden). Khartoum is `egy`: MADAR's region is the Nile
#: Basin, and the usual folding of country labels into five puts Sudan there; Sudanese differs
#: from Egyptian more than cities of Egypt do from each other, so look at the label.
PLACES: Final[dict[str, Place]] = {
    "ALE": Place("Aleppo", "Syria", "lev"),
    "ALG": Place("Algiers", "Algeria", "mgr"),
    "ALX": Place("Alexandria", "Egypt", "egy"),
    "AMM": Place("Amman", "Jordan", "lev"),
    "ASW": Place("Aswan", "Egypt", "egy"),
    "BAG": Place("Baghdad", "Iraq", "glf"),
    "BAS": Place("Basra", "Iraq", "glf"),
    "BEI": Place("Beirut", "Lebanon", "lev"),
    "BEN": Place("Benghazi", "Libya", "mgr"),
    "CAI": Place("Cairo", "Egypt", "egy"),
    "DAM": Place("Damascus", "Syria", "lev"),
    "DOH": Place("Doha", "Qatar", "glf"),
    "FES": Place("Fes", "Morocco", "mgr"),
    "JED": Place("Jeddah", "Saudi Arabia", "glf"),
    "JER": Place("Jerusalem", "Palestine", "lev"),
    "KHA": Place("Khartoum", "Sudan", "egy"),
    "MOS": Place("Mosul", "Iraq", "glf"),
    "MSA": Place("Modern Standard Arabic", "Modern Standard Arabic", "msa"),
    "MUS": Place("Muscat", "Oman", "glf"),
    "RAB": Place("Rabat", "Morocco", "mgr"),
    "RIY": Place("Riyadh", "Saudi Arabia", "glf"),
    "SAL": Place("Salt", "Jordan", "lev"),
    "SAN": Place("Sanaa", "Yemen", "glf"),
    "SFX": Place("Sfax", "Tunisia", "mgr"),
    "TRI": Place("Tripoli", "Libya", "mgr"),
    "TUN": Place("Tunis", "Tunisia", "mgr"),
}


@dataclass(frozen=True, slots=True)
class FinerLabel:
    """What a city model says of a text.

    The likeliest label, country and variety are each the greatest of their own sums, so that
    the label need not be in the country: three Levantine cities may share what one of the
    Gulf has alone.

    Attributes:
        label: the likeliest label, a key of `PLACES`.
        country: the likeliest country, or `Modern Standard Arabic`.
        variety: the likeliest variety.
        probs: label -> probability, by falling probability.
    """

    label: str
    country: str
    variety: str
    probs: Mapping[str, float]

    def by_country(self) -> dict[str, float]:
        """Country -> the sum of its labels."""
        return _summed(self.probs, "country")

    def by_variety(self) -> dict[str, float]:
        """Variety -> the sum of its labels."""
        return _summed(self.probs, "variety")


def _summed(probs: Mapping[str, float], level: Literal["country", "variety"]) -> dict[str, float]:
    sums: dict[str, float] = {}
    for label in sorted(probs):
        name = getattr(PLACES[label], level)
        sums[name] = sums.get(name, 0.0) + probs[label]
    return sums


def _likeliest(sums: Mapping[str, float]) -> str:
    return min(sums, key=lambda name: (-sums[name], name))


def label_of(probs: Mapping[str, float]) -> FinerLabel:
    """The finer label of probabilities by label.

    Raises:
        DataError: a label is in no table, or there are none.
    """
    unknown = sorted(set(probs) - PLACES.keys())
    if unknown or not probs:
        raise DataError(
            f"the model has labels without a place: {', '.join(unknown) or 'none at all'}. "
            f"Known: {', '.join(PLACES)}."
        )
    ordered = dict(sorted(probs.items(), key=lambda item: (-item[1], item[0])))
    return FinerLabel(
        _likeliest(ordered),
        _likeliest(_summed(ordered, "country")),
        _likeliest(_summed(ordered, "variety")),
        ordered,
    )


def finer_labels(texts: Iterable[str], model: str = "did26") -> list[FinerLabel | None]:
    """City, country and variety of texts by a model of camel-tools.

    Args:
        texts: one text each. They were trained on single sentences of travel phrases.
        model: `did26` or `did6`.

    Returns:
        In order; None for a text without an Arabic letter, of which the models would only say
        which label is the commonest.

    Raises:
        UsageError: no such model, or its data are not installed; the message has the command.
        DataError: they are installed and cannot be loaded.
        MissingExtraError: camel-tools is not installed.
    """
    if model not in MODELS:
        raise UsageError(f"no dialect model {model!r}. {did_you_mean(model, MODELS)}")
    texts = list(texts)
    name, _ = _SOURCES[model]
    predictor = _loaded(model, str(dataset_folder("DialectID", name)))
    found: list[FinerLabel | None] = [None] * len(texts)
    # A lone surrogate cannot be handed to the language models.
    asked = [
        (place, " ".join(text.encode("utf-8", "replace").decode("utf-8").split()))
        for place, text in enumerate(texts)
        if not LETTERS.isdisjoint(text)
    ]
    for at in range(0, len(asked), _BATCH):
        batch = asked[at : at + _BATCH]
        predictions = _predict(predictor, [text for _, text in batch])
        for (place, _), scores in zip(batch, predictions, strict=True):
            if all(math.isfinite(score) for score in scores.values()):
                found[place] = label_of(scores)
    return found


def _predict(predictor: Any, texts: Sequence[str]) -> list[dict[str, float]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, of division by zero
        return [prediction.scores for prediction in predictor.predict(texts)]


_loading = threading.Lock()


@lru_cache(maxsize=2)
def _loaded(model: Model, folder: str) -> Any:
    name, class_name = _SOURCES[model]
    module = import_camel(f"camel_tools.dialectid.{name}")
    version = f"{sys.version_info.major}{sys.version_info.minor}"
    file = Path(folder) / f"did_pretrained_{version}.dill"
    package = DATASETS["DialectID"][name].package
    if not file.is_file():
        raise UsageError(
            f"camel-tools' data {name!r} has no model for Python "
            f"{sys.version_info.major}.{sys.version_info.minor} ({file.name}). "
            f"Install a version that has one with: camel_data -f -i {package}"
        )
    with _loading:
        _point_at(module, Path(folder))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of another version of scikit-learn
                return getattr(module, class_name).pretrained()
        except Exception as error:  # unpickling raises whatever a wrong file leads to
            raise DataError(
                f"{file} cannot be loaded ({type(error).__name__}: {error}). It may be damaged "
                "or made by another version of scikit-learn. Install it again with: "
                f"camel_data -f -i {package}"
            ) from error


def _point_at(module: ModuleType, folder: Path) -> None:
    """Let a module, which finds its data when first imported, find those of `folder`."""
    names = module.__dict__
    names["_DATA_DIR"] = folder
    names["_CHAR_LM_DIR"] = folder / "lm" / "char"
    names["_WORD_LM_DIR"] = folder / "lm" / "word"

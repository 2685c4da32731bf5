"""Segmenters on CAMeL's morphology: a database alone, with word counts, or with BERT.

`camel_db` ranks the analyses of a database without context; `camel_mle` takes those that
camel-tools' maximum-likelihood disambiguator takes, and `camel_bert` those of its unfactored
BERT disambiguator, which looks at the whole sentence. Data of the last two come from the
user's `camel_data -i ...`; nothing is downloaded here.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from arabench.camel_data import DATASETS, dataset_folder, import_camel
from arabench.errors import ArabenchError, DataError
from arabench.morph.analysis import Analysis
from arabench.morph.camel.database import Candidate, CompiledDatabase
from arabench.morph.camel.database_file import checksum, read_database
from arabench.morph.camel.morphemes import whole

if TYPE_CHECKING:
    from camel_tools.disambig.bert import BERTUnfactoredDisambiguator

#: Words whose segments are kept; then all are forgotten. Some 150 MB at most.
CACHED_WORDS: Final = 1 << 18
#: Longer ones are hardly met twice.
_LONGEST_KEPT: Final = 60

_DATABASES: Final = "MorphologyDB"


def _version() -> str:
    return str(import_camel("camel_tools").__version__)


class CamelDatabase:
    """One analysis per spelling, by the database or by counts; see `camel_db`, `camel_mle`.

    Attributes:
        signature: what ran, in one line.
        compiled: the database.
    """

    in_context = False

    def __init__(
        self,
        compiled: CompiledDatabase,
        choose: Callable[[list[Candidate], str], Candidate | None],
        signature: str,
    ) -> None:
        self.compiled = compiled
        self.signature = signature
        self._choose = choose
        self._known: dict[str, Analysis] = {}

    def segment(self, words: Sequence[str]) -> list[Analysis]:
        """One analysis per word, in order; see `Segmenter.segment`."""
        known = self._known
        long: dict[str, Analysis] = {}
        new = list(set(words).difference(known))
        if new:
            if len(known) + len(new) > CACHED_WORDS:
                known = self._known = {}
                new = list(set(words))
            compiled, choose = self.compiled, self._choose
            candidates, segments = compiled.candidates_of, compiled.segments
            for word, normal in zip(new, compiled.normalized(new), strict=True):
                found = candidates(normal)
                answer = segments(word, choose(found, word)) if found else whole(word)
                (known if len(word) <= _LONGEST_KEPT else long)[word] = answer
        if long:
            return [long.get(word) or known[word] for word in words]
        return list(map(known.__getitem__, words))


def camel_db(path: str | Path) -> CamelDatabase:
    """A segmenter on a morphology database: analyses ranked without context.

    Words in no table are taken for proper nouns between known clitics (the backoff NOAN_PROP
    of camel-tools) where the database has that, and are one stem elsewhere. See
    `arabench.morph.camel.database.rank` for the order.

    Args:
        path: an ALMOR database, as `camel_tools.morphology.database.MorphologyDB` reads.

    Raises:
        UsageError: no such file.
        DataError: it is no database, or one camel-tools cannot read.
        MissingExtraError: camel-tools is not installed.
    """
    place = Path(path)
    compiled = _compiled(place)
    without = f"|without:{','.join(compiled.left_out)}" if compiled.left_out else ""
    return CamelDatabase(
        compiled, compiled.best_of,
        f"camel-db|{place.name}:{checksum(place)}{without}|backoff:{compiled.backoff}"
        f"|camel-tools:{_version()}",
    )  # fmt: skip


def _compiled(place: Path) -> CompiledDatabase:
    database, left_out = read_database(place)
    try:
        return CompiledDatabase(database, left_out=left_out)
    except DataError as error:
        raise DataError(f"{place}: {error}") from error


def camel_mle(database: str | None = None) -> CamelDatabase:
    """camel-tools' `MLEDisambiguator`: each spelling as it was most often annotated.

    Args:
        database: `calima-msa-r13` (the default) or `calima-egy-r13`.

    Raises:
        UsageError: no such data, or it is not installed; the message has the command.
        DataError: it is installed and damaged.
        MissingExtraError: camel-tools is not installed.
    """
    from arabench.morph.camel.mle import LikelihoodRanking

    name = database or next(iter(DATASETS["DisambigMLE"]))
    model = dataset_folder("DisambigMLE", name) / "model.json"
    place = dataset_folder(_DATABASES, name) / "morphology.db"
    compiled = _compiled(place)
    ranking = LikelihoodRanking(compiled, read_json(model))
    return CamelDatabase(
        compiled, ranking.best_of,
        f"camel-mle|{name}|model:{checksum(model)}|database:{checksum(place)}"
        f"|backoff:{compiled.backoff}|camel-tools:{_version()}",
    )  # fmt: skip


def read_json(path: Path) -> dict[str, Any]:
    """The object of a JSON file of camel-tools.

    Raises:
        DataError: it cannot be read or is no object.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(_damaged(path, error)) from error
    if not isinstance(found, dict):
        raise DataError(_damaged(path, "no JSON object"))
    return found


def _damaged(path: Path, why: object) -> str:
    return f"{path} is damaged ({why}). Install it again with camel_data -f -i ..."


def _askable(word: str) -> str:
    """A word without lone surrogates, which no tokenizer takes."""
    return word.encode("utf-8", "replace").decode("utf-8")


class CamelBert:
    """The analyses that camel-tools' unfactored BERT disambiguator takes; see `camel_bert`.

    Attributes:
        signature: what ran, in one line.
    """

    in_context = True

    def __init__(
        self,
        disambiguator: BERTUnfactoredDisambiguator,
        compiled: CompiledDatabase,
        signature: str,
    ) -> None:
        self.signature = signature
        self._disambiguator = disambiguator
        self._compiled = compiled
        self._known: dict[tuple[str, ...], Analysis] = {}
        self._running = threading.Lock()

    def segment(self, words: Sequence[str]) -> list[Analysis]:
        """One analysis per word of a sentence; see `Segmenter.segment`."""
        return self.segment_sentences([words])[0]

    def segment_sentences(self, sentences: Iterable[Sequence[str]]) -> list[list[Analysis]]:
        """The analyses of the words of many sentences, which the model sees in batches."""
        sentences = list(sentences)
        asked = [[_askable(word) for word in words if self._is_asked(word)] for words in sentences]
        full = [place for place, words in enumerate(asked) if words]
        answers: dict[int, Any] = {}
        if full:
            with self._running:
                found = self._disambiguator.disambiguate_sentences([asked[i] for i in full])
            answers = dict(zip(full, found, strict=True))
        made = []
        for place, words in enumerate(sentences):
            chosen = iter(answers.get(place, ()))
            made.append(
                [
                    self._segments(word, next(chosen, None))
                    if self._is_asked(word)
                    else whole(word)
                    for word in words
                ]
            )
        return made

    def _is_asked(self, word: str) -> bool:
        """False for what the disambiguator skips, which would shift the answers after it."""
        return bool(self._compiled.unmarked(word).strip())

    def _segments(self, word: str, chosen: Any) -> Analysis:
        if chosen is None or not chosen.analyses:
            return whole(word)
        features = chosen.analyses[0].analysis
        key = (word, *(str(features.get(name)) for name in ("bw", "lex", "diac")))
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= CACHED_WORDS:
                self._known = {}
            candidate = self._compiled.candidate_of(word, features)
            found = self._known[key] = self._compiled.segments(word, candidate)
        return found


def camel_bert(model: str | None = None, use_gpu: bool = True) -> CamelBert:
    """camel-tools' `BERTUnfactoredDisambiguator`: analyses chosen in their sentence.

    Args:
        model: `msa` (the default), `egy`, `glf` or `lev`.
        use_gpu: run on a GPU where there is one.

    Raises:
        UsageError: no such data, or it is not installed; the message has the command.
        DataError: it is installed and damaged.
        MissingExtraError: camel-tools is not installed.
    """
    name = model or next(iter(DATASETS["DisambigBertUnfactored"]))
    folder = dataset_folder("DisambigBertUnfactored", name)
    config = read_json(folder / "default_config.json")
    database = config.get("db_name")
    if not isinstance(database, str):
        raise DataError(_damaged(folder / "default_config.json", "no db_name"))
    place = dataset_folder(_DATABASES, database) / "morphology.db"
    compiled = _compiled(place)
    analyzers = import_camel("camel_tools.morphology.analyzer")
    scores = import_camel("camel_tools.disambig.score_function")
    bert = import_camel("camel_tools.disambig.bert")
    read_json(folder / "mle_model.json")
    backoff = str(config.get("backoff", "NONE"))
    if backoff.split("_")[0] != "NONE" and compiled.backoff == "NONE":
        backoff = "NONE"  # the database has no stems for it, and camel-tools would fail
    quiet = import_module("transformers.utils.logging")
    showed = quiet.is_progress_bar_enabled()
    quiet.disable_progress_bar()
    try:
        # What BERTUnfactoredDisambiguator.pretrained does, with our paths.
        disambiguator = bert.BERTUnfactoredDisambiguator(
            str(folder),
            analyzers.Analyzer(compiled.database, backoff=backoff, cache_size=10_000),
            features=scores.FEATURE_SET_MAP[config["feature"]],
            scorer=config["scorer"],
            tie_breaker=config["tie_breaker"],
            use_gpu=use_gpu,
        )
    except ArabenchError:
        raise
    except Exception as error:  # transformers raises whatever a wrong file leads to
        raise DataError(_damaged(folder, f"{type(error).__name__}: {error}")) from error
    finally:
        if showed:
            quiet.enable_progress_bar()
    weights = next(
        (
            folder / file
            for file in ("model.safetensors", "pytorch_model.bin")
            if (folder / file).is_file()
        ),
        folder / "config.json",
    )
    return CamelBert(
        disambiguator, compiled,
        f"camel-bert|{name}|model:{checksum(weights)}|database:{checksum(place)}"
        f"|backoff:{backoff}|camel-tools:{_version()}",
    )  # fmt: skip

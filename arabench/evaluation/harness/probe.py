"""A floor for classification: logistic regression on the embeddings of a model.

What a simple classifier reads off frozen embeddings (as SetFit does once they are tuned) is what a
model must beat before its prompts are worth anything. It is fitted to the train split of each task,
its penalty chosen by cross-validation in which the renderings of one sentence stay together.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from arabench.errors import UsageError
from arabench.evaluation.harness.marks import MARK, Mark
from arabench.evaluation.harness.settings import quantization_of, type_name
from arabench.models.embeddings import mean_embeddings
from arabench.models.masked import readable_length

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.model import LM
    from lm_eval.api.task import ConfigurableTask
    from peft import PeftModel
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

#: Inverse strengths of the penalty that are tried.
STRENGTHS: Final = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
FOLDS: Final = 5
_ROW_TOKENS: Final = 128


def probe_model(
    model: PreTrainedModel | PeftModel, tokenizer: PreTrainedTokenizerBase, batch_size: int
) -> LM:
    """A classifier on a model's embeddings, behind lm-eval's interface."""
    lm: LM = _probe_class()(model, tokenizer, batch_size)
    return lm


def fit_probe(
    embeddings: NDArray[np.float64], labels: Sequence[int], items: Sequence[str]
) -> tuple[Pipeline, float]:
    """A classifier on standardized embeddings, and its strength C.

    Nothing is drawn: folds are dealt out by item, and the solver is deterministic. Of strengths
    that do equally well by cross-validated log loss the smallest is taken.

    Args:
        embeddings: (N, hidden).
        labels: class of each.
        items: what belongs together of each; never on both sides of a fold.

    Raises:
        UsageError: fewer than two classes, or fewer than two items.
    """
    from sklearn.model_selection import GroupKFold, cross_val_score

    folds = min(FOLDS, len(set(items)))
    if folds < 2 or len(set(labels)) < 2:
        raise UsageError(
            f"a probe is fitted to two classes and two items at least; the train split has "
            f"{len(set(labels))} and {len(set(items))}."
        )
    splits = list(GroupKFold(folds).split(embeddings, labels, list(items)))
    losses = [
        -float(
            np.mean(
                cross_val_score(
                    _classifier(strength), embeddings, labels, cv=splits, scoring="neg_log_loss"
                )
            )
        )
        for strength in STRENGTHS
    ]
    chosen = STRENGTHS[int(np.argmin(losses))]
    return _classifier(chosen).fit(embeddings, labels), chosen


def _classifier(strength: float) -> Pipeline:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    last: LogisticRegression = LogisticRegression(C=strength, max_iter=2000, tol=1e-8)
    return make_pipeline(StandardScaler(), last)


@functools.cache
def _probe_class() -> type[LM]:
    from lm_eval.api.model import LM

    class ProbeLM(LM):  # type: ignore[misc]
        """Log-probabilities of a task's classes."""

        raises_arabench_errors = True

        def __init__(
            self,
            model: PreTrainedModel | PeftModel,
            tokenizer: PreTrainedTokenizerBase,
            batch_size: int,
        ) -> None:
            super().__init__()
            self.model, self.tokenizer, self.batch_size = model, tokenizer, batch_size
            self.config = model.config
            base = model.get_base_model() if hasattr(model, "get_base_model") else model
            self.max_length = readable_length(base, tokenizer)
            self._fitted: dict[str, Pipeline] = {}
            self.strengths: dict[str, float] = {}

        @property
        def device(self) -> Any:
            return self.model.device

        def own_settings(self) -> dict[str, str]:
            """What it is set to, as results carry it."""
            return {
                "backend": "transformers, probe",
                "likelihood": "probe: logistic regression on mean embeddings of the last layer",
                "dtype": type_name(getattr(self.model, "dtype", "")),
                "softmax_dtype": "float64",
                "quantization": quantization_of(self.model),
                "prefix": "as the tokenizer has it",
                "max_length": str(self.max_length),
            }

        def fit_task(self, task: ConfigurableTask) -> None:
            """Fit the classifier of a task, once.

            Raises:
                UsageError: the task is no classification with a train split.
            """
            name = str(task.config.task)
            if name in self._fitted:
                return
            rows = list((task.dataset or {}).get("train") or ())
            if not rows or not {"text", "answer", "item"} <= set(rows[0]):
                raise UsageError(
                    f"task {name!r} has no labelled train split to fit a probe to. Allowed is "
                    "arabench_did, with data that has one (`split` of parallel.jsonl)."
                )
            fitted, strength = fit_probe(
                self._embed([row["text"] for row in rows])[0],
                [int(row["answer"]) for row in rows],
                [str(row["item"]) for row in rows],
            )
            self._fitted[name] = fitted
            self.strengths[name] = strength

        def _embed(self, texts: Sequence[str]) -> tuple[NDArray[np.float64], list[int]]:
            """Embeddings of texts, and tokens by which each is longer than the model reads."""
            whole: list[list[int]] = self.tokenizer(list(texts))["input_ids"]
            rows = [ids[-self.max_length :] for ids in whole]
            found = mean_embeddings(self.model, rows, batch_tokens=_ROW_TOKENS * self.batch_size)
            return found, [len(ids) - self.max_length for ids in whole]

        def loglikelihood(
            self, requests: list[Instance], disable_tqdm: bool = False
        ) -> list[tuple[float, bool]]:
            texts = list(dict.fromkeys(str(request.doc["text"]) for request in requests))
            place = {text: number for number, text in enumerate(texts)}
            embedded, over = self._embed(texts)
            for request in requests:
                mark: Mark = getattr(request, MARK, None) or Mark()
                mark.over = over[place[str(request.doc["text"])]]
                mark.cut = mark.over > 0
            known = {
                name: (list(one.classes_), one.predict_log_proba(embedded))
                for name, one in self._fitted.items()
                if any(request.task_name == name for request in requests)
            }
            found = []
            for request in requests:
                classes, logs = known[str(request.task_name)]
                row = logs[place[str(request.doc["text"])]]
                at = classes.index(request.idx) if request.idx in classes else None
                value = float("-inf") if at is None else float(row[at])
                found.append((value, at is not None and int(row.argmax()) == at))
            return found

        def loglikelihood_rolling(
            self, requests: list[Instance], disable_tqdm: bool = False
        ) -> list[float]:
            raise UsageError(f"task {requests[0].task_name!r} asks a probe for a likelihood.")

        def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
            raise UsageError(f"task {requests[0].task_name!r} asks a probe for an answer.")

    return ProbeLM

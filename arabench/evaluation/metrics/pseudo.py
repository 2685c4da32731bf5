"""Metrics of pseudo-likelihoods: names of their own, so that they never stand for causal ones.

An encoder that sees both sides of a token spends fewer bits on it than any causal model can: a
pseudo-perplexity of 5 says nothing beside a perplexity of 20. Every metric that is made of
likelihoods of texts has a twin here, and its signature says what its bits are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from arabench.evaluation.harness.own_tokens import Likelihood
from arabench.evaluation.metrics import likelihood, noise_curves
from arabench.evaluation.metrics.score import SCORES_VERSION, Score, ratio, sample

PREFIX: Final = "pseudo_"
BITS: Final = (
    "bits:-log2 of the pseudo-likelihood (Salazar et al. 2020) of the text's own tokens, each "
    "masked with what follows it in its word (Kauf and Ivanova 2023) unless the run says otherwise"
)


def _twin(score: Score) -> Score:
    words = score.describe().replace(likelihood.BITS, BITS)
    return replace(score, name=PREFIX + score.name, describe=lambda: words)


TWINS: Final[Mapping[str, Score]] = {
    score.name: _twin(score)
    for score in (
        likelihood.BITS_PER_CHAR,
        likelihood.BITS_PER_BYTE,
        likelihood.WORD_PERPLEXITY,
        likelihood.BYTE_PERPLEXITY,
        likelihood.TOKEN_PERPLEXITY,
        likelihood.DIALECT_TAX,
        likelihood.MODEL_TAX,
        noise_curves.NOISE_COST,
        *noise_curves.BITS_AT,
    )
}
#: Of a token, and a token is what a tokenizer makes it.
MASKED_ACC: Final = Score(
    "masked_acc", 2, ratio, True, "0-1",
    lambda: f"v:{SCORES_VERSION}|masked tokens that are the first guess", per_token=True,
)  # fmt: skip
#: The metric beside which masked-token accuracy stands: both are of one text.
_BESIDE: Final = likelihood.BITS_PER_CHAR.name


def pseudo_name(name: str) -> str:
    """Name of a metric, or of its standard error, where likelihoods are pseudo-likelihoods."""
    return PREFIX + name if name.removesuffix("_stderr") in TWINS else name


def pseudo_names(names: Sequence[str]) -> list[str]:
    """Metrics of a task as an encoder gives them, in order."""
    found = [pseudo_name(name) for name in names]
    return [*found, MASKED_ACC.name] if _BESIDE in names else found


def pseudo_values(
    values: Mapping[str, dict[str, Any]], results: Sequence[object]
) -> dict[str, dict[str, Any]]:
    """A sample's values under their pseudo names, with masked-token accuracy beside bits of a text.

    Args:
        values: as the task's score function gave them.
        results: the model's answers.
    """
    found = {pseudo_name(name): value for name, value in values.items()}
    if _BESIDE in values:
        answer = results[0]
        hits, tokens = 0, 0
        if isinstance(answer, Likelihood) and answer.hits is not None:
            hits, tokens = answer.hits, answer.tokens
        value = sample(values[_BESIDE]["item"], [hits, tokens])
        found |= {MASKED_ACC.name: value, f"{MASKED_ACC.name}_stderr": value}
    return found

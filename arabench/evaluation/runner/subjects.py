"""What is measured: a base with its adapters, in memory, or a model behind another backend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, Protocol

from arabench.errors import UsageError
from arabench.evaluation.harness.chat import choose_template
from arabench.evaluation.harness.evaluator import Model
from arabench.evaluation.harness.masked import masked_language_model
from arabench.evaluation.harness.other_backends import other_backend
from arabench.evaluation.harness.probe import probe_model
from arabench.evaluation.harness.run import language_model
from arabench.evaluation.runner.identity import RunIdentity
from arabench.evaluation.runner.request import Request
from arabench.models.adapters import PROBES, Bench, Effect, mismatch_with
from arabench.models.bases import BaseRequest
from arabench.models.checkpoints import AdapterInfo

_KINDS: Final[dict[str, Literal["causal", "masked", "any"]]] = {
    "causal": "causal",
    "mlm": "masked",
    "probe": "any",
}


class Subject(Protocol):
    """A model that answers, alone or with an adapter on."""

    def notes(self) -> list[str]:
        """What is to be said of how it was loaded."""

    def facts(self) -> dict[str, Any]:
        """The same for results."""

    def language_model(self) -> Model:
        """It, behind lm-eval's interface, as it is now."""

    def learned(self, lm: Model) -> dict[str, Any]:
        """What a model that was fitted to tasks chose, for results."""

    def identify(self, known: RunIdentity) -> RunIdentity:
        """An identity with what is known now that it is loaded."""

    def try_adapter(self, name: str, adapter: AdapterInfo, say: Callable[[str], None]) -> Effect:
        """Put an adapter on and off, and say what it does."""

    def attach(self, adapter: AdapterInfo, name: str) -> None:
        """Put an adapter on."""

    def detach(self) -> None:
        """Take it off."""


def subject_of(request: Request) -> Subject:
    """Load what a request names.

    Raises:
        UsageError: it cannot be loaded; says why.
    """
    return LoadedModel(request) if request.backend is None else Backend(request)


class LoadedModel:
    """A base in memory, causal or an encoder, on which adapters are put."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._bench = Bench(
            BaseRequest(
                request.model, request.device, request.dtype, request.bits,
                request.allow_pickle, request.trust_remote_code, kind=_KINDS[request.model_type],
            )
        )  # fmt: skip

    def notes(self) -> list[str]:
        """Device and type, and what was found out of the tokenizer."""
        bench = self._bench
        said = f"{bench.device}: {bench.dtype} ({bench.why})"
        return [said, bench.note] if bench.note else [said]

    def facts(self) -> dict[str, Any]:
        """Device and type."""
        bench = self._bench
        return {
            "device": bench.device,
            "dtype_used": bench.dtype,
            "dtype_reason": bench.why,
        }

    def language_model(self) -> Model:
        """The model behind lm-eval's interface.

        Raises:
            UsageError: it has no such chat template, or no mask.
        """
        request, bench = self._request, self._bench
        if request.model_type == "mlm":
            return masked_language_model(
                bench.model, bench.tokenizer, request.batch_size, request.masking
            )
        if request.model_type == "probe":
            return probe_model(bench.model, bench.tokenizer, request.batch_size)
        if isinstance(request.chat_template, str):
            choose_template(bench.tokenizer, request.chat_template)
        lm = language_model(bench.model, bench.tokenizer, request.batch_size)
        lm.chat_template_args = dict(request.chat_template_args)
        return lm

    def learned(self, lm: Model) -> dict[str, Any]:
        """Of a probe: the inverse strength of its penalty, by task."""
        return {"probe_c": lm.strengths} if self._request.model_type == "probe" else {}

    def identify(self, known: RunIdentity) -> RunIdentity:
        """With the digest of the tokenizer in use."""
        return known.loaded(self._request.model, self._bench.tokenizer)

    def try_adapter(self, name: str, adapter: AdapterInfo, say: Callable[[str], None]) -> Effect:
        """Put it on and off before anything is measured: what is wrong is said within seconds."""
        bench = self._bench
        model_type = str(bench.model.config.model_type)
        effect = bench.attach(adapter, name)
        reloaded = bench.detach()
        live = f"largest logit change {effect.logits:.3g} on {len(PROBES)} probes"
        if effect.resolved:
            say(f"adapter {name}: live, {live}")
        else:
            say(
                f"adapter {name}: its change of the weights is too small for {bench.dtype} to show "
                f"({live}); --dtype float32 would show it"
            )
        if reloaded:
            say(f"adapter {name} changes the base as it loads: the base is loaded again after it")
        if said := mismatch_with(adapter, self._request.model, model_type):
            say(f"adapter {name}: {said}")
        return effect

    def attach(self, adapter: AdapterInfo, name: str) -> None:
        """Put an adapter on."""
        self._bench.attach(adapter, name)

    def detach(self) -> None:
        """Take it off; the base is what it was."""
        self._bench.detach()


class Backend:
    """Another of lm-eval's models; it takes no adapters."""

    def __init__(self, request: Request) -> None:
        self._name = str(request.backend)
        device = None if request.device == "auto" else request.device
        self._lm = other_backend(self._name, request.model_args, request.batch_size, device)

    def notes(self) -> list[str]:
        """That its rules are its own."""
        return [
            f"backend {self._name}: device, number type and which tokens of a text count are its "
            "own affair"
        ]

    def facts(self) -> dict[str, Any]:
        """Its name."""
        return {"backend": self._name}

    def language_model(self) -> Model:
        """The model that was made."""
        return self._lm

    def learned(self, lm: Model) -> dict[str, Any]:
        """Nothing."""
        return {}

    def identify(self, known: RunIdentity) -> RunIdentity:
        """Nothing more is known."""
        return known

    def try_adapter(self, name: str, adapter: AdapterInfo, say: Callable[[str], None]) -> Effect:
        """Refuse it.

        Raises:
            UsageError: always.
        """
        raise self._no_adapters(name)

    def attach(self, adapter: AdapterInfo, name: str) -> None:
        """Refuse it, as `try_adapter`."""
        raise self._no_adapters(name)

    def detach(self) -> None:
        """There is none on."""

    def _no_adapters(self, name: str) -> UsageError:
        return UsageError(f"adapter {name!r} cannot be put on a model behind {self._name}.")

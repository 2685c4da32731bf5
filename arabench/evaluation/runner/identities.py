"""The identities of base and adapters of a request, all but what is known once they are loaded."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

from arabench.evaluation.families.family import source_of
from arabench.evaluation.runner import identity
from arabench.evaluation.runner.request import BASE, Request
from arabench.models.checkpoints import AdapterInfo
from arabench.models.devices import pick_device, pick_precision

#: Of what only a backend knows.
_ITS_OWN = "the backend's affair"


def identities_of(
    request: Request,
    adapters: Mapping[str, AdapterInfo],
    tasks: Sequence[str],
    threads: int,
    processes: int = 1,
) -> dict[str, identity.RunIdentity]:
    """Name -> identity, without the tokenizer's digest.

    Args:
        request: what is evaluated.
        adapters: of the request.
        tasks: names, in order.
        threads: of torch.
        processes: that share the documents of a task.
    """
    options = {key: value for key, value in request.metadata.items() if key != "arabench_data"}
    options |= {"limit": request.limit, "max_gen_tokens": request.max_gen_tokens}
    data = identity.data_sha256(source_of(request.metadata).data)
    return {
        name: identity.RunIdentity(
            model=_model(request, adapters.get(name), threads, processes),
            scores=identity.scores_in_words(),
            tasks=",".join(tasks),
            templates=identity.templates_sha256(),
            data=data,
            options=identity.options_in_words(options),
        )
        for name in (BASE, *adapters)
    }


def _model(
    request: Request, adapter: AdapterInfo | None, threads: int, processes: int
) -> identity.ModelIdentity:
    shares = f", in {processes} shares" if processes > 1 else ""
    shared = {
        "bits": str(request.bits),
        "batch": f"{request.batch_size} together, windows of {request.window}{shares}",
        "seed": str(request.seed),
        "chat": _chat_in_words(request),
        "packages": identity.packages_in_words(request.bits != 16),
        "kind": request.kind,
    }
    if request.backend is not None:
        # Arguments may hold a key: only their digest is kept.
        given = hashlib.sha256(request.model_args.encode("utf-8")).hexdigest()
        return identity.ModelIdentity(
            base=_ITS_OWN, config=given, tokenizer=_ITS_OWN, adapter=identity.NONE,
            adapter_config=identity.NONE, dtype=_ITS_OWN, device=_ITS_OWN, threads=_ITS_OWN,
            **shared,
        )  # fmt: skip
    device = pick_device(request.device)
    base, config = identity.base_digests(request.model)
    weights, settings = identity.adapter_digests(adapter)
    return identity.ModelIdentity(
        base=base,
        config=config,
        tokenizer="",
        adapter=weights,
        adapter_config=settings,
        dtype=pick_precision(request.dtype, device).dtype,
        device=identity.device_in_words(device),
        threads=str(threads) if device == "cpu" else identity.NONE,
        **shared,
    )


def _chat_in_words(request: Request) -> str:
    if not request.chat_template and request.system_prompt is None:
        return identity.NONE
    return identity.options_in_words(
        {
            "template": request.chat_template,
            "arguments": dict(request.chat_template_args),
            "system": request.system_prompt,
            "multiturn": request.multiturn,
        }
    )

"""A toy base model: Qwen2 architecture, byte-level BPE, trained on the spot on one CPU.

It exists so that the whole pipeline can be seen working with no network and no GPU.
Its scores say nothing about real models.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arabench.models.devices import use_threads
from arabench.models.saved_tokenizers import save_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

END_OF_TEXT = "<|endoftext|>"


@dataclass(frozen=True)
class ToySize:
    """Shape and training of the toy base.

    Attributes:
        vocab_size: byte-level BPE pieces, END_OF_TEXT included.
        hidden, layers, heads: Qwen2 dimensions; `hidden` is a multiple of 64, the NF4 block.
        context: training and maximum length in tokens.
        steps, batch, learning_rate: optimizer steps, sequences a step, peak rate.
        seed: of weights and data order.
    """

    vocab_size: int = 2048
    hidden: int = 128
    layers: int = 2
    heads: int = 4
    context: int = 512
    train_context: int = 128
    steps: int = 300
    batch: int = 16
    learning_rate: float = 3e-3
    seed: int = 0


def train_tokenizer(texts: Sequence[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer with one special token, as a transformers tokenizer."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token=END_OF_TEXT, pad_token=END_OF_TEXT
    )


def build_base(
    texts: Sequence[str],
    folder: str | Path,
    size: ToySize,
    on_step: Callable[[int, float], None] | None = None,
) -> list[float]:
    """Train a toy base on `texts` and save model and tokenizer to `folder`.

    Args:
        texts: documents; each is followed by a line break and END_OF_TEXT.
        folder: where to save (safetensors).
        size: shape and training.
        on_step: called with the step number and its loss in nats per token.

    Returns:
        The loss of every step; empty when `size.steps` is 0.
    """
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    tokenizer = train_tokenizer(texts, size.vocab_size)
    torch.manual_seed(size.seed)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=size.hidden,
        intermediate_size=size.hidden * 4,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=max(1, size.heads // 2),
        max_position_embeddings=size.context,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = Qwen2ForCausalLM(config)
    losses = _train(model, tokenizer, texts, size, on_step) if size.steps else []
    model.save_pretrained(folder)
    save_tokenizer(tokenizer, Path(folder))
    return losses


def _train(
    model: Any,
    tokenizer: Any,
    texts: Sequence[str],
    size: ToySize,
    on_step: Callable[[int, float], None] | None,
) -> list[float]:
    import torch

    use_threads()
    stream: list[int] = []
    for text in texts:
        stream += [*tokenizer(text + "\n")["input_ids"], tokenizer.eos_token_id]
    tokens = torch.tensor(stream)  # (T,)
    generator = torch.Generator().manual_seed(size.seed)
    optimizer = torch.optim.AdamW(model.parameters(), lr=size.learning_rate, weight_decay=0.01)
    warmup = max(1, size.steps // 20)

    def rate(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        progress = (step - warmup) / max(1, size.steps - warmup)
        return 0.1 + 0.45 * (1 + math.cos(math.pi * progress))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    model.train()
    losses = []
    length = min(size.train_context, len(tokens) - 1)
    for step in range(size.steps):
        starts = torch.randint(len(tokens) - length, (size.batch,), generator=generator)
        batch = torch.stack([tokens[start : start + length] for start in starts])  # (B, L)
        loss = model(input_ids=batch, labels=batch).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(float(loss.detach()))
        if on_step is not None:
            on_step(step + 1, losses[-1])
    model.eval()
    return losses

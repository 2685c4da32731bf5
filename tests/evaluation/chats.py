"""Chat templates of the families people have, in our words, on one tiny tokenizer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
_NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
)
#: A system text that the template itself puts in front of what the user says.
_FOLDS = (
    "{% if messages[0].role == 'system' %}{% set s = messages[0].content + '\n\n' %}"
    "{% set rest = messages[1:] %}{% else %}{% set s = '' %}{% set rest = messages %}{% endif %}"
)


@dataclass(frozen=True)
class Family:
    """A template and what is to be found out about it.

    Attributes:
        template: Jinja.
        marks: tokens of its own; the first of them with `special` are special ones.
        end: of a turn.
        folds: whether a system text has to go into the user's turn.
        opens: thinking that it opens.
        before: what stands between question and choice.
        eos: end of text of the tokenizer.
    """

    template: str
    marks: tuple[str, ...]
    end: str
    folds: bool
    before: str
    opens: str = ""
    eos: str = "</s>"


FAMILIES = {
    "qwen2": Family(
        "{% if messages[0].role != 'system' %}<|im_start|>system\nhelp<|im_end|>\n{% endif %}"
        + _CHATML,
        ("<|im_start|>", "<|im_end|>"), "<|im_end|>", False,
        "<|im_end|>\n<|im_start|>assistant\n", eos="<|im_end|>",
    ),
    "qwen3": Family(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n"
        "{% if loop.last and m.role == 'assistant' %}<think>\n\n</think>\n\n{% endif %}"
        "{{ m.content.split('</think>')[-1].lstrip('\n') }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n"
        "{% if enable_thinking is defined and enable_thinking is false %}"
        "<think>\n\n</think>\n\n{% endif %}{% endif %}",
        ("<|im_start|>", "<|im_end|>", "<think>", "</think>"), "<|im_end|>", False,
        "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n", eos="<|im_end|>",
    ),
    "llama3": Family(
        "{{ bos_token }}{% for m in messages %}<|start_header_id|>{{ m.role }}<|end_header_id|>\n\n"
        "{{ m.content | trim }}<|eot_id|>{% endfor %}{% if add_generation_prompt %}"
        "<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}",
        ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"), "<|eot_id|>", False,
        "<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    ),
    "gemma2": Family(
        "{{ bos_token }}" + _NO_SYSTEM + "{% for m in messages %}<start_of_turn>"
        "{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<end_of_turn>\n"
        "{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
        ("<start_of_turn>", "<end_of_turn>"), "<end_of_turn>", True,
        "<end_of_turn>\n<start_of_turn>model\n",
    ),
    "gemma3": Family(
        "{{ bos_token }}" + _FOLDS + "{% for m in rest %}<start_of_turn>"
        "{{ 'model' if m.role == 'assistant' else m.role }}\n{{ s if loop.first else '' }}"
        "{{ m.content | trim }}<end_of_turn>\n"
        "{% endfor %}{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
        ("<start_of_turn>", "<end_of_turn>"), "<end_of_turn>", False,
        "<end_of_turn>\n<start_of_turn>model\n",
    ),
    "gemma4": Family(
        "{{ bos_token }}{% for m in messages %}<|turn>"
        "{{ 'model' if m.role == 'assistant' else m.role }}\n{{ m.content | trim }}<turn|>\n"
        "{% endfor %}{% if add_generation_prompt %}<|turn>model\n{% endif %}",
        ("<|turn>", "<turn|>", "<|channel>", "<channel|>"), "<turn|>", False,
        "<turn|>\n<|turn>model\n",
    ),
    "mistral": Family(
        "{{ bos_token }}" + _NO_SYSTEM + "{% for m in messages %}{% if m.role == 'user' %}"
        "[INST] {{ m.content }}[/INST]{% else %} {{ m.content }}</s>{% endif %}{% endfor %}",
        ("[INST]", "[/INST]"), "</s>", True, "[/INST] ",
    ),
    "drops-system": Family(
        "{% for m in messages %}{% if m.role == 'user' %}[INST]{{ m.content }}[/INST]"
        "{% elif m.role == 'assistant' %}{{ m.content }}</s>{% endif %}{% endfor %}",
        ("[INST]", "[/INST]"), "</s>", True, "[/INST]",
    ),
    "smollm2": Family(
        _CHATML, ("<|im_start|>", "<|im_end|>"), "<|im_end|>", False,
        "<|im_end|>\n<|im_start|>assistant\n", eos="<|im_end|>",
    ),
    "deepseek-r1": Family(
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }}"
        "{% elif m.role == 'user' %}<｜User｜>{{ m.content }}{% else %}<｜Assistant｜>"
        "{{ m.content.split('</think>')[-1] }}<｜end｜>{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}<｜Assistant｜><think>\n{% endif %}",
        ("<｜User｜>", "<｜Assistant｜>", "<｜end｜>", "<think>", "</think>"), "<｜end｜>", False,
        "<｜Assistant｜>", opens="<think>", eos="<｜end｜>",
    ),
    "gpt-oss": Family(
        "{% for m in messages %}<|start|>{{ m.role }}{% if m.role == 'assistant' %}"
        "<|channel|>final{% endif %}<|message|>{{ m.content }}"
        "{{ '<|return|>' if loop.last and not add_generation_prompt else '<|end|>' }}{% endfor %}"
        "{% if add_generation_prompt %}<|start|>assistant{% endif %}",
        ("<|start|>", "<|channel|>", "<|message|>", "<|end|>", "<|return|>"), "<|return|>", False,
        "<|end|><|start|>assistant<|channel|>final<|message|>", eos="<|return|>",
    ),
    "glm-ends-with-the-next-turn": Family(
        "{% for m in messages %}<|{{ m.role }}|>\n{{ m.content }}{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
        ("<|system|>", "<|user|>", "<|assistant|>"), "<|user|>", False, "<|assistant|>\n",
    ),
    "words-only": Family(
        "{% for m in messages %}### {{ m.role }}:\n{{ m.content }}\n\n{% endfor %}"
        "{% if add_generation_prompt %}### assistant:\n{% endif %}",
        (), "### user:", False, "\n\n### assistant:\n",
    ),
}  # fmt: skip


def build(name: str, folder: Path, context: int = 2048) -> Path:
    """A tiny untrained Llama with that family's template and tokens, in `folder`."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    family = FAMILIES[name]
    letters = {letter: number for number, letter in enumerate(pre_tokenizers.ByteLevel.alphabet())}
    inner = Tokenizer(models.BPE(letters, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    # As Qwen3 and DeepSeek have it: marks of thinking are tokens, and no special ones.
    thinking = [mark for mark in family.marks if "think>" in mark]
    roles = dict(zip(("bos_token", "eos_token"), ("<s>", family.eos), strict=True))
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, **roles)
    tokenizer.pad_token = "<pad>"  # noqa: S105
    tokenizer.add_special_tokens(
        {"additional_special_tokens": [m for m in family.marks if m not in thinking]},
        replace_extra_special_tokens=False,
    )
    tokenizer.add_tokens([*thinking, "</s>"] if family.eos != "</s>" else thinking)
    tokenizer.chat_template = family.template
    torch.manual_seed(3)
    model: Any = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer) + 3, hidden_size=16, intermediate_size=32,
            num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1,
            max_position_embeddings=context, bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )  # fmt: skip
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4.0)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder

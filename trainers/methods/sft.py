"""Supervised fine-tuning: the model learns to continue as the data does.

For a row of tokens x_1 .. x_n of which those in R are learned (all of a text, or the response to
a prompt, with the end of text), the loss is the mean cross-entropy in nats per token,

    L = - 1/|R| * sum over i in R of log p(x_i | x_1 .. x_{i-1}),

over all learned tokens of an optimizer step together (Ouyang et al. 2022, arXiv 2203.02155, 3.4,
step 1), with the adapter alone free (QLoRA: Dettmers et al. 2023, arXiv 2305.14314).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from arabench.trainers.data.conversations import Turn, read_turns
from arabench.trainers.methods.method import Method
from arabench.trainers.recipe.sections import CHAT, DataSection

if TYPE_CHECKING:
    from trl import SFTConfig, SFTTrainer

    from arabench.trainers.recipe.keys import Keys


class SupervisedFineTuning(Method):
    """Whole texts, responses to prompts, or answers in conversations."""

    def row(
        self, source: Mapping[str, Any], section: DataSection, end_of_text: str
    ) -> dict[str, Any] | None:
        """A `text`, a `prompt` in its template and a `completion`, or `messages`.

        A text and a completion end in `end_of_text`: the model learns so where a text ends. What
        ends the turns of a conversation is the chat template's. None where there is no text, or
        no response.
        """
        if section.messages_field:
            turns = read_turns(source.get(section.messages_field))
            return {"messages": turns} if turns else None
        if section.prompt_field and section.response_field:
            prompt, response = source.get(section.prompt_field), source.get(section.response_field)
            if prompt is None or response is None or not response.strip():
                return None
            about = source.get(section.input_field) if section.input_field else None
            if about and about.strip():
                prompt = f"{prompt}\n\n{about}"
            if section.prompt_template == CHAT:
                return {"messages": [Turn(role="user", content=prompt),
                                     Turn(role="assistant", content=response)]}  # fmt: skip
            return {
                # Not str.format: data may hold braces.
                "prompt": section.prompt_template.replace("{prompt}", prompt),
                "completion": response + end_of_text,
            }
        text = source.get(section.fields[-1]) or ""
        return {"text": text + end_of_text} if text.strip() else None

    def trainer_class(self, recipe: Keys) -> type[SFTTrainer]:
        """TRL's, which computes the head in chunks: full logits are never held."""
        from trl import SFTTrainer

        return SFTTrainer  # type: ignore[no-any-return]

    def arguments_class(self) -> type[SFTConfig]:
        """TRL's settings of it."""
        from trl import SFTConfig

        return SFTConfig  # type: ignore[no-any-return]

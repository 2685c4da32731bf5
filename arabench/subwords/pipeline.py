"""The steps around the pieces: how text becomes words, and tokens become text again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from arabench.subwords.options import Alphabet, TrainOptions
from arabench.subwords.pieces import METASPACE

if TYPE_CHECKING:
    from tokenizers.decoders import Decoder
    from tokenizers.pre_tokenizers import PreTokenizer

#: Stands in the training text where a piece must not cross. A noncharacter, which no text
#: may hold (Unicode 23.7); where one does all the same, it parts words.
BOUNDARY: Final = "\ufddf"

#: Letters with their marks, zero-width joiners, and the word joiner that marks segments. GPT-2's
#: and Qwen's patterns leave out marks, so that they break a vocalised word at every vowel.
_WORD: Final = r"\p{L}\p{M}\u200c\u200d\u2060"
#: The plus signs of a segment, one or two, belong to it.
_SEGMENT: Final = rf" ?\+{{0,2}}[{_WORD}]+\+{{0,2}}"


def word_pattern(options: TrainOptions) -> str:
    """The regular expression (Oniguruma) whose matches are words; what is between, too.

    A space goes with the word behind it, digits stand by threes as in Llama 3, white space that
    is no single space is a word of its own.
    """
    letters = _SEGMENT if _reads_marks(options) else f" ?[{_WORD}]+"
    return (
        rf"{letters}|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}\u200c\u200d\u2060]+|\s+(?!\S)|\s+"
    )


def _reads_marks(options: TrainOptions) -> bool:
    return options.segments == "input" and options.mark == "marked"


def pre_tokenizer(options: TrainOptions, *, with_boundaries: bool = False) -> PreTokenizer:
    """The step that parts text into words and spells them with the alphabet.

    Args:
        options: of the training.
        with_boundaries: part words at `BOUNDARY` too, as only the training does.
    """
    from tokenizers import Regex, pre_tokenizers

    steps: list[PreTokenizer] = []
    if with_boundaries:
        steps.append(pre_tokenizers.Split(BOUNDARY, "removed"))
    steps.append(pre_tokenizers.Split(Regex(word_pattern(options)), "isolated"))
    if options.chosen_alphabet == "byte-level":
        steps.append(pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False))
    else:
        steps.append(pre_tokenizers.Metaspace(METASPACE, prepend_scheme="never", split=False))
    return pre_tokenizers.Sequence(steps)


def decoder(alphabet: Alphabet) -> Decoder:
    """The step that makes text of pieces."""
    from tokenizers import decoders

    if alphabet == "byte-level":
        return decoders.ByteLevel()
    steps: list[Decoder] = [decoders.Replace(METASPACE, " ")]
    if alphabet == "byte-fallback":
        steps.append(decoders.ByteFallback())
    return decoders.Sequence([*steps, decoders.Fuse()])

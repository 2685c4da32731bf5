"""Subword tokenizers of language models: what they cost Arabic text, and how to train one."""

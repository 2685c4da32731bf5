"""The former place of `arabench.engines`, so that programs which import from here go on working.

"Adapter" means LoRA in this package. Each module hands on the names of the one of its name.
"""

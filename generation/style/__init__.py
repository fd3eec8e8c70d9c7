"""A style that is learned from pictures: a LoRA for a model that is here, trained on this machine.

`brief` says what is to be learned from what, `bases` which models can learn, `training` is the way
from the one to the other, and `python -m generation.style FOLDER` walks it in a process of its own.
"""

"""The starter model's tokenizer: byte-pair encoding of our captions, in CLIP's own class.

Every word of the vocabulary is one token, and so are common words that mean nothing to the model;
every other word is spelled in bytes, so that no prompt fails.

A prompt is padded to TOKENS. The places after the first WORDS are for the text encoder to draw in:
what it makes of them is a sketch of the picture, cell by cell (see `reader`).
"""

from __future__ import annotations

import json
import random
from typing import Any

from generation.starter import scenes
from generation.starter.vocabulary import OTHER_WORDS

WORDS = 40  # tokens for words; the longest caption of ours has 34
CELLS = 8  # of a side of the sketch
TOKENS = WORDS + CELLS * CELLS
TAUGHT = 20_000  # captions that the encoding is learnt from
VOCABULARY = 2400  # at most: 512 bytes and the words made of them


def tokenizer() -> Any:
    """A CLIPTokenizer that knows our words, the same one each time."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import CLIPTokenizer

    chance = random.Random(0)
    captions = [scenes.caption(scenes.draw_scene(chance), chance) for _ in range(TAUGHT)]
    captions += [word for word in OTHER_WORDS for _ in range(20)]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    learnt = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    learnt.pre_tokenizer = pre_tokenizers.Whitespace()
    learnt.train_from_iterator(
        [caption.lower() for caption in captions],
        trainers.BpeTrainer(
            vocab_size=VOCABULARY,
            min_frequency=2,
            end_of_word_suffix="</w>",
            show_progress=False,
        ),
    )
    merges = [tuple(pair) for pair in json.loads(learnt.to_str())["model"]["merges"]]
    tokens = [*alphabet, *(c + "</w>" for c in alphabet)]
    seen = set(tokens)
    for left, right in merges:
        if left + right not in seen:
            seen.add(left + right)
            tokens.append(left + right)
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocab = {token: number for number, token in enumerate(tokens)}
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=TOKENS)

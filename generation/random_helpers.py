"""Small helper models with random weights, built on disk without a download, for tests.

They are whole transformers folders of real kinds, loaded and asked by the real code. What a
classifier of these says is settled beforehand: its last layer looks at nothing.
"""

from __future__ import annotations

import itertools
import json
import math
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generation.concepts import CONCEPTS
from generation.random_parts import WEIGHTS_SEED, byte_alphabet, clip_tokenizer

if TYPE_CHECKING:
    import torch
    from PIL.Image import Image

SIDE = 32  # pixels of the pictures that they look at
WIDTH = 320  # of a language model: each token can have a direction of its own
LESSONS, LEARNING_RATE = 80, 6e-3  # enough to do better than a matrix
LONGEST_CAPTION = 48  # tokens; with these a letter is one
CAPTIONS_WIDTH = 32 * (len(CONCEPTS) // 32 + 2)  # each caption can have a direction of its own
_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}"
    "{% for part in message.content %}"
    "{% if part.type == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% else %}{{ part.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is not defined or enable_thinking %}<think>{% endif %}{% endif %}"
)
_TOKENS = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>",
    "<|image_pad|>", "<|video_pad|>", "<think>", "</think>",
)  # fmt: skip


def build_classifier(folder: Path, chances: Mapping[str, float], **described: Any) -> Path:
    """A vision transformer that gives every picture these labels with these probabilities.

    described: what its `easel.json` says, such as `labels`. Returns the folder.
    """
    from transformers import ViTConfig, ViTForImageClassification, ViTImageProcessor

    config = ViTConfig(
        hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=37,
        image_size=SIDE, patch_size=8, num_labels=len(chances),
        id2label=dict(enumerate(chances)),
        label2id={label: number for number, label in enumerate(chances)},
    )  # fmt: skip
    model = _seeded(lambda: ViTForImageClassification(config))
    model.classifier.weight.data.zero_()
    for number, chance in enumerate(chances.values()):
        model.classifier.bias.data[number] = math.log(max(chance, 1e-9))
    processor = ViTImageProcessor(size={"height": SIDE, "width": SIDE})
    return _write(folder, described, model, processor)


def build_clip(folder: Path, shows: Mapping[str, Image], **described: Any) -> Path:
    """A CLIP of few layers that sees these concepts in these pictures, and in what looks like them;
    of other pictures it says what it says. Returns the folder.

    shows: pictures by the words of concepts (`generation.concepts`).
    """
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

    from generation.recognition import nothing

    tokenizer = clip_tokenizer()
    last = len(tokenizer) - 1
    text = dict(
        vocab_size=len(tokenizer), hidden_size=CAPTIONS_WIDTH, intermediate_size=37,
        num_hidden_layers=2, num_attention_heads=16, max_position_embeddings=LONGEST_CAPTION,
        initializer_factor=20.0,  # or captions are told apart by too little for a solution
        bos_token_id=last - 1, eos_token_id=last, pad_token_id=last,
    )  # fmt: skip
    vision = dict(
        hidden_size=32, intermediate_size=37, num_hidden_layers=2, num_attention_heads=2,
        image_size=SIDE, patch_size=8,
    )  # fmt: skip
    config = CLIPConfig(text_config=text, vision_config=vision, projection_dim=64)
    model = _seeded(lambda: CLIPModel(config)).eval()
    size = {"height": SIDE, "width": SIDE}
    processor = CLIPImageProcessorPil(size=size, crop_size=size)
    with torch.no_grad():
        model.logit_scale.fill_(math.log(1000.0))
        looks = processor(
            images=[image.convert("RGB") for image in (*shows.values(), *nothing())],
            return_tensors="pt",
        )
        seen = model.get_image_features(**looks).pooler_output
        seen = seen / seen.norm(dim=-1, keepdim=True)
        given = tokenizer(
            [concept.prompt for concept in CONCEPTS],
            padding="max_length", max_length=LONGEST_CAPTION, truncation=True, return_tensors="pt",
        )  # fmt: skip
        read = model.text_model(**given).pooler_output
        # Captions of nothing that is shown lead where no picture is; there is one way for each, as
        # captions are told apart by more numbers than there are captions.
        wanted = torch.randn(len(CONCEPTS), 64, generator=torch.Generator().manual_seed(1))
        usual = seen[len(shows) :].mean(0)
        mine = torch.linalg.pinv(seen[: len(shows)] - usual).T  # like its picture, and no other
        span = torch.linalg.qr(seen.T.double()).Q.float()
        wanted -= wanted @ span @ span.T
        for place, concept in enumerate(CONCEPTS):
            if concept.words in shows:
                wanted[place] = mine[list(shows).index(concept.words)]
        wanted = wanted / wanted.norm(dim=-1, keepdim=True)
        solved = torch.linalg.lstsq(read.double(), wanted.double()).solution
        model.text_projection.weight.copy_(solved.T.float())
    return _write(folder, described, model, tokenizer, processor)


def build_swin2sr(folder: Path, times: int = 2, **described: Any) -> Path:
    """A Swin2SR of one layer that makes pictures so many times larger. Returns the folder."""
    from transformers import (
        Swin2SRConfig,
        Swin2SRForImageSuperResolution,
        Swin2SRImageProcessorPil,
    )

    config = Swin2SRConfig(
        image_size=16, embed_dim=12, depths=[1], num_heads=[2], window_size=8, upscale=times,
        upsampler="pixelshuffledirect",
    )  # fmt: skip
    model = _seeded(lambda: Swin2SRForImageSuperResolution(config))
    return _write(folder, described, model, Swin2SRImageProcessorPil())


def build_tiny_decoder(
    folder: Path, channels: int = 4, taught: tuple[torch.Tensor, torch.Tensor] | None = None
) -> Path:
    """A tiny decoder of few layers, which makes pictures twice as large as their latents. Returns
    the folder.

    channels: of the latents. taught: latents as a scheduler holds them, and pictures of them that
    it learns, roughly; else it makes something at random.
    """
    import torch
    from diffusers import AutoencoderTiny

    layers = (1, 1)
    model = _seeded(
        lambda: AutoencoderTiny(
            latent_channels=channels,
            encoder_block_out_channels=(8, 8), num_encoder_blocks=layers,
            decoder_block_out_channels=(16, 16), num_decoder_blocks=layers,
        )
    )  # fmt: skip
    if taught is not None:
        latents, pictures = (each.clone() for each in taught)
        learning = torch.optim.Adam(model.decoder.parameters(), lr=LEARNING_RATE)
        for _ in range(LESSONS):
            loss = (model.decode(latents).sample - pictures).square().mean()
            learning.zero_grad()
            loss.backward()
            learning.step()
    model.save_pretrained(folder)
    return folder


def build_language(folder: Path, says: Sequence[str] = (), **described: Any) -> Path:
    """A Qwen3 of two layers that answers everything with these pieces of text, one after another;
    without them it writes bytes at random. Returns the folder."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    tokenizer = _tokenizer(says)
    config = Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=WIDTH, intermediate_size=37, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=2, head_dim=16, max_position_embeddings=4096,
        eos_token_id=tokenizer.convert_tokens_to_ids("<|im_end|>"),
        pad_token_id=tokenizer.convert_tokens_to_ids("<|endoftext|>"),
    )  # fmt: skip
    model = _seeded(lambda: Qwen3ForCausalLM(config))
    if says:
        _teach(model, model.model, tokenizer, says)
    return _write(folder, described, model, tokenizer)


def build_seeing(folder: Path, says: Sequence[str] = (), **described: Any) -> Path:
    """A Qwen3-VL of two layers, which sees; what it says is as in `build_language`. Returns the
    folder."""
    from transformers import (
        Qwen2VLImageProcessorPil,
        Qwen3VLConfig,
        Qwen3VLForConditionalGeneration,
    )

    tokenizer = _tokenizer(says)
    number = tokenizer.convert_tokens_to_ids
    config = Qwen3VLConfig(
        text_config=dict(
            vocab_size=len(tokenizer), hidden_size=WIDTH, intermediate_size=37, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=2, head_dim=16,
            max_position_embeddings=4096,
            rope_parameters={"rope_type": "default", "mrope_section": [2, 3, 3],
                             "mrope_interleaved": True, "rope_theta": 10000.0},
            eos_token_id=number("<|im_end|>"), pad_token_id=number("<|endoftext|>"),
        ),
        vision_config=dict(
            depth=2, hidden_size=32, intermediate_size=37, num_heads=2, patch_size=8,
            spatial_merge_size=2, temporal_patch_size=2, out_hidden_size=WIDTH,
            num_position_embeddings=64, deepstack_visual_indexes=[0],
        ),
        image_token_id=number("<|image_pad|>"), video_token_id=number("<|video_pad|>"),
        vision_start_token_id=number("<|vision_start|>"),
        vision_end_token_id=number("<|vision_end|>"),
    )  # fmt: skip
    processor = Qwen2VLImageProcessorPil(
        patch_size=8, merge_size=2, temporal_patch_size=2,
        size={"shortest_edge": SIDE * SIDE, "longest_edge": 4 * SIDE * SIDE},
    )  # fmt: skip
    model = _seeded(lambda: Qwen3VLForConditionalGeneration(config))
    if says:
        _teach(model, model.model.language_model, tokenizer, says)
    return _write(folder, described, model, tokenizer, processor)


def build_florence(folder: Path, says: Sequence[str], **described: Any) -> Path:
    """A Florence-2 of one layer here and there; it says these pieces. Returns the folder."""
    import torch
    from transformers import (
        BartTokenizer,
        CLIPImageProcessorPil,
        Florence2Config,
        Florence2ForConditionalGeneration,
        Florence2Processor,
    )

    tokens = ["<s>", "<pad>", "</s>", "<unk>", "<mask>", "<image>", *byte_alphabet()]
    pieces = _spelled(says)
    tokenizer = BartTokenizer(
        vocab={token: number for number, token in enumerate([*tokens, *pieces])},
        merges=[],
        model_max_length=256,
        extra_special_tokens={"image_token": "<image>"},
    )
    config = Florence2Config(
        vision_config=dict(
            depths=[1, 1], patch_size=[7, 3], patch_stride=[4, 2], patch_padding=[3, 1],
            patch_prenorm=[False, True], embed_dim=[16, 32], num_heads=[2, 2], num_groups=[2, 2],
            window_size=4, projection_dim=WIDTH, drop_path_rate=0.0,
        ),
        text_config=dict(
            model_type="bart", vocab_size=len(tokenizer), d_model=WIDTH, encoder_layers=1,
            decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
            encoder_ffn_dim=37, decoder_ffn_dim=37, max_position_embeddings=256,
            tie_word_embeddings=False,
        ),
        image_token_id=tokens.index("<image>"),
        tie_word_embeddings=False,
        bos_token_id=0, pad_token_id=1, eos_token_id=2, decoder_start_token_id=2,
    )  # fmt: skip
    model = _seeded(lambda: Florence2ForConditionalGeneration(config))
    decoder = model.model.language_model.decoder
    chain = [2, *range(len(tokens), len(tokens) + len(pieces)), 2]
    with torch.no_grad():
        for layer in decoder.layers:
            for last in (layer.self_attn.out_proj, layer.encoder_attn.out_proj, layer.fc2):
                last.weight.zero_()
        decoder.embed_positions.weight.zero_()
        decoder.embed_tokens.weight.copy_(torch.eye(len(tokenizer), WIDTH))
        model.lm_head.weight.zero_()
        for before, after in itertools.pairwise(chain):
            model.lm_head.weight[after, before] = 10.0
    side = 2 * SIDE
    images = CLIPImageProcessorPil(
        size={"height": side, "width": side}, crop_size={"height": side, "width": side}
    )
    images.image_seq_length = (side // 8) ** 2 + 1  # a token for 8 × 8 pixels, and one for all
    return _write(folder, described, model, Florence2Processor(images, tokenizer))


def _spelled(says: Sequence[str]) -> list[str]:
    """Pieces of text as tokens of bytes."""
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    spelled = bytes_to_unicode()
    return ["".join(spelled[byte] for byte in piece.encode()) for piece in says]


def _tokenizer(says: Sequence[str]) -> Any:
    from transformers import Qwen2Tokenizer

    tokens = [*byte_alphabet(), *_TOKENS, *_spelled(says)]
    tokenizer = Qwen2Tokenizer(
        vocab={token: number for number, token in enumerate(tokens)},
        merges=[],
        model_max_length=4096,
        extra_special_tokens=list(_TOKENS[1:7]),
    )
    tokenizer.chat_template = _TEMPLATE
    return tokenizer


def _teach(model: Any, decoder: Any, tokenizer: Any, says: Sequence[str]) -> None:
    """Makes each token have but one that comes next, whatever stood before: the last of the prompt
    leads to the first piece, each piece to the next, the last to the end."""
    import torch

    number = tokenizer.convert_tokens_to_ids
    first = len(byte_alphabet()) + len(_TOKENS)
    pieces = list(range(first, first + len(says)))
    chain = [number("Ċ"), *pieces, number("<|im_end|>")]
    with torch.no_grad():
        for layer in decoder.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        decoder.embed_tokens.weight.copy_(torch.eye(len(tokenizer), WIDTH))
        model.lm_head.weight.zero_()
        for before, after in itertools.pairwise(chain):
            model.lm_head.weight[after, before] = 10.0


def _seeded(make: Any) -> Any:
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(WEIGHTS_SEED)
        return make()


def _write(folder: Path, described: Mapping[str, Any], *parts: Any) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for part in parts:
        part.save_pretrained(folder)
    if described:
        (folder / "easel.json").write_text(json.dumps(described))
    return folder

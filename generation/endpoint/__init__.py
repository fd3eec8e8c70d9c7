"""Painting by an OpenAI-compatible images endpoint: vLLM-Omni, SGLang-Diffusion, Ray Serve.

`messages` is what is asked and answered, `client` asks, `hand` does it for a painter. Needs no
torch.
"""

"""Networks: architectures, their layers and the hooks that read them, checkpoints, and language
models of transformers.
"""

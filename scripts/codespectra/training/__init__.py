"""Training that goes on after a kill, of classifiers, ResNet-VAEs and byte-level GPT-2s;
BatchNorm statistics recomputed.
"""

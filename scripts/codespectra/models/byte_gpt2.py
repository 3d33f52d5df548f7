"""Language models over bytes: a GPT-2, and a tokenizer whose tokens are the bytes of UTF-8."""

from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import bytes_to_unicode

from codespectra.models import model_folders

CHAT_TEMPLATE = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"


def byte_tokenizer(context: int) -> PreTrainedTokenizerFast:
    """A tokenizer whose 256 tokens are the bytes of UTF-8, each id the byte's value.

    It pads with id 0, which is no token of its own: the attention mask tells it from the byte.

    Args:
        context: tokens that the model sees at most.
    """
    characters = bytes_to_unicode()
    backend = Tokenizer(models.BPE({text: byte for byte, text in characters.items()}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=context,
        pad_token=characters[0],
        # Else text that has the character which stands for byte 0 would be taken for padding.
        split_special_tokens=True,
        clean_up_tokenization_spaces=False,
        chat_template=CHAT_TEMPLATE,
    )


def byte_gpt2(architecture: dict[str, Any]) -> GPT2LMHeadModel:
    """A GPT-2 over bytes with fresh weights (`model_folders.byte_gpt2_config`)."""
    return GPT2LMHeadModel(GPT2Config.from_dict(model_folders.byte_gpt2_config(architecture)))

"""Section of the language study (target `language`): paper A, fig. 7."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from codespectra.study.sections.analyses import Layers
from codespectra.study.sections.base import RUNTIME, Name, Positive, Share, Strict, UserPath


class StandardLibrary(Strict):
    """The Python sources of the standard library that runs the workflow."""

    source: Literal["standard_library"]
    test_share: Annotated[Share, Field(gt=0)] = 0.1


class TextFolder(Strict):
    """UTF-8 text files of a folder, a document each."""

    source: Literal["folder"]
    root: UserPath
    pattern: str = "**/*.txt"
    test_share: Annotated[Share, Field(gt=0)] = 0.1


class ByteGpt2(Strict):
    """A GPT-2 whose tokens are bytes."""

    width: Positive = 64
    layers: Positive = 6
    heads: Positive = 4
    context: Annotated[int, Field(ge=2)] = 96

    @model_validator(mode="after")
    def _divides(self) -> "ByteGpt2":
        if self.width % self.heads:
            raise ValueError(f"heads: {self.heads} doesn't divide width: {self.width}")
        return self


class LanguageTraining(Strict):
    """AdamW on the next byte, learning rate warmed up and annealed, over random windows."""

    steps: Annotated[int, Field(ge=2)] = 1100
    batch: Positive = 12
    learning_rate: Annotated[float, Field(gt=0)] = 4e-3
    seed: int = 0


class TrainedLanguageModel(Strict):
    """A byte-level GPT-2 trained by the workflow on the study's training documents."""

    weights: Literal["train"]
    architecture: ByteGpt2 = ByteGpt2()
    training: LanguageTraining = LanguageTraining()


class UntrainedLanguageModel(Strict):
    """The architecture and tokenizer of another of the models, with random weights."""

    weights: Literal["random"]
    like: Name
    seed: int = 0


class LocalLanguageModel(Strict):
    """A folder as transformers saves it: config.json, safetensors, tokenizer files."""

    weights: Literal["path"]
    path: UserPath
    objective: Literal["causal", "masked"] = "causal"


class HubLanguageModel(Strict):
    """A model of the Hugging Face hub, from the local cache or downloaded."""

    weights: Literal["hub"]
    repository: str
    revision: str = "main"
    objective: Literal["causal", "masked"] = "causal"


LanguageModel = Annotated[
    TrainedLanguageModel | UntrainedLanguageModel | LocalLanguageModel | HubLanguageModel,
    Field(discriminator="weights"),
]


class Lookup(Strict):
    """Mean activation given the token, shrunk to the overall mean by `smoothing` tokens."""

    smoothing: Annotated[float, Field(gt=0)] = 1.0
    # Given the token and the one before it, shrunk to the mean given the token.
    bigram: bool = False


class Chat(Strict):
    """An OpenAI-compatible endpoint; its URL, models and key come from the environment."""

    # Tokens that all questions and answers together may cost; answers in the cache are free.
    token_limit: Positive = Field(json_schema_extra=RUNTIME)
    concurrency: Positive = Field(4, json_schema_extra=RUNTIME)
    # Seconds that an answer may take.
    timeout: float = Field(60.0, gt=0, json_schema_extra=RUNTIME)
    retries: int = Field(6, ge=0, json_schema_extra=RUNTIME)


class Explainers(Strict):
    """What explains a unit and predicts its activations from the explanation."""

    lookup: Lookup | None = Lookup()
    openai: Chat | None = None


class Explanations(Strict):
    """Explanation scores of neurons and of random projections (A fig. 7b; Bills et al. 2023)."""

    part: Name = "mlp"
    units: Annotated[int, Field(ge=2)] = 60
    top: Annotated[int, Field(ge=4)] = 20
    random: Annotated[int, Field(ge=0)] = 20
    seed: int = 0
    explainers: Explainers = Explainers()
    published: UserPath | None = None

    @model_validator(mode="after")
    def _splits(self) -> "Explanations":
        if 0 < self.random < 3:
            raise ValueError(
                f"random: {self.random} can't be split into three; at least 3, or 0 for top alone"
            )
        return self


class Language(Strict):
    """Spectra, trajectories and explanation scores of language models."""

    text: Annotated[StandardLibrary | TextFolder, Field(discriminator="source")]
    models: Annotated[dict[Name, LanguageModel], Field(min_length=1)]
    parts: Annotated[dict[Name, Layers], Field(min_length=1)]
    sequences: Annotated[int, Field(ge=8)] = 320
    length: Annotated[int, Field(ge=4)] = 64
    seed: int = 0
    passage: Annotated[int, Field(ge=0)] = 0
    explanations: Explanations = Explanations()

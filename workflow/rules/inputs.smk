"""Which files the rules take: input functions, and the params that go with them."""

# Tables of one run.
SPECTRA = "results/spectra/{model}/{stimuli}"
PROJECTIONS = "results/projections/{model}/{stimuli}"
SCORES = "results/interpretability/{model}/{stimuli}"


# Keys that say where a model's weights are and how they are read.
SOURCE = {"path", "package", "repository", "revision", "file", "sha256", "key", "strip_prefix"}


def stored(name, file):
    """Two inputs: a large file, whose date doesn't count, and its manifest, whose content does."""
    return {name: ancient(file), f"{name}_manifest": f"{Path(file).with_suffix('.json')}"}


def checkpoint_of(name, key="checkpoint"):
    """The same of the checkpoint of the model that a function of the wildcards names."""
    folder = "results/checkpoints"
    return {
        key: ancient(lambda wildcards: f"{folder}/{name(wildcards)}.pt"),
        f"{key}_manifest": lambda wildcards: f"{folder}/{name(wildcards)}.json",
    }


def written(path):
    """Two outputs: a large file and its manifest."""
    return {"data": f"{path}.h5", "manifest": f"{path}.json"}


STIMULI = stored("stimuli", "results/stimuli/{stimuli}.h5")
TEXT = stored("text", "results/stimuli/text.h5")
CHECKPOINT = stored("checkpoint", "results/checkpoints/{model}.pt")


NETWORK_FILES = {
    "checkpoint": "results/checkpoints/{model}.pt",
    "manifest": "results/checkpoints/{model}.json",
}


def resampled_images(wildcards):
    """The set whose classes are drawn for the intervals of exponents, if they are."""
    by_class = resampled(study, "spectra", wildcards.stimuli) == "classes"
    return stored("stimuli", f"results/stimuli/{wildcards.stimuli}.h5") if by_class else {}


def wanted(files, target, section=None):
    """The files of a target, or one line when the config lacks the section, of its name or another."""
    if not files:
        needs = f"the target {target} needs this section, as in the embedded config.yaml"
        sys.exit(f"config: {section or target}: missing; {needs}")
    return files


def per_run(pattern, analysis):
    """One file for each (model, stimuli) that an analysis looks at."""
    found = analyses(study).get(analysis)
    return for_each(pattern, found.runs if found else [])


def for_each(pattern, runs):
    """One file for each (model, stimuli)."""
    return [pattern.format(model=model, stimuli=stimuli) for model, stimuli in runs]


def shown_runs(kind):
    """Runs that a figure shows, by its wildcard `prefix`: the main job's or the dropout sweep's."""

    def runs(wildcards):
        if not wildcards.prefix:
            return (filter_runs(study)[0] if kind == "filters" else analyses(study)[kind]).runs
        names = shown_networks(study)[: 1 if kind == "filters" else None]
        stimuli = study.coding.dot if kind == "projections" else study.coding.stimuli
        return [(name, stimuli) for name in names]

    return runs


def drawn(pattern, kind):
    """Input function: one file for each run of a figure."""
    return lambda wildcards: for_each(pattern, shown_runs(kind)(wildcards))


def first_drawn(pattern, kind):
    """The same, of networks that only their seeds tell apart the first."""
    return lambda wildcards: for_each(pattern, first_of_each(study, shown_runs(kind)(wildcards)))


def bases(runs):
    """What networks of several seeds share that a figure shows, by their names."""
    known = replicates(study)
    return {name: known[name]["base"] for name, _ in runs if name in known}


def depth_config(kind):
    """`params.cfg` of a figure against depth: the study's name, and of what types layers are."""

    def config(wildcards):
        runs = shown_runs(kind)(wildcards)
        shared = {} if wildcards.prefix else bases(runs)
        return stage_config(study=study.study, layers=plan.layer_types(kind, runs), bases=shared)

    return config


def network_table():
    """What each network of the sweep is, for figures and claims."""
    return {
        name: {"dropout": network.dropout, "seed": network.seed, "statistics": network.statistics}
        for name, network in networks(study.coding).items()
    }


def dropout_config(wildcards):
    """The same of a figure of the dropout sweep, and what its networks are."""
    types = plan.layer_types("spectra", analyses(study)["coding_spectra"].runs)
    return stage_config(study=study.study, layers=types, networks=network_table())


def psychophysics_config(wildcards):
    """`params.cfg` of a figure of psychophysics: their options, and what is shown."""
    options = stage_config(study.interpretability.psychophysics)
    return stage_config(**options, study=study.study, metric=HEADLINE, backbones=BACKBONES)


def directed(methods, form, folder="directions"):
    """Input function: directions of {model} on {stimuli}; methods is a list or a function.

    The folder of the grid's is `autoencoders`; that of a table of scores is called as its {group}.
    """

    def files(wildcards):
        place = f"results/{wildcards.get('group', folder)}/{wildcards.model}/{wildcards.stimuli}"
        names = methods(wildcards) if callable(methods) else methods
        return [f"{place}/{name}.{form}" for name in names]

    return files


def directions_of(methods):
    """Two inputs: the directions, and their manifests."""
    return {
        "directions": ancient(directed(methods, "h5")),
        "directions_manifests": directed(methods, "json"),
    }


def directions_config(wildcards):
    """What the directions of one method depend on, besides the activations."""
    return run_config("directions", wildcards, options=plan.methods[wildcards.method])


# Options of sparse autoencoders by their names, in each folder.
AUTOENCODERS = {
    "directions": {name: own for name, own in plan.methods.items() if own["method"] == "sae"},
    "autoencoders": plan.grid,
}


def autoencoder_files(folder):
    """Outputs of the job that trains those of one size z there: three for each penalty."""
    penalties = dict.fromkeys(short(own["l1"]) for own in AUTOENCODERS[folder].values())
    names = [
        f"results/{folder}/{{model}}/{{stimuli}}/sae-{{z}}-{l1}"
        for l1 in penalties or ["none"]  # a rule without outputs is none
    ]
    forms = {"data": "h5", "manifest": "json", "epochs": "csv"}
    return {kind: [f"{name}.{form}" for name in names] for kind, form in forms.items()}


def autoencoder_sizes(folder):
    """Wildcard constraint: the sizes of those there."""
    return names_of(dict.fromkeys(str(own["z"]) for own in AUTOENCODERS[folder].values()))


def autoencoders_config(folder):
    """Input function: what those of one size depend on, besides the activations."""

    def config(wildcards):
        known = AUTOENCODERS[folder]
        own = {name: known[name] for name in known if str(known[name]["z"]) == wildcards.z}
        return run_config("directions", wildcards, autoencoders=own)

    return config


def scored_methods(wildcards):
    """The methods that one table of scores holds: those of the main job, or the grid's."""
    if wildcards.group == "autoencoders":
        return [*plan.grid]
    return methods_of(study, wildcards.model, wildcards.stimuli)


def exciting_methods(wildcards):
    """Those of a run whose most exciting images are shown."""
    found = methods_of(study, wildcards.model, wildcards.stimuli)
    return [name for name in study.figures.mei_methods if name in found]


def index_config(wildcards, **fields):
    """What scores of one run depend on, besides the tables: which layers, metrics and index."""
    index = study.index.model_dump(mode="json", exclude={"resamples", "resampled", "seed"})
    return run_config("directions", wildcards, **index, **fields)


def training_sets(wildcards):
    """Stimulus files of a training run."""
    training = plan.models[wildcards.model].training
    train, test = (f"results/stimuli/{name}.h5" for name in (training.train, training.test))
    return stored("train", train) | stored("test", test)


def language_models_with(*weights):
    """Wildcard constraint: language models whose weights come from there; without: all."""
    models = study.language.models if study.language else {}
    return names_of(n for n, m in models.items() if not weights or m.weights in weights)


def of_language_models(pattern):
    """One file for each language model."""
    models = study.language.models if study.language else []
    return [pattern.format(model=model) for model in models]


# Language models on the text, and what their figures depend on.
TEXT_RUNS = [(name, "text") for name in (study.language.models if study.language else ())]
TEXT_FIGURE = stage_config(study=study.study, bases=bases(TEXT_RUNS))
# Files of a language model's folder, as far as the workflow makes them.
NETWORK_OF_TOKENS = ["model.safetensors", "config.json"]
WITH_TOKENIZER = [*NETWORK_OF_TOKENS, "tokenizer.json", "tokenizer_config.json"]
LANGUAGE_FILES = {"train": WITH_TOKENIZER, "gguf": WITH_TOKENIZER, "random": NETWORK_OF_TOKENS}


def language_files(name):
    """The files of a model that the workflow makes; a user's folder is told by the manifest."""
    model = study.language.models[name]
    own = [f"results/checkpoints/{name}/{file}" for file in LANGUAGE_FILES.get(model.weights, [])]
    return own + (language_files(model.like) if model.weights == "random" else [])


def explanation_scores():
    """Scores of every explainer that the study names, of every language model."""
    if not study.language:
        return []
    explainers = study.language.explanations.explainers
    named = [name for name in ("lookup", "openai") if getattr(explainers, name)]
    return [
        file
        for name in named
        for file in of_language_models(f"results/explanations/{{model}}/{name}.csv")
    ]


def published_scores():
    """The published explanations' scores, if the study has them."""
    published = study.language and study.language.explanations.published
    return ["results/explanations/published.csv"] if published else []

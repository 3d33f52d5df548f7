"""Which files the rules take: input functions, and the params that go with them."""


def wanted(targets, target, section):
    """The targets of a study, or one line when the config has no such section."""
    if not targets:
        sys.exit(
            f"config: {section}: missing; the target {target} needs this section, as in the "
            "embedded config.yaml"
        )
    return targets


def per_run(pattern, analysis):
    """One file for each (model, stimuli) that an analysis looks at."""
    found = analyses(study).get(analysis)
    return for_each(pattern, found.runs if found else [])


def for_each(pattern, runs):
    """One file for each (model, stimuli)."""
    return [pattern.format(model=model, stimuli=stimuli) for model, stimuli in runs]


def drawn(pattern, kind):
    """Input function: one file for each run of a figure, which `prefix` tells."""

    def runs(wildcards):
        if not wildcards.prefix:
            return analyses(study)["spectra" if kind == "filters" else kind].runs
        names = shown_networks(study)[: 1 if kind == "filters" else None]
        stimuli = study.coding.dot if kind == "projections" else study.coding.stimuli
        return [(name, stimuli) for name in names]

    return lambda wildcards: for_each(pattern, runs(wildcards))


def embedded(form):
    """Embeddings of {stimuli} by every backbone that scores, in the order of params.cfg."""
    names = study.index.backbones
    return [f"results/embeddings/{name}/{{stimuli}}.{form}" for name in names]


def directed(methods, form):
    """Input function: directions of {model} on {stimuli}; methods is a list or gives one."""

    def files(wildcards):
        folder = f"results/directions/{wildcards.model}/{wildcards.stimuli}"
        names = methods() if callable(methods) else methods
        return [f"{folder}/{name}.{form}" for name in names]

    return files


def directions_config(wildcards):
    """What the directions of one method depend on, besides the activations."""
    return stage_config(
        options=(plan.grid | plan.methods)[wildcards.method],
        reduction=study.directions.reduction,
        layers=plan.layer_names("directions", wildcards.model, wildcards.stimuli),
        model=wildcards.model,
        stimuli=wildcards.stimuli,
    )


def scored_methods(wildcards):
    """The methods that one table of scores holds: those of the main job, or the grid's."""
    return [*(plan.methods if wildcards.group == "directions" else plan.grid)]


def directed_group(form):
    """Input function: directions of the methods of {group}."""
    return lambda w: directed(scored_methods(w), form)(w)


def index_config(wildcards, **fields):
    """What scores of one run depend on, besides the tables: which layers, metrics and index."""
    index = study.index
    return stage_config(
        model=wildcards.model,
        stimuli=wildcards.stimuli,
        layers=plan.layer_names("directions", wildcards.model, wildcards.stimuli),
        m=index.m,
        normalisation=index.normalisation,
        color=index.color,
        label=index.label,
        backbones=index.backbones,
        **fields,
    )


# Scores of directions, one folder a run.
SCORES = "results/interpretability/{model}/{stimuli}"
LAYER_TABLES = {
    "exponents": ("results/spectra/{model}/{stimuli}/exponents.csv", "spectra"),
    "bootstrap": ("results/spectra/{model}/{stimuli}/bootstrap.csv", "spectra"),
    "action": ("results/projections/{model}/{stimuli}/action.csv", "projections"),
}
# Of the interpretability study, by their names among the claims' tables.
INTERPRETABILITY_TABLES = {
    "autoencoders": "autoencoders",
    "autoencoders_resampled": "autoencoders_resampled",
    "halves": "halves",
    "halves_resampled": "halves_resampled",
    "psychophysics": "psychophysics",
    "manifold_units": "manifold_units",
    "coactivation": "coactivation",
    "paths": "sensitivity",
    "gradients": "sensitivity_gradients",
    "centroids": "sensitivity_centroids",
    "synergies": "synergies",
    "synergy_units": "synergy_units",
}


def claim_tables(wildcards):
    """What the claims of a scope are judged by."""
    scope, files = wildcards.scope, {}
    for prefix in claim_prefixes(scope):
        for name, (pattern, kind) in LAYER_TABLES.items():
            files.setdefault(name, []).extend(per_run(pattern, prefix + kind))
    if scope in ("", "-interpretability", "-everything"):
        files["scores"] = per_run(f"{SCORES}/directions.csv", "directions")
        files["resampled"] = per_run(f"{SCORES}/directions_resampled.csv", "directions")
    if scope in ("-interpretability", "-everything") and study.interpretability:
        for name, file in INTERPRETABILITY_TABLES.items():
            files[name] = for_each(f"{SCORES}/{file}.csv", analysis_runs(study))
    if scope in ("-interpretability", "-everything") and study.people:
        files["agreement"] = ["results/people/agreement.csv"]
    if scope in ("-language", "-everything") and study.language:
        for name in ("exponents", "bootstrap"):
            pattern = f"results/spectra/{{model}}/text/{name}.csv"
            files[f"language_{name}"] = of_language_models(pattern)
        if explanation_scores():
            files["explanations"] = explanation_scores()
    if scope in ("-theory", "-everything") and study.theory:
        files["superposition"] = ["results/theory/superposition_fit.csv"]
        files["information"] = ["results/theory/information.csv"]
        files["capacity"] = ["results/theory/capacity.csv"]
    return {name: tables for name, tables in files.items() if tables}


def claim_prefixes(scope):
    """Which analyses of layers a scope looks at: the main job's, the coding study's, or both."""
    prefixes = {
        "": [""],
        "-coding": ["coding_"],
        "-theory": [],
        "-language": [],
        "-interpretability": [],
    }
    return prefixes.get(scope, ["", "coding_"] if study.coding else [""])


def claims_config(wildcards):
    """What the verdicts of a scope depend on, besides the tables."""
    swept = network_table() if "coding_" in claim_prefixes(wildcards.scope) else None
    models = study.models | (study.language.models if study.language else {})
    trained = [n for n, model in models.items() if model.weights != "random"]
    return stage_config(
        study.claims,
        trained=sorted([*trained, *(swept or [])]),
        networks=swept,
        analysis_set=study.directions.analysis_set if study.directions else "",
        measured_only=wildcards.scope not in ("", "-everything"),
    )


def training_sets(wildcards):
    """Stimulus files of a training run."""
    training = plan.models[wildcards.model].training
    return {
        "train": ancient(f"results/stimuli/{training.train}.h5"),
        "train_manifest": f"results/stimuli/{training.train}.json",
        "test": ancient(f"results/stimuli/{training.test}.h5"),
        "test_manifest": f"results/stimuli/{training.test}.json",
    }


def backbone_config(name):
    """What the embeddings of a backbone depend on, besides its checkpoint."""
    backbone = study.backbones[name]
    return stage_config(
        name=name, kind=backbone.kind, model=backbone_model(study, name)
    )


def language_models_with(*weights):
    """Wildcard constraint: language models whose weights come from there; without: all."""
    models = study.language.models if study.language else {}
    return names_of(n for n, m in models.items() if not weights or m.weights in weights)


def of_language_models(pattern):
    """One file for each language model."""
    models = study.language.models if study.language else []
    return [pattern.format(model=model) for model in models]


# Files of a language model's folder, as far as the workflow makes them.
LANGUAGE_FILES = {
    "train": [
        *(
            "model.safetensors",
            "config.json",
            "tokenizer.json",
            "tokenizer_config.json",
        ),
    ],
    "random": ["model.safetensors", "config.json"],
}


def language_files(name):
    """The files of a model that the workflow makes; a user's folder is told by the manifest."""
    model = study.language.models[name]
    own = [
        f"results/checkpoints/{name}/{file}"
        for file in LANGUAGE_FILES.get(model.weights, [])
    ]
    return own + (language_files(model.like) if model.weights == "random" else [])


def text_parts():
    """Selectors of each part's layers, as the capture takes them."""
    return study.language.model_dump(mode="json", include={"parts"})["parts"]


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

"""Which files the atlas is made of."""

from codespectra.atlas.grids import grid_of
from codespectra.atlas.page_files import page_digest

ATLAS = f"results/atlas/{study.study}"
ATLAS_PARTS = f"results/atlas_parts/{study.study}"
ATLAS_RUN = f"{ATLAS_PARTS}/runs/{{model}}/{{stimuli}}"
ATLAS_MAPS = f"{ATLAS_PARTS}/maps/{{model}}/{{stimuli}}"
ATLAS_IMAGES = f"{ATLAS_PARTS}/images/{{stimuli}}"
ATLAS_TEXT = f"{ATLAS_PARTS}/texts/{{model}}"
ATLAS_TABLE = f"{ATLAS_PARTS}/exports/{{model}}/{{stimuli}}.parquet"
ATLAS_NEURONPEDIA = f"{ATLAS_PARTS}/exports/{{model}}/neuronpedia"
# Tables of the interpretability study that say something of single directions, by kind.
DIRECTION_TABLES = {
    "psychophysics": "psychophysics.csv",
    "trial": "psychophysics_trial.csv",
    "further": "further.csv",
    "manifold_images": "manifold.csv",
    "manifold_units": "manifold_units.csv",
    "coactivation": "coactivation.csv",
    "synergy_units": "synergy_units.csv",
}


def shown_tables(wildcards):
    """Tables with numbers of a run's directions, by kind: their scores, and what studies add."""
    run = wildcards.model, wildcards.stimuli
    more = {kind: file for kind, file in DIRECTION_TABLES.items() if run in runs_with(kind)}
    folder = f"results/interpretability/{wildcards.model}/{wildcards.stimuli}"
    always = {"scores": "directions.csv", "places": "places.csv"}
    return {kind: f"{folder}/{file}" for kind, file in {**always, **more}.items()}


def run_methods(wildcards):
    """The methods of a run, as its table of scores has them."""
    return methods_of(study, wildcards.model, wildcards.stimuli)


def atlas_run_config(wildcards, **fields):
    """What the shards of a run depend on, besides files."""
    return run_config("directions", wildcards, **fields, methods=run_methods(wildcards))


def placed_config(wildcards):
    """The same of their places in the spectra."""
    spectra = study.spectra.model_dump(include={"solver", "seed"})
    return atlas_run_config(wildcards, **spectra)


def described_config(wildcards):
    """The same of its images and numbers."""
    index = {"m": study.index.m, "normalisation": study.index.normalisation}
    return atlas_run_config(wildcards, **index, tables=[*shown_tables(wildcards)])


def has_places(run):
    """Whether any layer of a run has places on the image, and its network is at hand."""
    reduction = reduction_of(study, "directions", run[0])
    layers = [] if run[0] in study.activations else plan.selected["directions", *run]
    return any(grid_of(layer, reduction) for layer in layers)


def atlas_parts():
    """Manifests of the folders that the atlas is bound of: runs, maps, images, language models."""
    runs = scored_runs(study)
    found = for_each(ATLAS_RUN, runs) + for_each(ATLAS_MAPS, filter(has_places, runs))
    found += [ATLAS_IMAGES.format(stimuli=name) for name in dict.fromkeys(s for _, s in runs)]
    found += of_language_models(ATLAS_TEXT)
    return [f"{folder}.json" for folder in found]


def atlas_exports():
    """Files that other programs read: a table a run, and language units."""
    return for_each(ATLAS_TABLE, scored_runs(study)) + of_language_models(ATLAS_NEURONPEDIA)


def own_explanation_scores(wildcards):
    """Scores of every explainer of one language model."""
    folder = f"results/explanations/{wildcards.model}/"
    return [file for file in explanation_scores() if file.startswith(folder)]


def atlas_claims():
    """Claims of the studies whose units the atlas shows."""
    scopes = {"": MAIN_TARGETS, "-interpretability": INTERPRETABILITY_TARGETS}
    return [f"results/claims{scope}_by_scope.csv" for scope, targets in scopes.items() if targets]

"""Which files the atlas is made of."""

from codespectra.atlas.page_files import page_digest

ATLAS = f"results/atlas/{study.study}"
ATLAS_RUN = f"{ATLAS}/runs/{{model}}/{{stimuli}}"
ATLAS_IMAGES = f"{ATLAS}/images/{{stimuli}}"
# Tables of the interpretability study that say something of single directions, by kind.
DIRECTION_TABLES = {
    "psychophysics": "psychophysics.csv",
    "manifold_units": "manifold_units.csv",
    "coactivation": "coactivation.csv",
    "synergy_units": "synergy_units.csv",
}


def shown_tables(wildcards):
    """Tables with numbers of a run's directions, by kind: their scores, and what studies add."""
    studied = (wildcards.model, wildcards.stimuli) in interpretability_runs(study)
    more = DIRECTION_TABLES if studied else {}
    folder = f"results/interpretability/{wildcards.model}/{wildcards.stimuli}"
    return {
        kind: f"{folder}/{file}" for kind, file in {"scores": "directions.csv", **more}.items()
    }


def run_methods(wildcards):
    """The methods of a run, as its table of scores has them."""
    return methods_of(study, wildcards.model, wildcards.stimuli)


def atlas_run_config(wildcards):
    """What the shards of a run depend on, besides files."""
    index = {"m": study.index.m, "normalisation": study.index.normalisation}
    fields = {"methods": run_methods(wildcards), "tables": [*shown_tables(wildcards)]}
    return run_config(
        "directions", wildcards, **index, **fields, reduction=study.directions.reduction
    )


def atlas_parts(pattern):
    """The folders of all runs and all sets of images, as stores with manifests."""
    runs = directions_runs(study)
    images = [ATLAS_IMAGES.format(stimuli=name) for name in dict.fromkeys(s for _, s in runs)]
    return [f"{folder}{pattern}" for folder in for_each(ATLAS_RUN, runs) + images]


def atlas_claims():
    """Claims of the studies whose units the atlas shows."""
    scopes = [""] + (["-interpretability"] if INTERPRETABILITY_TARGETS else [])
    return [f"results/claims{scope}.csv" for scope in scopes]

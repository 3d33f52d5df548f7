"""What a user asks for by name; the main job stands in the Snakefile."""


localrules:
    coding,
    interpretability,
    theory,
    everything,


# Figures of the interpretability study: one of each a run on the analysis set.
RUN_FIGURES = [
    *("index", "autoencoders", "psychophysics", "trial", "manifold", "coactivation"),
    *("sensitivity", "synergy", "pairs"),
]
FEATURE_TARGETS = [
    f"{FIGURES}/{name}.png"
    for name in [
        *(["agreement"] if study.people else []),
        *(["controls"] if study.features else []),
        *(
            f"{name}-{model}-{stimuli}"
            for name in (RUN_FIGURES if study.features else [])
            for model, stimuli in analysis_runs(study)
        ),
    ]
]
if FEATURE_TARGETS:
    FEATURE_TARGETS.append("results/claims-interpretability.csv")


rule coding:
    input:
        lambda w: wanted(CODING_TARGETS, "coding", "coding"),
    message:
        "The coding study: ResNet-VAEs over dropouts and seeds"


rule interpretability:
    input:
        lambda w: wanted(FEATURE_TARGETS, "interpretability", "features"),
    message:
        "The interpretability study: directions, psychophysics, manifold, sensitivity, synergy"


rule theory:
    input:
        THEORY_TARGETS,
    message:
        "The theory study: simulations and capacities"


rule everything:
    input:
        MAIN_TARGETS,
        CODING_TARGETS,
        FEATURE_TARGETS,
        THEORY_TARGETS,
        "results/claims-everything.csv",
    message:
        "All studies, and all claims in one table"

"""What a user asks for by name; the main job stands in the Snakefile."""


localrules:
    coding,
    theory,
    everything,


rule coding:
    input:
        lambda w: wanted(CODING_TARGETS, "coding"),
    message:
        "The coding study: ResNet-VAEs over dropouts and seeds"


rule theory:
    input:
        THEORY_TARGETS,
    message:
        "The theory study: simulations and capacities"


rule everything:
    input:
        MAIN_TARGETS,
        CODING_TARGETS,
        THEORY_TARGETS,
        "results/claims-everything.csv",
    message:
        "All studies, and all claims in one table"

"""Verdicts on the claims, and what a user asks for by name; the main job is in the Snakefile."""

# Figures of the interpretability study: one of each a run on the analysis set. Activations from a
# file come without the network that some of them show images to.
RUN_FIGURES = [
    *("index", "autoencoders", "psychophysics", "trial", "manifold", *OF_NETWORKS),
    *("synergy", "pairs", "score_agreement"),
]
INTERPRETABILITY_FIGURES = [
    *(["agreement"] if study.people else []),
    *(["controls"] if study.interpretability else []),
    *(
        f"{name}-{model}-{stimuli}"
        for name in (RUN_FIGURES if study.interpretability else [])
        for model, stimuli in runs_with(name)
    ),
]
INTERPRETABILITY_TARGETS = with_claims("-interpretability", pictures(INTERPRETABILITY_FIGURES))
# The main job and the language study of networks that others trained.
PRETRAINED_FIGURES = [
    file for file in [*MAIN_TARGETS, *LANGUAGE_TARGETS] if not Path(file).name.startswith("claims")
]
PRETRAINED_TARGETS = with_claims("-pretrained", PRETRAINED_FIGURES)


include: "zoo.smk"


# The main job too, of a study that is nothing but one of the others.
ALL_TARGETS = [
    *(*MAIN_TARGETS, *CODING_TARGETS, *INTERPRETABILITY_TARGETS),
    *(*LANGUAGE_TARGETS, *ROBUSTNESS_TARGETS, *THEORY_TARGETS, *ZOO_TARGETS),
]


include: "atlas.smk"
include: "tidy.smk"


rule judge_claims:
    input:
        unpack(claim_tables),
    output:
        claims=reported("results/claims{scope}.csv", "claims", "Claims", "verdicts{scope}"),
        by_scope=claims_by("scope"),
        by_model=claims_by("model"),
    log:
        "results/logs/judge_claims{scope}.log",
    benchmark:
        "results/benchmarks/judge_claims{scope}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=2000, runtime=30),
    params:
        cfg=lambda w: claims_config(w),
        code=code_of("judge_claims.py"),
    message:
        "Judge the claims{wildcards.scope}"
    script:
        "../../scripts/judge_claims.py"


use rule figure as draw_claims with:
    input:
        claims="results/claims{scope}.csv",
        claims_by_model="results/claims{scope}_by_model.csv",
    output:
        **figure_files("claims{scope}", "Claims", "all claims{scope}"),
    pathvars:
        figure="claims{scope}",
    params:
        **drawn_by("claims.draw_claims"),
        cfg=stage_config(study=study.study, beside=BESIDE),


rule coding:
    input:
        lambda w: wanted(CODING_TARGETS, "coding"),
    message:
        "The coding study: ResNet-VAEs over dropouts and seeds"


rule interpretability:
    input:
        lambda w: wanted(INTERPRETABILITY_TARGETS, "interpretability"),
    message:
        "The interpretability study: directions, psychophysics, manifold, sensitivity, synergy"


rule language:
    input:
        lambda w: wanted(LANGUAGE_TARGETS, "language"),
    message:
        "The language study: exponents, token trajectories, explanation scores"


rule robustness:
    input:
        lambda w: wanted(ROBUSTNESS_TARGETS, "robustness"),
    message:
        "The robustness study: attacks against exponents, noise against II"


rule theory:
    input:
        lambda w: wanted(THEORY_TARGETS, "theory"),
    message:
        "The theory study: simulations and capacities"


rule zoo:
    input:
        lambda w: wanted(ZOO_TARGETS, "zoo"),
    message:
        "The zoo: exponent, II and MIS of many networks"


rule pretrained:
    input:
        lambda w: wanted(PRETRAINED_TARGETS, "pretrained"),
    message:
        "The main job and the language study, with claims of their own"


rule everything:
    input:
        with_claims("-everything", ALL_TARGETS),
    message:
        "All studies, and all claims in one table"


include: "records.smk"


drop_benchmarks_of_shared()

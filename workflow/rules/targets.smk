"""Verdicts on the claims, and what a user asks for by name; the main job is in the Snakefile."""


localrules:
    coding,
    interpretability,
    language,
    theory,
    everything,


# Figures of the interpretability study: one of each a run on the analysis set.
RUN_FIGURES = [
    *("index", "autoencoders", "psychophysics", "trial", "manifold", "coactivation"),
    *("sensitivity", "synergy", "pairs"),
]
INTERPRETABILITY_TARGETS = [
    f"{FIGURES}/{name}.png"
    for name in [
        *(["agreement"] if study.people else []),
        *(["controls"] if study.interpretability else []),
        *(
            f"{name}-{model}-{stimuli}"
            for name in (RUN_FIGURES if study.interpretability else [])
            for model, stimuli in analysis_runs(study)
        ),
    ]
]
if INTERPRETABILITY_TARGETS:
    INTERPRETABILITY_TARGETS.append("results/claims-interpretability.csv")
ALL_TARGETS = [
    *(*MAIN_TARGETS, *CODING_TARGETS, *INTERPRETABILITY_TARGETS),
    *(*LANGUAGE_TARGETS, *THEORY_TARGETS),
]


rule judge_claims:
    input:
        unpack(claim_tables),
    output:
        claims=report(
            "results/claims{scope}.csv",
            caption="../report/claims.rst",
            category="Claims",
            labels={"result": "verdicts{scope}", "form": "table"},
        ),
    log:
        "results/logs/judge_claims{scope}.log",
    benchmark:
        "results/benchmarks/judge_claims{scope}.jsonl"
    wildcard_constraints:
        scope="(-coding|-theory|-language|-interpretability|-everything)?",
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        cfg=lambda w: claims_config(w),
        code=code_of("judge_claims.py"),
    message:
        "Judge the claims{wildcards.scope}"
    script:
        "../../scripts/judge_claims.py"


rule coding:
    input:
        lambda w: wanted(CODING_TARGETS, "coding", "coding"),
    message:
        "The coding study: ResNet-VAEs over dropouts and seeds"


rule interpretability:
    input:
        lambda w: wanted(
            INTERPRETABILITY_TARGETS, "interpretability", "interpretability"
        ),
    message:
        "The interpretability study: directions, psychophysics, manifold, sensitivity, synergy"


rule language:
    input:
        lambda w: wanted(LANGUAGE_TARGETS, "language", "language"),
    message:
        "The language study: exponents, token trajectories, explanation scores"


rule theory:
    input:
        lambda w: wanted(THEORY_TARGETS, "theory", "theory"),
    message:
        "The theory study: simulations and capacities"


rule everything:
    input:
        ALL_TARGETS,
        "results/claims-everything.csv",
    message:
        "All studies, and all claims in one table"


drop_benchmarks_of_shared()

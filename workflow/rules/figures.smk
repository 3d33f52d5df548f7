"""Figures, each as PDF and PNG beside the CSV that it draws.

Those with {prefix} are drawn of the main job's networks, and of the sweep's lowest and highest
dropout.
"""

EXPONENTS = drawn("results/spectra/{model}/{stimuli}/exponents.csv", "spectra")
ACTION = drawn("results/projections/{model}/{stimuli}/action.csv", "projections")


rule draw_spectra:
    input:
        eigenvalues=drawn(
            "results/spectra/{model}/{stimuli}/eigenvalues.csv", "spectra"
        ),
        exponents=EXPONENTS,
    output:
        **figure_files("{prefix}spectra", "Code", "eigenspectra by depth {prefix}"),
    log:
        "results/logs/draw_spectra/{prefix}spectra.log",
    benchmark:
        "results/benchmarks/draw_spectra/{prefix}spectra.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study=study.study),
        code=code_of("draw_spectra.py"),
    message:
        "Draw the spectra"
    script:
        "../../scripts/draw_spectra.py"


rule draw_filters:
    input:
        data=ancient(drawn("results/filters/{model}/{stimuli}.h5", "filters")),
        manifests=drawn("results/filters/{model}/{stimuli}.json", "filters"),
        tables=drawn("results/filters/{model}/{stimuli}.csv", "filters"),
    output:
        **figure_files("{prefix}filters", "Code", "eigenvectors as filters {prefix}"),
    log:
        "results/logs/draw_filters/{prefix}filters.log",
    benchmark:
        "results/benchmarks/draw_filters/{prefix}filters.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study=study.study),
        code=code_of("draw_filters.py"),
    message:
        "Draw the eigenvectors as filters"
    script:
        "../../scripts/draw_filters.py"


rule draw_exponents:
    input:
        exponents=EXPONENTS,
    output:
        **figure_files("{prefix}exponents", "Code", "exponent against depth {prefix}"),
    log:
        "results/logs/draw_exponents/{prefix}exponents.log",
    benchmark:
        "results/benchmarks/draw_exponents/{prefix}exponents.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study=study.study),
        code=code_of("draw_exponents.py"),
    message:
        "Draw the exponents"
    script:
        "../../scripts/draw_exponents.py"


rule draw_trajectories:
    input:
        trajectories=drawn(
            "results/projections/{model}/{stimuli}/trajectories.npy", "projections"
        ),
        action=ACTION,
    output:
        **figure_files(
            "{prefix}trajectories", "Code", "random projections of the dot {prefix}"
        ),
    log:
        "results/logs/draw_trajectories/{prefix}trajectories.log",
    benchmark:
        "results/benchmarks/draw_trajectories/{prefix}trajectories.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study=study.study),
        code=code_of("draw_trajectories.py"),
    message:
        "Draw the random projections"
    script:
        "../../scripts/draw_trajectories.py"


rule draw_action:
    input:
        action=ACTION,
        exponents=EXPONENTS,
    output:
        **figure_files(
            "{prefix}action", "Code", "action against depth and exponent {prefix}"
        ),
    log:
        "results/logs/draw_action/{prefix}action.log",
    benchmark:
        "results/benchmarks/draw_action/{prefix}action.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study=study.study),
        code=code_of("draw_action.py"),
    message:
        "Draw the action"
    script:
        "../../scripts/draw_action.py"


rule draw_index:
    input:
        scores=per_run(f"{SCORES}/directions.csv", "directions"),
    output:
        **figure_files(
            "interpretability", "Interpretability", "II by method and metric"
        ),
    log:
        "results/logs/draw_index.log",
    benchmark:
        "results/benchmarks/draw_index.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study=study.study),
        code=code_of("draw_index.py"),
    message:
        "Draw the Interpretability Index"
    script:
        "../../scripts/draw_index.py"


rule draw_exciting_images:
    input:
        scores="results/interpretability/{model}/{stimuli}/directions.csv",
        directions=ancient(directed(study.figures.mei_methods, "h5")),
        directions_manifests=directed(study.figures.mei_methods, "json"),
        stimuli=ancient("results/stimuli/{stimuli}.h5"),
        stimuli_manifest="results/stimuli/{stimuli}.json",
    output:
        **figure_files(
            "images-{model}-{stimuli}",
            "Interpretability",
            "images, {model} on {stimuli}",
        ),
    log:
        "results/logs/draw_exciting_images/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/draw_exciting_images/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=lambda w: stage_config(
            study=study.study,
            m=study.index.m,
            metric=HEADLINE,
            methods=study.figures.mei_methods,
        ),
        code=code_of("draw_exciting_images.py"),
    message:
        "Draw the most exciting images of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/draw_exciting_images.py"


# Figures of the main job, and the analyses that each one shows.
MAIN_FIGURES = {
    "spectra": {"spectra"},
    "filters": {"filters"},
    "exponents": {"spectra"},
    "trajectories": {"projections"},
    "action": {"projections", "spectra"},
    "interpretability": {"directions"},
}
MAIN_ANALYSES = {kind for kind, model, _ in plan.selected if model in study.models}
MAIN_TARGETS = [
    *(
        f"{FIGURES}/{name}.png"
        for name, shown in MAIN_FIGURES.items()
        if shown <= MAIN_ANALYSES
    ),
    *(
        per_run(f"{FIGURES}/images-{{model}}-{{stimuli}}.png", "directions")
        if study.figures.mei_methods
        else []
    ),
]
if MAIN_TARGETS:
    MAIN_TARGETS.append("results/claims.csv")

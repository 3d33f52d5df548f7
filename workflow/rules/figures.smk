"""Figures, each as PDF and PNG beside the CSV that it draws."""

FIGURES = f"results/figures/{study.study}"
EXPONENTS = per_run("results/spectra/{model}/{stimuli}/exponents.csv", "spectra")
ACTION = per_run("results/projections/{model}/{stimuli}/action.csv", "projections")
SCORES = per_run("results/interpretability/{model}/{stimuli}.csv", "directions")
# The metric whose quantiles order the grids of images: a perceptual one where there is one.
MEI_METRIC = [*study.interpretability.backbones, "color" if study.interpretability.color else "label"][0]


def figure_files(name, category, title):
    """Outputs of a figure's rule, with their place in the report."""
    return {
        form: report(
            f"{FIGURES}/{name}.{form}",
            caption=f"../report/figure_{name.split('-')[0]}.rst",
            category=category,
            labels={"figure": title, "form": form},
        )
        for form in ("pdf", "png", "csv")
    }


rule draw_spectra:
    message:
        "Draw the spectra"
    input:
        eigenvalues=per_run("results/spectra/{model}/{stimuli}/eigenvalues.csv", "spectra"),
        exponents=EXPONENTS,
    output:
        **figure_files("spectra", "Code", "eigenspectra by depth"),
    params:
        cfg=stage_config(study=study.study),
        code=code_of("draw_spectra.py"),
    log:
        "results/logs/draw_spectra.log",
    benchmark:
        "results/benchmarks/draw_spectra.jsonl"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/draw_spectra.py"


rule draw_exponents:
    message:
        "Draw the exponents"
    input:
        exponents=EXPONENTS,
    output:
        **figure_files("exponents", "Code", "exponent against depth"),
    params:
        cfg=stage_config(study=study.study),
        code=code_of("draw_exponents.py"),
    log:
        "results/logs/draw_exponents.log",
    benchmark:
        "results/benchmarks/draw_exponents.jsonl"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/draw_exponents.py"


rule draw_trajectories:
    message:
        "Draw the random projections"
    input:
        trajectories=per_run("results/projections/{model}/{stimuli}/trajectories.npy", "projections"),
        action=ACTION,
    output:
        **figure_files("trajectories", "Code", "random projections of the dot"),
    params:
        cfg=stage_config(study=study.study),
        code=code_of("draw_trajectories.py"),
    log:
        "results/logs/draw_trajectories.log",
    benchmark:
        "results/benchmarks/draw_trajectories.jsonl"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/draw_trajectories.py"


rule draw_action:
    message:
        "Draw the action"
    input:
        action=ACTION,
        exponents=EXPONENTS,
    output:
        **figure_files("action", "Code", "action against depth and exponent"),
    params:
        cfg=stage_config(study=study.study),
        code=code_of("draw_action.py"),
    log:
        "results/logs/draw_action.log",
    benchmark:
        "results/benchmarks/draw_action.jsonl"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/draw_action.py"


rule draw_index:
    message:
        "Draw the Interpretability Index"
    input:
        scores=SCORES,
    output:
        **figure_files("interpretability", "Interpretability", "II by method and metric"),
    params:
        cfg=stage_config(study=study.study),
        code=code_of("draw_index.py"),
    log:
        "results/logs/draw_index.log",
    benchmark:
        "results/benchmarks/draw_index.jsonl"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/draw_index.py"


rule draw_exciting_images:
    message:
        "Draw the most exciting images of {wildcards.model} on {wildcards.stimuli}"
    input:
        scores="results/interpretability/{model}/{stimuli}.csv",
        directions=ancient(
            expand(
                "results/directions/{{model}}/{{stimuli}}/{method}.h5",
                method=study.figures.mei_methods,
            )
        ),
        directions_manifests=expand(
            "results/directions/{{model}}/{{stimuli}}/{method}.json",
            method=study.figures.mei_methods,
        ),
        stimuli=ancient("results/stimuli/{stimuli}.h5"),
        stimuli_manifest="results/stimuli/{stimuli}.json",
    output:
        **figure_files("images-{model}-{stimuli}", "Interpretability", "images, {model} on {stimuli}"),
    params:
        cfg=lambda w: stage_config(
            study=study.study,
            m=study.interpretability.m,
            metric=MEI_METRIC,
            methods=study.figures.mei_methods,
        ),
        code=code_of("draw_exciting_images.py"),
    log:
        "results/logs/draw_exciting_images/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/draw_exciting_images/{model}/{stimuli}.jsonl"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/draw_exciting_images.py"


MAIN_TARGETS = [
    "results/claims.csv",
    *[f"{FIGURES}/{name}.png" for name in ("spectra", "exponents", "trajectories", "action")],
    f"{FIGURES}/interpretability.png",
    *per_run(FIGURES + "/images-{model}-{stimuli}.png", "directions"),
]

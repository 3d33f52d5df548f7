"""Coding theory's predictions and toy models that test them (methods §7, §8)."""


rule train_superposition:
    output:
        table=report(
            "results/theory/superposition.csv",
            caption="../report/superposition.rst",
            category="Theory",
            labels={"result": "toy models of superposition", "form": "table"},
        ),
        fit=report(
            "results/theory/superposition_fit.csv",
            caption="../report/superposition_fit.rst",
            category="Theory",
            labels={"result": "R(S) against toy models", "form": "table"},
        ),
        weights="results/theory/superposition.h5",
    log:
        "results/logs/train_superposition.log",
    benchmark:
        "results/benchmarks/train_superposition.jsonl"
    conda:
        "../../envs/gpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(120),
        gpu=gpu_request,
    params:
        cfg=lambda w: stage_config(study.theory.superposition),
        code=code_of("train_superposition.py"),
    message:
        "Train toy models of superposition"
    script:
        "../../scripts/train_superposition.py"


rule compute_channel:
    output:
        capacity=report(
            "results/theory/capacity.csv",
            caption="../report/channel.rst",
            category="Theory",
            labels={"result": "capacity under dropout", "form": "table"},
        ),
        layers=report(
            "results/theory/layers.csv",
            caption="../report/channel_layers.rst",
            category="Theory",
            labels={"result": "capacity over dropout layers", "form": "table"},
        ),
        entropy=report(
            "results/theory/entropy.csv",
            caption="../report/channel_entropy.rst",
            category="Theory",
            labels={"result": "entropy of power-law codes", "form": "table"},
        ),
    log:
        "results/logs/compute_channel.log",
    benchmark:
        "results/benchmarks/compute_channel.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=lambda w: stage_config(study.theory.channel),
        code=code_of("compute_channel.py"),
    message:
        "Compute the capacity of dropout"
    script:
        "../../scripts/compute_channel.py"


rule draw_superposition:
    input:
        table="results/theory/superposition.csv",
        fit="results/theory/superposition_fit.csv",
    output:
        **figure_files("superposition", "Theory", "dimensions per feature"),
    log:
        "results/logs/draw_superposition.log",
    benchmark:
        "results/benchmarks/draw_superposition.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study=study.study),
        code=code_of("draw_superposition.py"),
    message:
        "Draw the dimensions per feature of toy models"
    script:
        "../../scripts/draw_superposition.py"


rule draw_channel:
    input:
        capacity="results/theory/capacity.csv",
        layers="results/theory/layers.csv",
        entropy="results/theory/entropy.csv",
    output:
        **figure_files("channel", "Theory", "capacity of dropout and power laws"),
    log:
        "results/logs/draw_channel.log",
    benchmark:
        "results/benchmarks/draw_channel.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study=study.study),
        code=code_of("draw_channel.py"),
    message:
        "Draw the capacity of dropout"
    script:
        "../../scripts/draw_channel.py"


rule estimate_information:
    output:
        table=report(
            "results/theory/information.csv",
            caption="../report/information.rst",
            category="Theory",
            labels={"result": "information through dropout layers", "form": "table"},
        ),
        checks=report(
            "results/theory/information_checks.csv",
            caption="../report/information_checks.rst",
            category="Theory",
            labels={"result": "MINE on known information", "form": "table"},
        ),
    log:
        "results/logs/estimate_information.log",
    benchmark:
        "results/benchmarks/estimate_information.jsonl"
    conda:
        "../../envs/gpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(120),
        gpu=gpu_request,
    params:
        cfg=lambda w: stage_config(study.theory.information),
        code=code_of("estimate_information.py"),
    message:
        "Information through deep dropout networks"
    script:
        "../../scripts/estimate_information.py"


rule draw_information:
    input:
        table="results/theory/information.csv",
        checks="results/theory/information_checks.csv",
    output:
        **figure_files("information", "Theory", "information through dropout layers"),
    log:
        "results/logs/draw_information.log",
    benchmark:
        "results/benchmarks/draw_information.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=lambda w: stage_config(
            study=study.study, information=stage_config(study.theory.information)
        ),
        code=code_of("draw_information.py"),
    message:
        "Draw the information through dropout layers"
    script:
        "../../scripts/draw_information.py"


THEORY_TARGETS = (
    [
        "results/claims-theory.csv",
        *[
            f"{FIGURES}/{name}.png"
            for name in ("superposition", "channel", "information")
        ],
    ]
    if study.theory
    else []
)

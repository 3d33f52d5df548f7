"""Coding theory's predictions and toy models that test them (methods §7, §8)."""


rule train_superposition:
    output:
        table=table("results/theory/superposition.csv", "toy models of superposition"),
        fit=table("results/theory/superposition_fit.csv", "R(S) against toy models"),
        weights="results/theory/superposition.h5",
    log:
        "results/logs/train_superposition.log",
    benchmark:
        "results/benchmarks/train_superposition.jsonl"
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=2000, runtime=120),
    params:
        cfg=lambda w: stage_config(study.theory.superposition),
        code=code_of("train_superposition.py"),
    message:
        "Train toy models of superposition"
    script:
        "../../scripts/train_superposition.py"


rule compute_channel:
    output:
        capacity=table("results/theory/capacity.csv", "capacity under dropout", "channel"),
        layers=table("results/theory/layers.csv", "capacity over dropout layers", "channel_layers"),
        entropy=table("results/theory/entropy.csv", "entropy of power-law codes", "channel_entropy"),
    log:
        "results/logs/compute_channel.log",
    benchmark:
        "results/benchmarks/compute_channel.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=1000, runtime=20),
    params:
        cfg=lambda w: stage_config(study.theory.channel),
        code=code_of("compute_channel.py"),
    message:
        "Compute the capacity of dropout"
    script:
        "../../scripts/compute_channel.py"


use rule figure as draw_superposition with:
    input:
        superposition="results/theory/superposition.csv",
        superposition_fit="results/theory/superposition_fit.csv",
    output:
        **figure_files("superposition", "Theory", "dimensions per feature"),
    pathvars:
        figure="superposition",
    params:
        **drawn_by("theory.draw_superposition"),


use rule figure as draw_channel with:
    input:
        capacity="results/theory/capacity.csv",
        capacity_layers="results/theory/layers.csv",
        entropy="results/theory/entropy.csv",
    output:
        **figure_files("channel", "Theory", "capacity of dropout and power laws"),
    pathvars:
        figure="channel",
    params:
        **drawn_by("theory.draw_channel"),


rule estimate_information:
    output:
        table=table("results/theory/information.csv", "information through dropout layers"),
        checks=table("results/theory/information_checks.csv", "MINE on known information"),
    log:
        "results/logs/estimate_information.log",
    benchmark:
        "results/benchmarks/estimate_information.jsonl"
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=2000, runtime=120),
    params:
        cfg=lambda w: stage_config(study.theory.information),
        code=code_of("estimate_information.py"),
    message:
        "Information through deep dropout networks"
    script:
        "../../scripts/estimate_information.py"


use rule figure as draw_information with:
    input:
        information="results/theory/information.csv",
        information_checks="results/theory/information_checks.csv",
    output:
        **figure_files("information", "Theory", "information through dropout layers"),
    pathvars:
        figure="information",
    params:
        **drawn_by("information.draw_information"),
        cfg=lambda w: stage_config(
            study=study.study, information=stage_config(study.theory.information)
        ),


rule recover_planted:
    output:
        table=table("results/theory/planted.csv", "planted dictionaries recovered"),
    log:
        "results/logs/recover_planted.log",
    benchmark:
        "results/benchmarks/recover_planted.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=2000, runtime=120),
    params:
        cfg=lambda w: stage_config(study.theory.planted),
        code=code_of("recover_planted.py"),
    message:
        "Recover planted dictionaries by every finder of directions"
    script:
        "../../scripts/recover_planted.py"


use rule figure as draw_planted with:
    input:
        planted="results/theory/planted.csv",
    output:
        **figure_files("planted", "Theory", "planted dictionaries"),
    pathvars:
        figure="planted",
    params:
        **drawn_by("planted.draw_planted"),


rule decode_exponentials:
    output:
        table=table("results/theory/hardness.csv", "reading x from g^x mod p"),
    log:
        "results/logs/decode_exponentials.log",
    benchmark:
        "results/benchmarks/decode_exponentials.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=2000, runtime=60),
    params:
        cfg=lambda w: stage_config(study.theory.hardness),
        code=code_of("decode_exponentials.py"),
    message:
        "Read x from networks that compute g^x mod p"
    script:
        "../../scripts/decode_exponentials.py"


use rule figure as draw_hardness with:
    input:
        hardness="results/theory/hardness.csv",
    output:
        **figure_files("hardness", "Theory", "reading x from g^x mod p"),
    pathvars:
        figure="hardness",
    params:
        **drawn_by("hardness.draw_hardness"),


THEORY_FIGURES = (
    ("superposition", "channel", "information", "planted", "hardness") if study.theory else ()
)
THEORY_TARGETS = with_claims("-theory", pictures(THEORY_FIGURES))

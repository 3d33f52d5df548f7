"""Directions in activation space: one job a method, all layers of a run together (methods §5)."""


rule find_directions:
    input:
        data=ancient("results/activations/{model}/{stimuli}.h5"),
        manifest="results/activations/{model}/{stimuli}.json",
    output:
        data="results/directions/{model}/{stimuli}/{method}.h5",
        manifest="results/directions/{model}/{stimuli}/{method}.json",
    log:
        "results/logs/find_directions/{model}/{stimuli}/{method}.log",
    benchmark:
        "results/benchmarks/find_directions/{model}/{stimuli}/{method}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        cfg=lambda w: stage_config(
            options=plan.methods[w.method],
            reduction=study.directions.reduction,
            layers=plan.layer_names("directions", w.model, w.stimuli),
            model=w.model,
            stimuli=w.stimuli,
        ),
        code=code_of("find_directions.py"),
    message:
        "Directions {wildcards.method} of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/find_directions.py"

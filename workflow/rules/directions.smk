"""Directions in activation space: one job a method, all layers of a run together (methods §5)."""


rule find_directions:
    message:
        "Directions {wildcards.method} of {wildcards.model} on {wildcards.stimuli}"
    input:
        data=ancient("results/activations/{model}/{stimuli}.h5"),
        manifest="results/activations/{model}/{stimuli}.json",
    output:
        data="results/directions/{model}/{stimuli}/{method}.h5",
        manifest="results/directions/{model}/{stimuli}/{method}.json",
    params:
        cfg=lambda w: stage_config(
            options=plan.methods[w.method],
            reduction=study.directions.reduction,
            layers=plan.layer_names("directions", w.model, w.stimuli),
            model=w.model,
            stimuli=w.stimuli,
        ),
        code=code_of("find_directions.py"),
    log:
        "results/logs/find_directions/{model}/{stimuli}/{method}.log",
    benchmark:
        "results/benchmarks/find_directions/{model}/{stimuli}/{method}.jsonl"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    conda:
        "../../envs/cpu.yaml"
    script:
        "../../scripts/find_directions.py"

"""Eigenvectors as filters: kernels of the first convolution, and input gradients (methods §2)."""


rule compute_filters:
    input:
        data=ancient("results/activations/{model}/{stimuli}.h5"),
        manifest="results/activations/{model}/{stimuli}.json",
        checkpoint=ancient("results/checkpoints/{model}.pt"),
        checkpoint_manifest="results/checkpoints/{model}.json",
        stimuli=ancient("results/stimuli/{stimuli}.h5"),
        stimuli_manifest="results/stimuli/{stimuli}.json",
    output:
        data="results/filters/{model}/{stimuli}.h5",
        manifest="results/filters/{model}/{stimuli}.json",
        table="results/filters/{model}/{stimuli}.csv",
    log:
        "results/logs/compute_filters/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/compute_filters/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/gpu.yaml"
    threads: 1
    resources:
        mem_mb=6000,
        runtime=240,
        gpu=gpu_request,
    params:
        cfg=lambda w: stage_config(
            ranks=study.filters.ranks,
            images=study.filters.images,
            layers=plan.layer_names("filters", w.model, w.stimuli),
            reduction=study.spectra.reduction,
            solver=study.spectra.solver,
            seed=study.spectra.seed,
            model=w.model,
            stimuli=w.stimuli,
        ),
        code=code_of("compute_filters.py"),
    message:
        "Eigenvectors of {wildcards.model} on {wildcards.stimuli} as filters"
    script:
        "../../scripts/compute_filters.py"

"""Activations of every layer that an analysis looks at, from one forward pass a stimulus."""


rule capture_activations:
    input:
        checkpoint=ancient("results/checkpoints/{model}.pt"),
        checkpoint_manifest="results/checkpoints/{model}.json",
        stimuli=ancient("results/stimuli/{stimuli}.h5"),
        stimuli_manifest="results/stimuli/{stimuli}.json",
    output:
        data="results/activations/{model}/{stimuli}{noise}.h5",
        manifest="results/activations/{model}/{stimuli}{noise}.json",
    log:
        "results/logs/capture_activations/{model}/{stimuli}{noise}.log",
    benchmark:
        "results/benchmarks/capture_activations/{model}/{stimuli}{noise}.jsonl"
    wildcard_constraints:
        # Two passes with dropout left on; a set's own name never ends so.
        noise="(-noisy)?",
    cache: SHARING
    conda:
        "../../envs/gpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(720),
        gpu=gpu_request,
    params:
        cfg=lambda w: stage_config(
            study.capture,
            model=w.model,
            stimuli=w.stimuli,
            noisy=bool(w.noise),
            wanted=(plan.noisy_captures if w.noise else plan.captures)[
                w.model, w.stimuli
            ],
            expected_accuracy=plan.models[w.model].expected_accuracy.get(w.stimuli),
        ),
        code=code_of("capture_activations.py"),
        software=software("h5py", "numpy", "torch", "torchvision"),
    message:
        "Capture {wildcards.model} on {wildcards.stimuli}{wildcards.noise}"
    script:
        "../../scripts/capture_activations.py"

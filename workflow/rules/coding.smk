"""Networks of the coding study: a ResNet-VAE at each dropout and seed, and its control."""


rule train_vae:
    input:
        unpack(training_sets),
        encoder=ancient(
            lambda w: f"results/checkpoints/{plan.models[w.model].start}.pt"
        ),
        encoder_manifest=lambda w: f"results/checkpoints/{plan.models[w.model].start}.json",
    output:
        checkpoint="results/checkpoints/{model}.pt",
        manifest="results/checkpoints/{model}.json",
        epochs=report(
            "results/checkpoints/{model}.csv",
            caption="../report/vae_epochs.rst",
            category="Networks",
            labels={"result": "training epochs of {model}", "form": "table"},
        ),
    log:
        "results/logs/train_vae/{model}.log",
    benchmark:
        "results/benchmarks/train_vae/{model}.jsonl"
    wildcard_constraints:
        model=models_with("vae"),
    cache: SHARING
    conda:
        "../../envs/gpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(6000),
        runtime=growing(5760),
        gpu=gpu_request,
    params:
        cfg=lambda w: stage_config(
            model=model_description(w.model),
            training=stage_config(plan.models[w.model].training),
            seed=plan.models[w.model].seed,
        ),
        code=code_of("train_vae.py"),
        software=software("numpy", "torch", "torchvision"),
    message:
        "Train {wildcards.model}"
    script:
        "../../scripts/train_vae.py"


rule recalibrate_statistics:
    input:
        unpack(training_sets),
        checkpoint=ancient(
            lambda w: f"results/checkpoints/{plan.models[w.model].of}.pt"
        ),
        checkpoint_manifest=lambda w: f"results/checkpoints/{plan.models[w.model].of}.json",
    output:
        checkpoint="results/checkpoints/{model}.pt",
        manifest="results/checkpoints/{model}.json",
    log:
        "results/logs/recalibrate_statistics/{model}.log",
    benchmark:
        "results/benchmarks/recalibrate_statistics/{model}.jsonl"
    wildcard_constraints:
        model=models_with("recalibrated"),
    conda:
        "../../envs/gpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(6000),
        runtime=growing(240),
        gpu=gpu_request,
    params:
        cfg=lambda w: stage_config(model=model_description(w.model)),
        code=code_of("recalibrate_statistics.py"),
    message:
        "Recompute the BatchNorm statistics of {wildcards.model}"
    script:
        "../../scripts/recalibrate_statistics.py"


rule draw_dropout_spectra:
    input:
        eigenvalues=per_run(
            "results/spectra/{model}/{stimuli}/eigenvalues.csv", "coding_spectra"
        ),
        exponents=per_run(
            "results/spectra/{model}/{stimuli}/exponents.csv", "coding_spectra"
        ),
    output:
        **figure_files("dropout_spectra", "Dropout", "spectra at low and high dropout"),
    log:
        "results/logs/draw_dropout_spectra.log",
    benchmark:
        "results/benchmarks/draw_dropout_spectra.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study=study.study, networks=network_table()),
        code=code_of("draw_dropout_spectra.py"),
    message:
        "Draw the spectra at low and high dropout"
    script:
        "../../scripts/draw_dropout_spectra.py"


rule draw_dropout:
    input:
        exponents=per_run(
            "results/spectra/{model}/{stimuli}/exponents.csv", "coding_spectra"
        ),
        action=per_run(
            "results/projections/{model}/{stimuli}/action.csv", "coding_projections"
        ),
    output:
        **figure_files("dropout", "Dropout", "exponent, action and read-out by dropout"),
    log:
        "results/logs/draw_dropout.log",
    benchmark:
        "results/benchmarks/draw_dropout.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study=study.study, networks=network_table()),
        code=code_of("draw_dropout.py"),
    message:
        "Draw what dropout does"
    script:
        "../../scripts/draw_dropout.py"


rule draw_cross_validated:
    input:
        eigenvalues=for_each(
            "results/spectra/{model}/{stimuli}/cross_validated_eigenvalues.csv",
            noisy_runs(study),
        ),
        exponents=for_each(
            "results/spectra/{model}/{stimuli}/cross_validated_exponents.csv",
            noisy_runs(study),
        ),
    output:
        **figure_files("cross_validated", "Dropout", "cross-validated spectra"),
    log:
        "results/logs/draw_cross_validated.log",
    benchmark:
        "results/benchmarks/draw_cross_validated.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study=study.study, networks=network_table()),
        code=code_of("draw_cross_validated.py"),
    message:
        "Draw the cross-validated spectra"
    script:
        "../../scripts/draw_cross_validated.py"


CODING_TARGETS = (
    [
        "results/claims-coding.csv",
        *[
            f"{FIGURES}/coding-{name}.png"
            for name in ("spectra", "filters", "exponents", "trajectories", "action")
        ],
        f"{FIGURES}/dropout_spectra.png",
        f"{FIGURES}/dropout.png",
        *([f"{FIGURES}/cross_validated.png"] if noisy_runs(study) else []),
    ]
    if study.coding
    else []
)

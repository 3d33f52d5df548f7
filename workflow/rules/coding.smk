"""Networks of the coding study: a ResNet-VAE at each dropout and seed, and its control."""


rule train_vae:
    input:
        unpack(training_sets),
        **checkpoint_of(lambda w: plan.models[w.model].start, "encoder"),
    output:
        **NETWORK_FILES,
        epochs=table("results/checkpoints/{model}.csv", "training epochs of {model}", "vae_epochs"),
    log:
        "results/logs/train_vae/{model}.log",
    benchmark:
        "results/benchmarks/train_vae/{model}.jsonl"
    wildcard_constraints:
        model=models_with("vae"),
    cache: SHARING
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=6000, runtime=5760),
    params:
        cfg=lambda w: stage_config(
            model=model_description(w.model),
            training=stage_config(plan.models[w.model].training),
            seed=plan.models[w.model].seed,
        ),
        code=code_of("train_vae.py"),
        software=software(*NETWORK_SOFTWARE, "numpy", "pillow"),
    message:
        "Train {wildcards.model}"
    script:
        "../../scripts/train_vae.py"


rule recalibrate_statistics:
    input:
        unpack(training_sets),
        **checkpoint_of(lambda w: plan.models[w.model].of),
    output:
        **NETWORK_FILES,
    log:
        "results/logs/recalibrate_statistics/{model}.log",
    benchmark:
        "results/benchmarks/recalibrate_statistics/{model}.jsonl"
    wildcard_constraints:
        model=models_with("recalibrated"),
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=6000, runtime=240),
    params:
        cfg=lambda w: stage_config(model=model_description(w.model)),
        code=code_of("recalibrate_statistics.py"),
    message:
        "Recompute the BatchNorm statistics of {wildcards.model}"
    script:
        "../../scripts/recalibrate_statistics.py"


use rule figure as draw_dropout_spectra with:
    input:
        eigenvalues=per_run(f"{SPECTRA}/eigenvalues.csv", "coding_spectra"),
        exponents=per_run(f"{SPECTRA}/exponents.csv", "coding_spectra"),
    output:
        **figure_files("dropout_spectra", "Dropout", "spectra at low and high dropout"),
    pathvars:
        figure="dropout_spectra",
    params:
        **drawn_by("coding.draw_dropout_spectra"),
        cfg=dropout_config,


use rule figure as draw_dropout with:
    input:
        exponents=per_run(f"{SPECTRA}/exponents.csv", "coding_spectra"),
        action=per_run(f"{PROJECTIONS}/action.csv", "coding_projections"),
    output:
        **figure_files("dropout", "Dropout", "exponent, action and read-out by dropout"),
    pathvars:
        figure="dropout",
    params:
        **drawn_by("coding.draw_dropout"),
        cfg=dropout_config,


use rule figure as draw_cross_validated with:
    input:
        crossed_eigenvalues=for_each(
            f"{SPECTRA}/cross_validated_eigenvalues.csv", noisy_runs(study)
        ),
        crossed_exponents=for_each(f"{SPECTRA}/cross_validated_exponents.csv", noisy_runs(study)),
    output:
        **figure_files("cross_validated", "Dropout", "cross-validated spectra"),
    pathvars:
        figure="cross_validated",
    params:
        **drawn_by("coding.draw_cross_validated"),
        cfg=dropout_config,


CODING_FIGURES = [
    *("coding-spectra", "coding-filters", "coding-exponents", "coding-trajectories"),
    *("coding-action", "dropout_spectra", "dropout"),
    *(["cross_validated"] if noisy_runs(study) else []),
]
CODING_TARGETS = with_claims("-coding", pictures(CODING_FIGURES if study.coding else ()))

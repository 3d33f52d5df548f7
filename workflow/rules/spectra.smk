"""Eigenspectra, their exponents, and eigenvectors as filters (methods §2)."""


rule fit_spectra:
    input:
        unpack(resampled_images),
        **captured("spectra"),
    output:
        eigenvalues=f"{SPECTRA}/eigenvalues.csv",
        exponents=table(f"{SPECTRA}/exponents.csv", "exponents"),
        bootstrap=f"{SPECTRA}/bootstrap.csv",
        left_out=f"{SPECTRA}/left_out.csv",
        estimates=table(f"{SPECTRA}/estimates.csv", "exponents by estimator"),
        windows=f"{SPECTRA}/windows.csv",
    log:
        "results/logs/fit_spectra/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/fit_spectra/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=6000, runtime=240),
    params:
        cfg=lambda w: spectra_config(w)
        | {
            "resampled": resampled(study, "spectra", w.stimuli),
            "grows": can_grow(study, w.stimuli),
        },
        code=code_of("fit_spectra.py"),
    message:
        "Eigenspectra of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/fit_spectra.py"


rule fit_text_spectra:
    input:
        **captured_text(),
    output:
        eigenvalues="results/spectra/{model}/text/eigenvalues.csv",
        exponents=table(
            "results/spectra/{model}/text/exponents.csv",
            "exponents of {model} on text",
            "text_exponents",
        ),
        bootstrap="results/spectra/{model}/text/bootstrap.csv",
        estimates=table(
            "results/spectra/{model}/text/estimates.csv",
            "exponents by estimator of {model} on text",
            "text_estimates",
        ),
    log:
        "results/logs/fit_text_spectra/{model}.log",
    benchmark:
        "results/benchmarks/fit_text_spectra/{model}.jsonl"
    wildcard_constraints:
        model=language_models_with(),
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=6000, runtime=480),
    params:
        cfg=lambda w: stage_config(**SPECTRUM, model=w.model, parts=parts_of(w.model)),
        code=code_of("fit_text_spectra.py"),
    message:
        "Eigenspectra of {wildcards.model} on text"
    script:
        "../../scripts/fit_text_spectra.py"


rule cross_validate_spectra:
    input:
        **captured("spectra", "-noisy"),
    output:
        eigenvalues=f"{SPECTRA}/cross_validated_eigenvalues.csv",
        exponents=table(
            f"{SPECTRA}/cross_validated_exponents.csv", "cvPCA exponents", "cross_validated"
        ),
        estimates=table(
            f"{SPECTRA}/cross_validated_estimates.csv",
            "what repeats share by estimator",
            "estimates",
        ),
    log:
        "results/logs/cross_validate_spectra/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/cross_validate_spectra/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=6000, runtime=240),
    params:
        cfg=lambda w: spectra_config(w) | {"swaps": study.spectra.swaps},
        code=code_of("cross_validate_spectra.py"),
    message:
        "Cross-validated eigenspectra of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/cross_validate_spectra.py"


rule compute_filters:
    input:
        **captured("filters"),
        **CHECKPOINT,
        **STIMULI,
    output:
        **written("results/filters/{model}/{stimuli}"),
        table="results/filters/{model}/{stimuli}.csv",
    log:
        "results/logs/compute_filters/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/compute_filters/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=6000, runtime=240),
    params:
        cfg=lambda w: run_config(
            "filters",
            w,
            ranks=study.filters.ranks,
            images=study.filters.images,
            reduction=study.spectra.reduction,
            solver=study.spectra.solver,
            seed=study.spectra.seed,
        ),
        code=code_of("compute_filters.py"),
    message:
        "Eigenvectors of {wildcards.model} on {wildcards.stimuli} as filters"
    script:
        "../../scripts/compute_filters.py"

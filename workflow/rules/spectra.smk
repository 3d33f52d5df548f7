"""Eigenspectra, their exponents, and eigenvectors as filters (methods §2)."""


rule fit_spectra:
    input:
        data=ancient("results/activations/{model}/{stimuli}.h5"),
        manifest="results/activations/{model}/{stimuli}.json",
    output:
        eigenvalues=report(
            "results/spectra/{model}/{stimuli}/eigenvalues.csv",
            caption="../report/eigenvalues.rst",
            category="Code",
            labels={"result": "eigenvalues, {model} on {stimuli}", "form": "table"},
        ),
        exponents=report(
            "results/spectra/{model}/{stimuli}/exponents.csv",
            caption="../report/exponents.rst",
            category="Code",
            labels={"result": "exponents, {model} on {stimuli}", "form": "table"},
        ),
        bootstrap="results/spectra/{model}/{stimuli}/bootstrap.csv",
    log:
        "results/logs/fit_spectra/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/fit_spectra/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(6000),
        runtime=growing(240),
    params:
        cfg=lambda w: spectra_config(w),
        code=code_of("fit_spectra.py"),
    message:
        "Eigenspectra of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/fit_spectra.py"


rule fit_text_spectra:
    input:
        data=ancient("results/activations/{model}/text.h5"),
        manifest="results/activations/{model}/text.json",
    output:
        eigenvalues="results/spectra/{model}/text/eigenvalues.csv",
        exponents=report(
            "results/spectra/{model}/text/exponents.csv",
            caption="../report/text_exponents.rst",
            category="Language",
            labels={"result": "exponents of {model} on text", "form": "table"},
        ),
        bootstrap="results/spectra/{model}/text/bootstrap.csv",
    log:
        "results/logs/fit_text_spectra/{model}.log",
    benchmark:
        "results/benchmarks/fit_text_spectra/{model}.jsonl"
    wildcard_constraints:
        model=language_models_with(),
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(6000),
        runtime=growing(480),
    params:
        cfg=lambda w: stage_config(
            ranks=study.spectra.ranks,
            solver=study.spectra.solver,
            components=study.spectra.components,
            resamples=study.spectra.resamples,
            seed=study.spectra.seed,
            model=w.model,
        ),
        code=code_of("fit_text_spectra.py"),
    message:
        "Eigenspectra of {wildcards.model} on text"
    script:
        "../../scripts/fit_text_spectra.py"


rule cross_validate_spectra:
    input:
        data=ancient("results/activations/{model}/{stimuli}-noisy.h5"),
        manifest="results/activations/{model}/{stimuli}-noisy.json",
    output:
        eigenvalues=report(
            "results/spectra/{model}/{stimuli}/cross_validated_eigenvalues.csv",
            caption="../report/cross_validated.rst",
            category="Code",
            labels={"result": "cvPCA, {model} on {stimuli}", "form": "table"},
        ),
        exponents=report(
            "results/spectra/{model}/{stimuli}/cross_validated_exponents.csv",
            caption="../report/cross_validated.rst",
            category="Code",
            labels={
                "result": "cvPCA exponents, {model} on {stimuli}",
                "form": "table",
            },
        ),
    log:
        "results/logs/cross_validate_spectra/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/cross_validate_spectra/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(6000),
        runtime=growing(240),
    params:
        cfg=lambda w: spectra_config(w),
        code=code_of("cross_validate_spectra.py"),
    message:
        "Cross-validated eigenspectra of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/cross_validate_spectra.py"


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
        mem_mb=growing(6000),
        runtime=growing(240),
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

"""Eigenspectra and power-law exponents of each layer (methods §2)."""


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
        mem_mb=6000,
        runtime=240,
    params:
        cfg=lambda w: stage_config(
            ranks=study.spectra.ranks,
            solver=study.spectra.solver,
            components=study.spectra.components,
            bootstrap=study.spectra.bootstrap,
            seed=study.spectra.seed,
            reduction=study.spectra.reduction,
            layers=plan.layer_names("spectra", w.model, w.stimuli),
            model=w.model,
            stimuli=w.stimuli,
        ),
        code=code_of("fit_spectra.py"),
    message:
        "Eigenspectra of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/fit_spectra.py"

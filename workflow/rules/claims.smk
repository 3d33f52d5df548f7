"""A verdict on each claim of the papers, and on our own."""


rule judge_claims:
    input:
        exponents=per_run("results/spectra/{model}/{stimuli}/exponents.csv", "spectra"),
        bootstrap=per_run("results/spectra/{model}/{stimuli}/bootstrap.csv", "spectra"),
        action=per_run(
            "results/projections/{model}/{stimuli}/action.csv", "projections"
        ),
        scores=per_run("results/interpretability/{model}/{stimuli}.csv", "directions"),
    output:
        claims=report(
            "results/claims.csv",
            caption="../report/claims.rst",
            category="Claims",
            labels={"result": "verdicts", "form": "table"},
        ),
    log:
        "results/logs/judge_claims.log",
    benchmark:
        "results/benchmarks/judge_claims.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        cfg=stage_config(
            study.claims,
            trained=[
                name
                for name, model in plan.models.items()
                if model.weights != "random"
            ],
            analysis_set=study.directions.runs[0].stimuli,
        ),
        code=code_of("judge_claims.py"),
    message:
        "Judge the claims"
    script:
        "../../scripts/judge_claims.py"

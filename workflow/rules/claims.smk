"""A verdict on each claim of the papers, and on our own."""


rule judge_claims:
    input:
        unpack(claim_tables),
    output:
        claims=report(
            "results/claims{scope}.csv",
            caption="../report/claims.rst",
            category="Claims",
            labels={"result": "verdicts{scope}", "form": "table"},
        ),
    log:
        "results/logs/judge_claims{scope}.log",
    benchmark:
        "results/benchmarks/judge_claims{scope}.jsonl"
    wildcard_constraints:
        scope="(-coding|-theory|-interpretability|-everything)?",
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        cfg=lambda w: claims_config(w),
        code=code_of("judge_claims.py"),
    message:
        "Judge the claims{wildcards.scope}"
    script:
        "../../scripts/judge_claims.py"

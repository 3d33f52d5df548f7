"""MIS, monosemanticity, clarity, polysemanticity and redundancy beside the index (methods §6)."""


rule score_further:
    input:
        **directions_of(run_methods),
        **EMBEDDINGS,
        **STIMULI,
        scores=f"{SCORES}/directions.csv",
    output:
        scores=f"{SCORES}/further.csv",
        resampled=f"{SCORES}/further_resampled.csv",
        means=table(f"{SCORES}/further_means.csv", "MIS, monosemanticity and more by method"),
    log:
        "results/logs/score_further/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/score_further/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=8000, runtime=120),
    params:
        cfg=further_config,
        code=code_of("score_further.py"),
    message:
        "MIS, monosemanticity and more of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/score_further.py"


use rule figure as draw_score_agreement with:
    input:
        scores=f"{SCORES}/directions.csv",
        further=f"{SCORES}/further.csv",
    output:
        **run_figure_files("score_agreement", "how scores agree"),
    pathvars:
        figure="score_agreement-{model}-{stimuli}",
    params:
        **drawn_by("further_scores.draw_score_agreement"),
        cfg=stage_config(study.claims, study=study.study, backbones=BACKBONES, metric=HEADLINE),

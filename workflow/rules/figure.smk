"""What the rules of all figures share, but their inputs and names."""


rule figure:
    input:
        lambda w: sys.exit("figure: what the rules draw_* share; ask for a figure's file"),
    log:
        "results/logs/figures/<figure>.log",
    benchmark:
        "results/benchmarks/figures/<figure>.jsonl"
    pathvars:
        figure="figure",
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=1000, runtime=20),
    params:
        cfg=stage_config(study=study.study),
    message:
        "Draw {output.png}"
    script:
        "../../scripts/draw.py"

"""Information that layers of deep dropout networks keep of their input (methods §8)."""


rule estimate_information:
    output:
        table=report(
            "results/theory/information.csv",
            caption="../report/information.rst",
            category="Theory",
            labels={"result": "information through dropout layers", "form": "table"},
        ),
        checks=report(
            "results/theory/information_checks.csv",
            caption="../report/information_checks.rst",
            category="Theory",
            labels={"result": "MINE on known information", "form": "table"},
        ),
    log:
        "results/logs/estimate_information.log",
    benchmark:
        "results/benchmarks/estimate_information.jsonl"
    conda:
        "../../envs/gpu.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=120,
        gpu=gpu_request,
    params:
        cfg=stage_config(study.theory.information),
        code=code_of("estimate_information.py"),
    message:
        "Information through deep dropout networks"
    script:
        "../../scripts/estimate_information.py"


rule draw_information:
    input:
        table="results/theory/information.csv",
        checks="results/theory/information_checks.csv",
    output:
        **figure_files("information", "Theory", "information through dropout layers"),
    log:
        "results/logs/draw_information.log",
    benchmark:
        "results/benchmarks/draw_information.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        cfg=stage_config(
            study=study.study, information=stage_config(study.theory.information)
        ),
        code=code_of("draw_information.py"),
    message:
        "Draw the information through dropout layers"
    script:
        "../../scripts/draw_information.py"

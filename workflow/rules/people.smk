"""In-silico choices against those of people (B §3.1, fig. 2, 13)."""


rule compare_people:
    input:
        responses=lambda w: str(study.people.responses),
        file_map=lambda w: str(study.people.file_map),
        checkpoint=lambda w: ancient(
            f"results/checkpoints/{backbone_model(study, study.people.backbone)}.pt"
        ),
        checkpoint_manifest=lambda w: f"results/checkpoints/{backbone_model(study, study.people.backbone)}.json",
    output:
        trials="results/people/trials.csv",
        agreement=report(
            "results/people/agreement.csv",
            caption="../report/agreement.rst",
            category="Interpretability",
            labels={"result": "in-silico choices against people's", "form": "table"},
        ),
        curves="results/people/curves.csv",
    log:
        "results/logs/compare_people.log",
    benchmark:
        "results/benchmarks/compare_people.jsonl"
    conda:
        "../../envs/gpu.yaml"
    threads: 1
    resources:
        mem_mb=3000,
        runtime=240,
        gpu=gpu_request,
    params:
        cfg=lambda w: stage_config(
            study.people, backbone=backbone_config(study.people.backbone)
        ),
        code=code_of("compare_people.py"),
    message:
        "Compare in-silico choices with those of people"
    script:
        "../../scripts/compare_people.py"


rule draw_agreement:
    input:
        agreement="results/people/agreement.csv",
        curves="results/people/curves.csv",
    output:
        **figure_files(
            "agreement", "Interpretability", "in-silico choices against people's"
        ),
    log:
        "results/logs/draw_agreement.log",
    benchmark:
        "results/benchmarks/draw_agreement.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=20,
    params:
        cfg=stage_config(study=study.study),
        code=code_of("draw_agreement.py"),
    message:
        "Draw the ROC curves of in-silico choices"
    script:
        "../../scripts/draw_agreement.py"

"""Random projections of the moving dot and of text (methods §3, §9)."""


rule project_dot:
    input:
        **captured("projections"),
        **STIMULI,
    output:
        action=table(f"{PROJECTIONS}/action.csv", "action"),
        trajectories=f"{PROJECTIONS}/trajectories.npy",
    log:
        "results/logs/project_dot/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/project_dot/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=4000, runtime=120),
    params:
        cfg=lambda w: run_config(
            "projections",
            w,
            **study.projections.model_dump(mode="json", exclude={"models", "stimuli", "layers"}),
        ),
        code=code_of("project_dot.py"),
    message:
        "Random projections of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/project_dot.py"


rule project_text:
    input:
        **captured_text(),
    output:
        action=table(
            "results/projections/{model}/text/action.csv",
            "action of {model} on text",
            "text_action",
        ),
        trajectories="results/projections/{model}/text/trajectories.npy",
        passage="results/projections/{model}/text/passage.csv",
    log:
        "results/logs/project_text/{model}.log",
    benchmark:
        "results/benchmarks/project_text/{model}.jsonl"
    wildcard_constraints:
        model=language_models_with(),
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=6000, runtime=240),
    params:
        cfg=lambda w: stage_config(
            draws=study.projections.draws,
            keep=study.projections.keep,
            seed=study.projections.seed,
            passage=study.language.passage,
            model=w.model,
            parts=parts_of(w.model),
        ),
        code=code_of("project_text.py"),
    message:
        "Token trajectories of {wildcards.model}"
    script:
        "../../scripts/project_text.py"

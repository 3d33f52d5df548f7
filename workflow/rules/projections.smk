"""Random projections of the moving dot and of text (methods §3, §9)."""


rule project_dot:
    input:
        data=ancient("results/activations/{model}/{stimuli}.h5"),
        manifest="results/activations/{model}/{stimuli}.json",
        stimuli=ancient("results/stimuli/{stimuli}.h5"),
        stimuli_manifest="results/stimuli/{stimuli}.json",
    output:
        action=report(
            "results/projections/{model}/{stimuli}/action.csv",
            caption="../report/action.rst",
            category="Code",
            labels={"result": "action, {model} on {stimuli}", "form": "table"},
        ),
        trajectories="results/projections/{model}/{stimuli}/trajectories.npy",
    log:
        "results/logs/project_dot/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/project_dot/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(120),
    params:
        cfg=lambda w: stage_config(
            draws=study.projections.draws,
            keep=study.projections.keep,
            read_out=study.projections.read_out,
            seed=study.projections.seed,
            reduction=study.projections.reduction,
            layers=plan.layer_names("projections", w.model, w.stimuli),
            model=w.model,
            stimuli=w.stimuli,
        ),
        code=code_of("project_dot.py"),
    message:
        "Random projections of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/project_dot.py"


rule project_text:
    input:
        data=ancient("results/activations/{model}/text.h5"),
        manifest="results/activations/{model}/text.json",
    output:
        action=report(
            "results/projections/{model}/text/action.csv",
            caption="../report/text_action.rst",
            category="Language",
            labels={"result": "action of {model} on text", "form": "table"},
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
    threads: 1
    resources:
        mem_mb=growing(6000),
        runtime=growing(240),
    params:
        cfg=lambda w: stage_config(
            draws=study.projections.draws,
            keep=study.projections.keep,
            seed=study.projections.seed,
            passage=study.language.passage,
            model=w.model,
        ),
        code=code_of("project_text.py"),
    message:
        "Token trajectories of {wildcards.model}"
    script:
        "../../scripts/project_text.py"

"""Random projections of the moving dot (methods §3)."""


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
        mem_mb=4000,
        runtime=120,
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

"""Psychophysics in silico, and against people (B §2.3, §3.1, fig. 2, 5, 12, 13)."""


rule simulate_psychophysics:
    input:
        **directions_of(lambda w: study.interpretability.psychophysics.methods),
        **EMBEDDINGS,
        **STIMULI,
    output:
        accuracy=f"{SCORES}/psychophysics.csv",
        trial=f"{SCORES}/psychophysics_trial.csv",
    log:
        "results/logs/simulate_psychophysics/{model}/{stimuli}.log",
    benchmark:
        "results/benchmarks/simulate_psychophysics/{model}/{stimuli}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=4000, runtime=120),
    params:
        cfg=lambda w: index_config(w, **stage_config(study.interpretability.psychophysics)),
        code=code_of("simulate_psychophysics.py"),
    message:
        "Psychophysics in silico of {wildcards.model} on {wildcards.stimuli}"
    script:
        "../../scripts/simulate_psychophysics.py"


use rule figure as draw_psychophysics with:
    input:
        psychophysics=f"{SCORES}/psychophysics.csv",
    output:
        **run_figure_files("psychophysics", "accuracy against difficulty"),
    pathvars:
        figure="psychophysics-{model}-{stimuli}",
    params:
        **drawn_by("psychophysics.draw_psychophysics"),
        cfg=psychophysics_config,


use rule figure as draw_trial with:
    input:
        **STIMULI,
        trial=f"{SCORES}/psychophysics_trial.csv",
    output:
        **run_figure_files("trial", "a psychophysics trial"),
    pathvars:
        figure="trial-{model}-{stimuli}",
    params:
        **drawn_by("psychophysics.draw_trial"),
        cfg=psychophysics_config,


rule compare_people:
    input:
        **checkpoint_of(lambda w: backbone_model(study, study.people.backbone)),
    output:
        trials="results/people/trials.csv",
        agreement=table("results/people/agreement.csv", "in-silico choices against people's"),
        curves="results/people/curves.csv",
    log:
        "results/logs/compare_people.log",
    benchmark:
        "results/benchmarks/compare_people.jsonl"
    conda:
        "../../envs/gpu.yaml"
    resources:
        **on_gpu(mem_mb=3000, runtime=240),
    params:
        cfg=lambda w: stage_config(
            study.people, backbone=backbone_config(study.people.backbone, PEOPLE)
        ),
        code=code_of("compare_people.py"),
        files=lambda w: files_of(study.people),
    message:
        "Compare in-silico choices with those of people"
    script:
        "../../scripts/compare_people.py"


use rule figure as draw_agreement with:
    input:
        agreement="results/people/agreement.csv",
        agreement_curves="results/people/curves.csv",
    output:
        **figure_files("agreement", "Interpretability", "in-silico choices against people's"),
    pathvars:
        figure="agreement",
    params:
        **drawn_by("agreement.draw_agreement"),
        cfg=stage_config(study=study.study, backbones=BACKBONES),

"""Token trajectories as figures, and explanation scores of units (A fig. 7b, c)."""


use rule figure as draw_text_action with:
    input:
        language_action=of_language_models("results/projections/{model}/text/action.csv"),
    output:
        **figure_files("text_action", "Language", "action of token trajectories"),
    pathvars:
        figure="text_action",
    params:
        **drawn_by("language.draw_text_action"),
        cfg=TEXT_FIGURE,


use rule figure as draw_passage with:
    input:
        passage="results/projections/{model}/text/passage.csv",
    output:
        **figure_files("passage-{model}", "Language", "least-action text, {model}"),
    pathvars:
        figure="passage-{model}",
    params:
        **drawn_by("passage.draw_passage"),


rule collect_records:
    input:
        **captured_text(explained=True),
    output:
        records="results/explanations/{model}/records.jsonl",
        units="results/explanations/{model}/units.csv",
    log:
        "results/logs/collect_records/{model}.log",
    benchmark:
        "results/benchmarks/collect_records/{model}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=6000, runtime=240),
    params:
        cfg=lambda w: stage_config(
            study.language.explanations,
            draws=study.projections.draws,
            explainers=None,
            published=None,
            model=w.model,
            parts=explained_part(w.model),
        ),
        code=code_of("collect_records.py"),
    message:
        "Collect excerpts for the units of {wildcards.model}"
    script:
        "../../scripts/collect_records.py"


rule explain_by_lookup:
    input:
        **captured_text(explained=True),
        records="results/explanations/{model}/records.jsonl",
        units="results/explanations/{model}/units.csv",
    output:
        scores="results/explanations/{model}/lookup.csv",
        explanations="results/explanations/{model}/lookup.jsonl",
    log:
        "results/logs/explain_by_lookup/{model}.log",
    benchmark:
        "results/benchmarks/explain_by_lookup/{model}.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=6000, runtime=240),
    params:
        cfg=lambda w: stage_config(
            study.language.explanations.explainers.lookup,
            seed=study.language.explanations.seed,
            model=w.model,
            parts=explained_part(w.model),
        ),
        code=code_of("explain_by_lookup.py"),
    message:
        "Explain the units of {wildcards.model} by their tokens"
    script:
        "../../scripts/explain_by_lookup.py"


rule explain_by_chat:
    input:
        records="results/explanations/{model}/records.jsonl",
        units="results/explanations/{model}/units.csv",
    output:
        scores="results/explanations/{model}/openai.csv",
        explanations="results/explanations/{model}/openai.jsonl",
    log:
        "results/logs/explain_by_chat/{model}.log",
    benchmark:
        "results/benchmarks/explain_by_chat/{model}.jsonl"
    conda:
        "../../envs/language.yaml"
    resources:
        **growing(mem_mb=2000, runtime=1440),
    params:
        cfg=lambda w: stage_config(model=w.model, **chat_models(os.environ)),
        code=code_of("explain_by_chat.py"),
    message:
        "Explain the units of {wildcards.model} by a chat model"
    script:
        "../../scripts/explain_by_chat.py"


rule read_published:
    output:
        scores="results/explanations/published.csv",
    log:
        "results/logs/read_published.log",
    benchmark:
        "results/benchmarks/read_published.jsonl"
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=2000, runtime=240),
    params:
        cfg=lambda w: stage_config(folder=str(study.language.explanations.published)),
        code=code_of("read_published.py"),
        files=lambda w: files_of(study.language.explanations),
    message:
        "Score the published explanations again"
    script:
        "../../scripts/read_published.py"


use rule figure as draw_explanations with:
    input:
        explanations=explanation_scores(),
        published=published_scores(),
    output:
        **figure_files("explanations", "Language", "explanation scores over depth"),
    pathvars:
        figure="explanations",
    params:
        **drawn_by("explanations.draw_explanations"),
        cfg=TEXT_FIGURE,


use rule figure as draw_detection with:
    input:
        explanations=explanation_scores(),
    output:
        **figure_files("detection", "Language", "detection and fuzzing of explanations"),
    pathvars:
        figure="detection",
    params:
        **drawn_by("detection.draw_detection"),
        cfg=stage_config(study.claims, study=study.study, bases=bases(TEXT_RUNS)),


LANGUAGE_FIGURES = [
    *("text_spectra", "text_exponents", "text_action"),
    *(["explanations"] if explanation_scores() or published_scores() else []),
    *(["detection"] if explanation_scores() else []),
    *for_each("passage-{model}", first_of_each(study, TEXT_RUNS)),
]
# Tables that no figure draws are asked for here: of a study that was made before a rule wrote one,
# Snakemake would compare nothing.
LANGUAGE_TARGETS = with_claims(
    "-language",
    [
        *pictures(LANGUAGE_FIGURES if study.language else ()),
        *of_language_models("results/spectra/{model}/text/estimates.csv"),
    ],
)

"""Language models: text, checkpoints, activations by token, figures of spectra (A fig. 7)."""


rule make_text:
    output:
        data="results/stimuli/text.h5",
        manifest="results/stimuli/text.json",
    log:
        "results/logs/make_text.log",
    benchmark:
        "results/benchmarks/make_text.jsonl"
    cache: SHARING
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        cfg=lambda w: stage_config(study.language.text),
        code=code_of("make_text.py"),
        files=lambda w: files_of(study.language.text),
        software=software("h5py", "numpy"),
    message:
        "Gather the text"
    script:
        "../../scripts/make_text.py"


rule train_language_model:
    input:
        text=ancient("results/stimuli/text.h5"),
        text_manifest="results/stimuli/text.json",
    output:
        checkpoint="results/checkpoints/{model}/model.safetensors",
        config="results/checkpoints/{model}/config.json",
        tokenizer="results/checkpoints/{model}/tokenizer.json",
        tokenizer_config="results/checkpoints/{model}/tokenizer_config.json",
        manifest="results/checkpoints/{model}.json",
        epochs=report(
            "results/checkpoints/{model}.csv",
            caption="../report/language_epochs.rst",
            category="Networks",
            labels={"result": "training of {model}", "form": "table"},
        ),
    log:
        "results/logs/train_language_model/{model}.log",
    benchmark:
        "results/benchmarks/train_language_model/{model}.jsonl"
    wildcard_constraints:
        model=language_models_with("train"),
    cache: SHARING
    conda:
        "../../envs/language.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(720),
        gpu=gpu_request,
    params:
        cfg=lambda w: stage_config(study.language.models[w.model], name=w.model),
        code=code_of("train_language_model.py"),
        software=software("numpy", "torch", "torchvision", "transformers"),
    message:
        "Train the language model {wildcards.model}"
    script:
        "../../scripts/train_language_model.py"


rule initialise_language_model:
    input:
        like=ancient(lambda w: language_files(study.language.models[w.model].like)),
        like_manifest=lambda w: f"results/checkpoints/{study.language.models[w.model].like}.json",
    output:
        checkpoint="results/checkpoints/{model}/model.safetensors",
        config="results/checkpoints/{model}/config.json",
        manifest="results/checkpoints/{model}.json",
    log:
        "results/logs/initialise_language_model/{model}.log",
    benchmark:
        "results/benchmarks/initialise_language_model/{model}.jsonl"
    wildcard_constraints:
        model=language_models_with("random"),
    conda:
        "../../envs/language.yaml"
    threads: 1
    resources:
        mem_mb=growing(12000),
        runtime=growing(30),
    params:
        cfg=lambda w: stage_config(study.language.models[w.model], name=w.model),
        code=code_of("initialise_language_model.py"),
    message:
        "Initialise the untrained language model {wildcards.model}"
    script:
        "../../scripts/initialise_language_model.py"


rule import_language_model:
    output:
        manifest="results/checkpoints/{model}.json",
    log:
        "results/logs/import_language_model/{model}.log",
    benchmark:
        "results/benchmarks/import_language_model/{model}.jsonl"
    wildcard_constraints:
        model=language_models_with("path", "hub"),
    conda:
        "../../envs/language.yaml"
    threads: 1
    resources:
        mem_mb=growing(12000),
        runtime=growing(120),
    params:
        cfg=lambda w: stage_config(study.language.models[w.model], name=w.model),
        code=code_of("import_language_model.py"),
    message:
        "Find the language model {wildcards.model}"
    script:
        "../../scripts/import_language_model.py"


rule capture_text_shard:
    input:
        checkpoint=ancient(lambda w: language_files(w.model)),
        checkpoint_manifest="results/checkpoints/{model}.json",
        text=ancient("results/stimuli/text.h5"),
        text_manifest="results/stimuli/text.json",
    output:
        data="results/activations/{model}/text.shards/{shard}-of-{shards}.h5",
        manifest="results/activations/{model}/text.shards/{shard}-of-{shards}.json",
    log:
        "results/logs/capture_text_shard/{model}/{shard}-of-{shards}.log",
    benchmark:
        "results/benchmarks/capture_text_shard/{model}/{shard}-of-{shards}.jsonl"
    wildcard_constraints:
        model=language_models_with(),
    cache: SHARING
    conda:
        "../../envs/language.yaml"
    threads: 1
    resources:
        mem_mb=growing(12000),
        runtime=growing(720),
        gpu=gpu_request,
    params:
        cfg=lambda w: stage_config(
            **text_capture_config(w), shard=int(w.shard), shards=int(w.shards)
        ),
        code=code_of("capture_text_shard.py"),
        software=software("h5py", "numpy", "torch", "torchvision", "transformers"),
    message:
        "Capture {wildcards.model} on text, shard {wildcards.shard} of {wildcards.shards}"
    script:
        "../../scripts/capture_text_shard.py"


rule capture_text:
    input:
        checkpoint=ancient(lambda w: language_files(w.model)),
        checkpoint_manifest="results/checkpoints/{model}.json",
        text=ancient("results/stimuli/text.h5"),
        text_manifest="results/stimuli/text.json",
        shards=ancient(lambda w: text_shards(w, "h5")),
        shard_manifests=lambda w: text_shards(w, "json"),
    output:
        data="results/activations/{model}/text.h5",
        manifest="results/activations/{model}/text.json",
    log:
        "results/logs/capture_text/{model}.log",
    benchmark:
        "results/benchmarks/capture_text/{model}.jsonl"
    wildcard_constraints:
        model=language_models_with(),
    cache: SHARING
    conda:
        "../../envs/language.yaml"
    threads: 1
    resources:
        mem_mb=growing(12000),
        runtime=growing(720),
        gpu=gpu_request,
    params:
        cfg=text_capture_config,
        code=code_of("capture_text.py"),
        software=software("h5py", "numpy", "torch", "torchvision", "transformers"),
    message:
        "Capture {wildcards.model} on text"
    script:
        "../../scripts/capture_text.py"


rule draw_text_spectra:
    input:
        eigenvalues=of_language_models("results/spectra/{model}/text/eigenvalues.csv"),
        exponents=of_language_models("results/spectra/{model}/text/exponents.csv"),
    output:
        **figure_files("text_spectra", "Language", "eigenspectra of language models"),
    log:
        "results/logs/draw_text_spectra.log",
    benchmark:
        "results/benchmarks/draw_text_spectra.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study=study.study),
        code=code_of("draw_text_spectra.py"),
    message:
        "Draw the spectra of language models"
    script:
        "../../scripts/draw_text_spectra.py"


rule draw_text_exponents:
    input:
        exponents=of_language_models("results/spectra/{model}/text/exponents.csv"),
    output:
        **figure_files("text_exponents", "Language", "exponents of language models"),
    log:
        "results/logs/draw_text_exponents.log",
    benchmark:
        "results/benchmarks/draw_text_exponents.jsonl"
    conda:
        "../../envs/cpu.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(20),
    params:
        cfg=stage_config(study=study.study),
        code=code_of("draw_text_exponents.py"),
    message:
        "Draw the exponents of language models"
    script:
        "../../scripts/draw_text_exponents.py"

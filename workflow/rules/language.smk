"""Language models: text, checkpoints, activations by token, figures of spectra (A fig. 7)."""


rule make_text:
    output:
        **written("results/stimuli/text"),
    log:
        "results/logs/make_text.log",
    benchmark:
        "results/benchmarks/make_text.jsonl"
    cache: SHARING
    conda:
        "../../envs/cpu.yaml"
    resources:
        **growing(mem_mb=2000, runtime=60),
    params:
        cfg=lambda w: stage_config(study.language.text),
        code=code_of("make_text.py"),
        files=lambda w: texts_of(study.language.text),
        software=software("h5py", "numpy"),
    message:
        "Gather the text"
    script:
        "../../scripts/make_text.py"


rule train_language_model:
    input:
        **TEXT,
    output:
        checkpoint="results/checkpoints/{model}/model.safetensors",
        config="results/checkpoints/{model}/config.json",
        tokenizer="results/checkpoints/{model}/tokenizer.json",
        tokenizer_config="results/checkpoints/{model}/tokenizer_config.json",
        manifest="results/checkpoints/{model}.json",
        epochs=table("results/checkpoints/{model}.csv", "training of {model}", "language_epochs"),
    log:
        "results/logs/train_language_model/{model}.log",
    benchmark:
        "results/benchmarks/train_language_model/{model}.jsonl"
    wildcard_constraints:
        model=language_models_with("train"),
    cache: SHARING
    conda:
        "../../envs/language.yaml"
    resources:
        **on_gpu(mem_mb=4000, runtime=720),
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
    resources:
        **growing(mem_mb=12000, runtime=30),
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
    resources:
        **growing(mem_mb=12000, runtime=120),
    params:
        cfg=lambda w: stage_config(study.language.models[w.model], name=w.model),
        code=code_of("import_language_model.py"),
        files=lambda w: files_of(study.language.models[w.model], rules.import_language_model, w),
    message:
        "Find the language model {wildcards.model}"
    script:
        "../../scripts/import_language_model.py"


rule import_gguf:
    output:
        checkpoint="results/checkpoints/{model}/model.safetensors",
        config="results/checkpoints/{model}/config.json",
        tokenizer="results/checkpoints/{model}/tokenizer.json",
        tokenizer_config="results/checkpoints/{model}/tokenizer_config.json",
        manifest="results/checkpoints/{model}.json",
    log:
        "results/logs/import_gguf/{model}.log",
    benchmark:
        "results/benchmarks/import_gguf/{model}.jsonl"
    wildcard_constraints:
        model=language_models_with("gguf"),
    conda:
        "../../envs/language.yaml"
    resources:
        **growing(mem_mb=12000, runtime=60),
    params:
        cfg=lambda w: stage_config(study.language.models[w.model], name=w.model),
        code=code_of("import_gguf.py"),
        files=lambda w: files_of(study.language.models[w.model]),
    message:
        "Convert the GGUF file of {wildcards.model}"
    script:
        "../../scripts/import_gguf.py"


rule capture_text_shard:
    input:
        **TEXT,
        checkpoint=ancient(lambda w: language_files(w.model)),
        checkpoint_manifest="results/checkpoints/{model}.json",
    output:
        **written("results/activations/{model}/text{piece}.shards/{shard}-of-{shards}"),
    log:
        "results/logs/capture_text_shard/{model}{piece}/{shard}-of-{shards}.log",
    benchmark:
        "results/benchmarks/capture_text_shard/{model}{piece}/{shard}-of-{shards}.jsonl"
    wildcard_constraints:
        model=language_models_with(),
    cache: SHARING
    conda:
        "../../envs/language.yaml"
    resources:
        **on_gpu(mem_mb=12000, runtime=720),
    params:
        cfg=lambda w: stage_config(
            **text_capture_config(w), shard=int(w.shard), shards=int(w.shards)
        ),
        code=code_of("capture_text_shard.py"),
        software=software("h5py", "numpy", "torch", "torchvision", "transformers"),
    message:
        "Capture {wildcards.model} on text{wildcards.piece}, shard {wildcards.shard} of {wildcards.shards}"
    script:
        "../../scripts/capture_text_shard.py"


rule capture_text:
    input:
        **TEXT,
        checkpoint=ancient(lambda w: language_files(w.model)),
        checkpoint_manifest="results/checkpoints/{model}.json",
        shards=ancient(lambda w: text_shards(w, "h5")),
        shard_manifests=lambda w: text_shards(w, "json"),
    output:
        **written("results/activations/{model}/text{piece}"),
    log:
        "results/logs/capture_text/{model}{piece}.log",
    benchmark:
        "results/benchmarks/capture_text/{model}{piece}.jsonl"
    wildcard_constraints:
        model=language_models_with(),
    cache: SHARING
    conda:
        "../../envs/language.yaml"
    resources:
        **on_gpu(mem_mb=12000, runtime=720),
    params:
        cfg=text_capture_config,
        code=code_of("capture_text.py"),
        origin=lambda w: text_origin(w.model),
        holds=text_items_of,
        software=software("h5py", "numpy", "torch", "torchvision", "transformers"),
    message:
        "Capture {wildcards.model} on text{wildcards.piece}"
    script:
        "../../scripts/capture_text.py"


use rule figure as draw_text_spectra with:
    input:
        language_eigenvalues=of_language_models("results/spectra/{model}/text/eigenvalues.csv"),
        language_exponents=of_language_models("results/spectra/{model}/text/exponents.csv"),
    output:
        **figure_files("text_spectra", "Language", "eigenspectra of language models"),
    pathvars:
        figure="text_spectra",
    params:
        **drawn_by("language.draw_text_spectra"),
        cfg=TEXT_FIGURE,


use rule figure as draw_text_exponents with:
    input:
        language_exponents=of_language_models("results/spectra/{model}/text/exponents.csv"),
    output:
        **figure_files("text_exponents", "Language", "exponents of language models"),
    pathvars:
        figure="text_exponents",
    params:
        **drawn_by("language.draw_text_exponents"),
        cfg=TEXT_FIGURE,

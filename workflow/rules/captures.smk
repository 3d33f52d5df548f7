"""What captures depend on, and which of their files an analysis takes (study/pieces)."""

from functools import cache

from codespectra.capture.manifest_layers import part_item
from codespectra.files.json_files import content_digest
from codespectra.study.pieces import Pieces, plan_pieces, standing_pieces


def image_options(model, stimuli, noise):
    """What the activations of one run depend on, besides their layers, the network, the images."""
    return stage_config(study.capture, model=model, stimuli=stimuli, noisy=bool(noise))


def recorded_options(model, stimuli, noise):
    """What a set of activations from a file depends on, besides layers, the file, the images."""
    section = study.activations[model]
    return stage_config(
        model=model,
        stimuli=stimuli,
        noisy=bool(noise),
        shown=section.stimuli is not None,
        options=section.options(),
        dtype=study.capture.dtype,
        **section.model_dump(include={"rows", "axes", "prefix", "drop_nan"}),
    )


def text_options(model):
    """What the activations of one language model depend on, besides its parts, it, the text."""
    return stage_config(
        study.capture,
        model=model,
        sequences=study.language.sequences,
        length=study.language.length,
        special_tokens=study.language.special_tokens,
        seed=study.language.seed,
    )


def wanted_of(model, stimuli, noise):
    """Layers and reductions that all analyses of a run want, as pieces tell them."""
    captures = plan.noisy_captures if noise else plan.captures
    return [(item["layer"], item["reduction"]) for item in captures[model, stimuli]]


def image_origin(model, stimuli, noise):
    """Digest of all that the plan knows of what a run's activations are made from, but layers."""
    if model not in study.activations:
        network = stage_config(**plan.architectures[model])
        code = code_of("capture_activations.py")
        return content_digest([image_options(model, stimuli, noise), network, code])
    options = recorded_options(model, stimuli, noise)
    # A stimulus is left out for a number in any of the layers.
    together = wanted_of(model, stimuli, noise) if options["drop_nan"] else []
    stamp, code = plan.recorded[model].stamp, code_of("import_activations.py")
    return content_digest([options, stamp, code, list(map(list, together))])


def text_origin(model):
    """The same of a language model's, but its parts."""
    network = stage_config(study.language.models[model])
    return content_digest([text_options(model), network, code_of("capture_text.py")])


# Of the explanations' units.
EXPLAINED_PARTS = [study.language.explanations.part] if study.language else []


@cache
def image_pieces(model, stimuli, noise) -> Pieces:
    """The activations files of a run."""
    recorded = model in study.activations
    rule_of = rules.import_activations if recorded else rules.capture_activations
    first = dict(model=model, stimuli=stimuli, noise=noise, piece="")
    store = Path(rule_of.output.data.format(**first)).with_suffix("")
    standing = standing_pieces(store, image_origin(model, stimuli, noise))
    return plan_pieces(wanted_of(model, stimuli, noise), standing)


@cache
def text_pieces(model) -> Pieces:
    """The activations files of a language model."""
    store = Path(rules.capture_text.output.data.format(model=model, piece="")).with_suffix("")
    parts = study.language.parts_of(model)
    wanted = [part_item(part, stage_config(**parts)[part]) for part in parts]
    return plan_pieces(wanted, standing_pieces(store, text_origin(model)))


def items_of(wildcards):
    """Layers and reductions of one activations file."""
    run = wildcards.model, wildcards.stimuli, wildcards.noise
    return image_pieces(*run).holds.get(wildcards.piece) or wanted_of(*run)


def parts_of_piece(wildcards):
    """Parts of a language model, with their layers, of one activations file."""
    parts = stage_config(**study.language.parts_of(wildcards.model))
    held = text_pieces(wildcards.model).holds.get(wildcards.piece)
    return {p: s for p, s in parts.items() if held is None or part_item(p, s) in held}


def capture_config(wildcards):
    """`params.cfg` of a capture of images."""
    options = image_options(wildcards.model, wildcards.stimuli, wildcards.noise)
    items = [{"layer": layer, "reduction": by} for layer, by in items_of(wildcards)]
    return stage_config(**options, wanted=items)


def accepted_capture_config(wildcards):
    """The same, and the accuracy that must be found."""
    expected = plan.models[wildcards.model].expected_accuracy
    return stage_config(
        **capture_config(wildcards), expected_accuracy=expected.get(wildcards.stimuli)
    )


def recorded_config(wildcards):
    """`params.cfg` of activations from a file."""
    options = recorded_options(wildcards.model, wildcards.stimuli, wildcards.noise)
    items = [{"layer": layer, "reduction": by} for layer, by in items_of(wildcards)]
    return stage_config(**options, wanted=items)


def text_capture_config(wildcards):
    """`params.cfg` of a capture of text."""
    return stage_config(**text_options(wildcards.model), parts=parts_of_piece(wildcards))


def captured(kind, noise=""):
    """Two inputs: the files that hold the layers of an analysis, and their manifests."""

    def files(form):
        def of_run(wildcards):
            run = wildcards.model, wildcards.stimuli
            by = reduction_of(study, "spectra" if kind == "filters" else kind, wildcards.model)
            items = [(layer, by) for layer in plan.layer_names(kind, *run)]
            store = f"results/activations/{run[0]}/{run[1]}{noise}"
            return [f"{store}{ending}.{form}" for ending in image_pieces(*run, noise).of(items)]

        return of_run

    return {"data": ancient(files("h5")), "manifests": files("json")}


def parts_of_text(wildcards):
    """Names of the parts of a language model, in the order of tables."""
    return [*study.language.parts_of(wildcards.model)]


def captured_text(*parts):
    """The same of parts of a language model; without parts of all."""

    def files(form):
        def of_model(wildcards):
            all_parts = stage_config(**study.language.parts_of(wildcards.model))
            items = [part_item(part, all_parts[part]) for part in parts or all_parts]
            store = f"results/activations/{wildcards.model}/text"
            return [f"{store}{x}.{form}" for x in text_pieces(wildcards.model).of(items)]

        return of_model

    return {"data": ancient(files("h5")), "manifests": files("json")}


def shown_images(wildcards):
    """The manifest of the images that were shown, if they are there."""
    if wildcards.stimuli not in study.stimuli:
        return {}
    return {"stimuli_manifest": f"results/stimuli/{wildcards.stimuli}.json"}

"""What captures depend on, and which of their files an analysis takes (study/pieces)."""

from functools import cache
from itertools import starmap

from codespectra.capture.manifest_layers import part_item, selectors_of
from codespectra.files.json_files import content_digest
from codespectra.study.implied import can_grow
from codespectra.study.pieces import Pieces, plan_pieces, standing_pieces, unwanted_files


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


def image_store(model, stimuli, noise):
    """Path of the first activations file of a run, without suffix, where a module has put it."""
    recorded = model in study.activations
    rule_of = rules.import_activations if recorded else rules.capture_activations
    first = dict(model=model, stimuli=stimuli, noise=noise, piece="")
    return Path(rule_of.output.data.format(**first)).with_suffix("")


def text_store(model):
    """The same of a language model."""
    return Path(rules.capture_text.output.data.format(model=model, piece="")).with_suffix("")


@cache
def image_pieces(model, stimuli, noise) -> Pieces:
    """The activations files of a run."""
    origin = image_origin(model, stimuli, noise)
    standing = standing_pieces(image_store(model, stimuli, noise), origin)
    return plan_pieces(wanted_of(model, stimuli, noise), standing)


def parts_of(model, *names):
    """Selectors of the layers of each part of a language model, or of these."""
    own = study.language.parts_of(model)
    return {part: stage_config(it=own[part])["it"] for part in names or own}


@cache
def text_pieces(model) -> Pieces:
    """The activations files of a language model."""
    wanted = [*starmap(part_item, parts_of(model).items())]
    return plan_pieces(wanted, standing_pieces(text_store(model), text_origin(model)))


def unwanted_activations():
    """Files of activations of the study's runs that hold nothing that its analyses want."""
    runs = [(*run, "") for run in plan.captures] + [(*run, "-noisy") for run in plan.noisy_captures]
    found = [(image_store(*run), image_pieces(*run).of(wanted_of(*run))) for run in runs]
    for model in study.language.models if study.language else []:
        items = starmap(part_item, parts_of(model).items())
        found.append((text_store(model), text_pieces(model).of(items)))
    return [str(file) for store, wanted in found for file in unwanted_files(store, wanted)]


def items_of(wildcards):
    """Layers and reductions of one activations file."""
    run = wildcards.model, wildcards.stimuli, wildcards.noise
    return image_pieces(*run).holds.get(wildcards.piece) or wanted_of(*run)


def text_items_of(wildcards):
    """Parts of a language model, and what chooses their layers, of one activations file."""
    held = text_pieces(wildcards.model).holds.get(wildcards.piece)
    return held or [*starmap(part_item, parts_of(wildcards.model).items())]


def wanted_in(wildcards):
    """Layers and reductions of one activations file, as jobs take them."""
    return [{"layer": layer, "reduction": by} for layer, by in items_of(wildcards)]


def capture_config(wildcards):
    """`params.cfg` of a capture of images."""
    options = image_options(wildcards.model, wildcards.stimuli, wildcards.noise)
    return stage_config(**options, wanted=wanted_in(wildcards))


def accepted_capture_config(wildcards):
    """The same, and the accuracy that must be found."""
    expected = plan.models[wildcards.model].expected_accuracy
    return stage_config(
        **capture_config(wildcards), expected_accuracy=expected.get(wildcards.stimuli)
    )


def recorded_config(wildcards):
    """`params.cfg` of activations from a file."""
    options = recorded_options(wildcards.model, wildcards.stimuli, wildcards.noise)
    return stage_config(**options, wanted=wanted_in(wildcards))


def text_capture_config(wildcards):
    """`params.cfg` of a capture of text."""
    parts = dict(map(selectors_of, text_items_of(wildcards)))
    return stage_config(**text_options(wildcards.model), parts=parts)


def captured(kind, noise=""):
    """Two inputs: the files that hold the layers of an analysis, and their manifests."""

    @cache
    def stores(model, stimuli):
        by = reduction_of(study, "spectra" if kind == "filters" else kind, model)
        items = [(layer, by) for layer in plan.layer_names(kind, model, stimuli)]
        endings = image_pieces(model, stimuli, noise).of(items)
        return [f"results/activations/{model}/{stimuli}{noise}{ending}" for ending in endings]

    def files(form):
        return lambda w: [f"{store}.{form}" for store in stores(w.model, w.stimuli)]

    return {"data": ancient(files("h5")), "manifests": files("json")}


def captured_text(explained=False):
    """The same of a language model: of all its parts, or of that whose units are explained."""

    def files(form):
        def of_model(wildcards):
            parts = (explained_part if explained else parts_of)(wildcards.model)
            items = starmap(part_item, parts.items())
            store = f"results/activations/{wildcards.model}/text"
            return [f"{store}{x}.{form}" for x in text_pieces(wildcards.model).of(items)]

        return of_model

    return {"data": ancient(files("h5")), "manifests": files("json")}


def explained_part(model):
    """The part of a language model whose units are explained, with its selectors."""
    return parts_of(model, study.language.explanations.part)


def shown_images(wildcards):
    """The manifest of the images that were shown, if they are there."""
    if wildcards.stimuli not in study.stimuli:
        return {}
    return {"stimuli_manifest": f"results/stimuli/{wildcards.stimuli}.json"}

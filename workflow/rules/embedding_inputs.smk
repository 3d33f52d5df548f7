"""What embeddings of images depend on, and which of them the scores take."""


def embedded(form):
    """Embeddings of {stimuli} by every backbone that scores, in the order of params.cfg."""
    names = study.index.backbones
    return [f"results/embeddings/{name}/{{stimuli}}.{form}" for name in names]


EMBEDDINGS = {"embeddings": ancient(embedded("h5")), "embeddings_manifests": embedded("json")}


# What an embedding needs to know of a layer.
TAPPED = ("name", "module", "call", "depth", "axes", "prefix")


def backbone_config(name, stimuli):
    """What the embeddings of a set by a backbone depend on, besides its checkpoint."""
    layers = plan.embedded.get((name, stimuli), [])
    return stage_config(
        name=name,
        kind=study.backbones[name].kind,
        model=backbone_model(study, name),
        layers=[{key: layer[key] for key in TAPPED} for layer in layers],
    )


def given_embeddings_config(wildcards):
    """What the embeddings of a set from a file depend on, besides the file and the set."""
    backbone = study.backbones[wildcards.backbone]
    section = backbone.sets[wildcards.stimuli]
    return stage_config(
        name=wildcards.backbone,
        stimuli=wildcards.stimuli,
        distance=backbone.distance,
        options=section.options(),
        rows=section.rows,
    )


def backbones_of(*kinds):
    """Wildcard constraint: names of the backbones of these kinds."""
    return names_of(name for name, one in study.backbones.items() if one.kind in kinds)

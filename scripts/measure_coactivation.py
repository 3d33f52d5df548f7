"""Rule measure_coactivation: how much units are active with others, and their II, by stage."""

from itertools import chain

from codespectra.capture.captured import open_captured, read_layers
from codespectra.capture.manifest_layers import layer_contents
from codespectra.data.stimulus_file import open_stimuli
from codespectra.directions.directions import Directions, neurons
from codespectra.experiments.coactivation import before_relu, coactivation, relu_of
from codespectra.files.kept_results import by_group
from codespectra.files.kept_tables import KeptTables
from codespectra.files.manifests import read_manifest
from codespectra.interpretability.index import Index, check_live, exciting_images, index_table
from codespectra.interpretability.parts import ALL
from codespectra.interpretability.score_table import score_context
from codespectra.interpretability.similarity import METRICS, metric_digests, read_similarities
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.models.layer_inputs import named_layers
from codespectra.models.open_network import open_subject

log = start_job(snakemake.log[0])
cfg, runtime, given = snakemake.params.cfg, snakemake.config["runtime"], snakemake.input
index = Index(cfg["m"], cfg["normalisation"])
captured = read_layers(given.manifests, cfg)
shown = [read_manifest(x)["sha256"] for x in (given.checkpoint_manifest, given.stimuli_manifest)]
metrics = metric_digests(cfg, given.stimuli_manifest, given.embeddings_manifests)
kept = KeptTables(
    snakemake.output,
    snakemake.params,
    ("layers", *METRICS),
    {
        (layer, stage, metric): [content, shown, metrics[metric]]
        for layer, content in layer_contents(captured).items()
        for stage in ("pre", "post")
        for metric in metrics
    },
)
missing = by_group(kept.missing)


def find_units(layers: list[str]) -> dict[tuple[str, str], Directions]:
    """Units of layers after their ReLU, and before it if they are its outputs."""
    subject = open_subject(given.checkpoint_manifest, given.stimuli_manifest, runtime["device"])
    relus = {
        layer["name"]: (layer, relu)
        for layer in named_layers(layers, subject.layers)
        if (relu := relu_of(layer, subject.layers)) is not None
    }
    with open_stimuli(given.stimuli) as file:
        before = before_relu(
            *(subject.network, subject.preprocess, file["images"], relus, cfg["reduction"]),
            batch=runtime["batch"],
        )
    found = {(layer, "pre"): neurons(rows) for layer, rows in before.items()}
    with open_captured(given.data) as file:
        for layer in layers:
            rows = file[f"{cfg['reduction']}/{layer}"][:].astype("float32")
            found[layer, "post"] = neurons(rows)
            if layer not in before:
                log.info("%s: not the output of a ReLU, so only the stage `post`", layer)
    return found


units = find_units([*dict.fromkeys(layer for layer, _ in missing)]) if missing else {}
similarities = read_similarities(
    *(given.stimuli, given.embeddings, cfg),
    [exciting_images([own], cfg["m"]) for own in units.values()],
    set(chain(*missing.values())),
)
for layer, stage, metric in kept.missing:
    kept.add((layer, stage, metric))  # no rows, unless there are such units
for (layer, stage), own in progress(units.items()):
    check_live({"neurons": own}, layer, cfg["m"])
    values = coactivation(own.responses)
    for similarity in (x for x in similarities if x.metric in missing[layer, stage]):
        scores = index_table({"neurons": own}, [similarity], index)
        scores = scores[scores["part"] == ALL].drop(columns=["method", "part", "sign"])
        table = scores.assign(layer=layer, stage=stage, coactivation=values[scores["direction"]])
        kept.add((layer, stage, similarity.metric), table=table)
kept.write(dict.fromkeys(kept.items, score_context(cfg, captured)))
kept.keep()

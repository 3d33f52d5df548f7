"""Rule import_activations: activations of a user's file, as a capture writes its own."""

import sys
from pathlib import Path

from codespectra.capture.activation_file import listed_dataset
from codespectra.capture.recorded import without_nan, write_recorded
from codespectra.capture.recorded_rows import FileRows, ShownStimuli, match_rows
from codespectra.errors import UserError
from codespectra.files.json_files import content_digest
from codespectra.files.manifests import is_finished, read_manifest, write_manifest
from codespectra.files.one_writer import only_writer
from codespectra.jobs.start import start_job
from codespectra.models.hooks import Wanted
from codespectra.models.recorded_layers import recorded_layers
from codespectra.sources.recorded_source import open_recorded

log = start_job(snakemake.log[0])
cfg, data = snakemake.params.cfg, snakemake.output.data
follows_from = [dict(cfg), snakemake.params.files, snakemake.params.code]
identity = content_digest(follows_from)
# Where the files lie changes no number.
section = snakemake.config["activations"][cfg["model"]]
path, table = (section.get(key) and Path(section[key]).expanduser() for key in ("file", "table"))
shown = read_manifest(snakemake.input.stimuli_manifest) if cfg["shown"] else None


def stimuli() -> ShownStimuli | None:
    """What is known of the images."""
    if shown is None:
        return None
    ids, rows = shown.get("stimulus_ids"), shown.get("presentations", [])
    return ShownStimuli(cfg["stimuli"], shown["count"], ids, rows)


with only_writer(data):
    if is_finished(snakemake.output.manifest, identity):
        log.info("finished by another process")
        sys.exit()
    try:
        with open_recorded(path, cfg["options"], table) as source:
            names = [item["layer"] for item in cfg["wanted"]]
            shapes = {name: source.layers[name].shape for name in names}
            count, columns, *_ = shapes[names[0]]
            rows = FileRows(count, source.ids, source.repeats, columns)
            matched = match_rows(rows, cfg["rows"], stimuli())
            matched = without_nan(source, names, matched, cfg["drop_nan"])
            layers = recorded_layers(shapes, cfg["axes"], cfg["prefix"])
            wanted = [
                Wanted(layer, item["reduction"])
                for layer, item in zip(layers, cfg["wanted"], strict=True)
            ]
            remarks = [*source.remarks, *matched.remarks]
            log.info("%s (%s): %s", path, source.format, "; ".join(remarks))
            written = write_recorded(
                data,
                source,
                wanted,
                matched,
                noisy=cfg["noisy"],
                dtype=cfg["dtype"],
                attributes={"model": cfg["model"], "stimuli": cfg["stimuli"]},
                follows_from=follows_from,
            )
    except UserError as error:
        raise UserError(f"activations.{cfg['model']}: {error}") from error
    content = {
        "file": Path(data).name,
        "sha256": written.sha256,
        "identity": identity,
        **{name: snakemake.params[name] for name in ("origin", "holds")},
        "model": cfg["model"],
        "stimuli": cfg["stimuli"],
        "count": matched.stimuli * (2 if cfg["noisy"] else 1),
        "noisy": cfg["noisy"],
        "dtype": cfg["dtype"],
        "accuracy": None,
        "weights": "recorded",
        "format": source.format,
        "contents_sha256": snakemake.params.files,
        "repeats": matched.repeats,
        "remarks": remarks,
        "stimuli_sha256": shown and shown["sha256"],
        "datasets": [listed_dataset(item, written) for item in wanted],
    }
    write_manifest(snakemake.output.manifest, content)

"""Rule project_dot: exact action, drawn trajectories and how much of the dot they explain."""

import numpy as np
import pandas as pd

from codespectra.capture.captured import open_captured, read_layers
from codespectra.capture.manifest_layers import captured_layers, layer_contents
from codespectra.data.stimulus_file import open_stimuli
from codespectra.files.array_files import kept_rows, write_array
from codespectra.files.kept_tables import KeptTables
from codespectra.files.manifests import read_manifest
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.spectra import projections

start_job(snakemake.log[0])
cfg = snakemake.params.cfg
explain = {
    "regression": projections.explained_input_variance,
    "correlation": projections.explained_correlation,
}[cfg["read_out"]]
with open_stimuli(snakemake.input.stimuli) as file:
    position = file["position"][:]
manifest = read_layers(snakemake.input.manifests, cfg)
dot = read_manifest(snakemake.input.stimuli_manifest)["sha256"]
contents = {layer: [content, dot] for layer, content in layer_contents(manifest).items()}
kept = KeptTables(snakemake.output, snakemake.params, ["layers"], contents)


def project(activations: np.ndarray) -> tuple[pd.DataFrame, np.ndarray]:
    """A layer's row, and (1 + keep, frames, 3): the draw with the least action, the first draws."""
    law = projections.expected_action(activations)
    root = projections.trajectory_root(activations)
    drawn = projections.draw_trajectories(root, draws=cfg["draws"], seed=cfg["seed"])
    action = projections.action(drawn)
    explained = explain(drawn, position)
    scale = projections.unit_variance_scale(activations) ** 2
    low, high = np.quantile(action, [0.025, 0.975])
    rough_low, rough_high = np.quantile(projections.trajectory_roughness(drawn), [0.025, 0.975])
    explained_low, explained_high = np.quantile(explained, [0.025, 0.975])
    row = {
        "action": law.mean,
        "action_sd": np.sqrt(law.variance),
        "action_low": low,
        "action_high": high,
        "action_sampled": action.mean(),
        "action_sampled_se": action.std(ddof=1) / np.sqrt(len(action)),
        "relative_action": law.mean * scale,
        "relative_action_low": low * scale,
        "relative_action_high": high * scale,
        "roughness": projections.roughness(activations),
        "roughness_low": rough_low,
        "roughness_high": rough_high,
        "explained": explained.mean(),
        "explained_low": explained_low,
        "explained_high": explained_high,
        "explained_se": explained.std(ddof=1) / np.sqrt(len(explained)),
        "read_out": cfg["read_out"],
        "draws": len(drawn),
        "frames": len(activations),
        "width": activations.shape[1],
    }
    least = drawn[int(action.argmin())]
    return pd.DataFrame([row]), np.concatenate([least[None], drawn[: cfg["keep"]]])


layers = {where["layer"]: (where, dataset) for where, dataset in captured_layers(manifest, cfg)}
shown = kept_rows(kept, "trajectories")
with open_captured(snakemake.input.data) as file:
    for layer in progress(kept.missing, desc="projections"):
        row, shown[layer] = project(file[layers[layer][1]["key"]][:])
        kept.add(layer, action=row)
kept.write({layer: where for layer, (where, _) in layers.items()})
# (layers, 1 + keep, frames, 3).
write_array(snakemake.output.trajectories, np.stack([shown[layer] for layer in layers]))
kept.keep()

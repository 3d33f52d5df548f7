"""Rule project_dot: exact action, drawn trajectories and how much of the dot they explain."""

import numpy as np
import pandas as pd

from codespectra.capture.captured import open_captured, read_layers
from codespectra.capture.manifest_layers import captured_layers
from codespectra.data.stimulus_file import open_stimuli
from codespectra.files.array_files import write_array
from codespectra.files.csv_writer import write_csv
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
rows, kept = [], []
with open_captured(snakemake.input.data) as file:
    for where, dataset in progress(captured_layers(manifest, cfg), desc="projections"):
        activations = file[dataset["key"]][:]
        law = projections.expected_action(activations)
        root = projections.trajectory_root(activations)
        drawn = projections.draw_trajectories(root, draws=cfg["draws"], seed=cfg["seed"])
        action = projections.action(drawn)
        explained = explain(drawn, position)
        scale = projections.unit_variance_scale(activations) ** 2
        low, high = np.quantile(action, [0.025, 0.975])
        rough_low, rough_high = np.quantile(projections.trajectory_roughness(drawn), [0.025, 0.975])
        explained_low, explained_high = np.quantile(explained, [0.025, 0.975])
        rows.append(
            where
            | {
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
        )
        first = int(action.argmin())
        kept.append(np.concatenate([drawn[first][None], drawn[: cfg["keep"]]]))
write_csv(snakemake.output.action, pd.DataFrame(rows))
# (layers, 1 + keep, frames, 3): the draw with the least action, then the first draws.
write_array(snakemake.output.trajectories, np.stack(kept))

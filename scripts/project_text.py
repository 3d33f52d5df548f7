"""Rule project_text: action of token trajectories by layer, and projections of one passage."""

import numpy as np
import pandas as pd

from codespectra.capture.captured import open_captured, read_parts
from codespectra.capture.manifest_layers import captured_parts
from codespectra.data.tokens import read_tokens
from codespectra.files.array_files import write_array
from codespectra.files.csv_writer import write_csv
from codespectra.jobs.progress import progress
from codespectra.jobs.start import start_job
from codespectra.spectra import token_trajectories

start_job(snakemake.log[0])
cfg = snakemake.params.cfg
manifest = read_parts(snakemake.input.manifests, cfg["parts"])
rows, kept, passage = [], [], []
with open_captured(snakemake.input.data) as file:
    tokens = read_tokens(file)
    sequences = token_trajectories.films(tokens.sequence)
    film = token_trajectories.chosen_film(sequences, cfg["passage"])
    # As Python writes them, so that a blank or a line break shows.
    words = [repr(token) for token in tokens.strings(cfg["passage"])]
    for where, dataset in progress(captured_parts(manifest), desc="trajectories"):
        activations = file[dataset["key"]]
        measures = token_trajectories.film_measures(activations, sequences)
        shape = {"length": manifest["length"], "width": activations.shape[1]}
        rows.append(where | token_trajectories.action_columns(measures) | shape)
        drawn = token_trajectories.project_passage(
            activations[film], draws=cfg["draws"], keep=cfg["keep"], seed=cfg["seed"]
        )
        kept.append(drawn.trajectories)
        curve = pd.DataFrame(drawn.trajectories[0], columns=["x", "y", "z"])
        curve.insert(0, "position", tokens.position[film])
        curve.insert(1, "token", words)
        curve = curve.assign(action=drawn.least, expected_action=drawn.expected, draws=cfg["draws"])
        passage.append(pd.DataFrame([where] * len(curve)).join(curve))
write_csv(snakemake.output.action, pd.DataFrame(rows))
write_csv(snakemake.output.passage, pd.concat(passage, ignore_index=True))
# (layers, 1 + keep, tokens, 3): the draw with the least action, then the first draws.
write_array(snakemake.output.trajectories, np.stack(kept))

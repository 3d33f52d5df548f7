"""Rule draw_text_action: action and roughness of token trajectories against depth."""

import pandas as pd

from codespectra import job
from codespectra.figures import style
from codespectra.figures.language import draw_text_action

job.start(snakemake.log[0])
style.apply()
action = pd.concat(map(pd.read_csv, snakemake.input.action), ignore_index=True)
figure = draw_text_action(action, snakemake.params.cfg["study"])
style.save(figure, action, snakemake.output)

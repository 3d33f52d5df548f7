"""How well the in-silico margin predicts whether people answer right (B fig. 2, 13)."""

from collections.abc import Iterator

from codespectra.claims.measures.tables import Tables
from codespectra.claims.scope import Scope
from codespectra.statistics.evidence import Evidence


def choices_predict_people(tables: Tables) -> Iterator[Evidence]:
    """AUC of the in-silico margin for people's correctness, less chance; all answers of a stage.

    n counts units, which the interval resamples. All stages together aren't judged: the AUC would
    also reward a margin that only tells easy stages from hard ones.
    """
    answers = tables.agreement
    for row in answers[(answers["confidence"] == "all") & (answers["stage"] != "all")].itertuples():
        metric = f"{row.backbone} {row.part}"
        scope = Scope(condition=row.condition, stage=row.stage, metric=metric)
        auc, low, high = row.auc - 0.5, row.auc_low - 0.5, row.auc_high - 0.5
        yield Evidence(scope, "AUC - 0.5", auc, low, high, row.n_units)

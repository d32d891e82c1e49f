"""Which models and programs are in use here, and what their licences say to that."""

from __future__ import annotations

from typing import Any

from assistant.app import App
from assistant.checking.finding import Finding, State
from assistant.checking.parts import Seen
from assistant.licences import Verdict, judge_licence
from assistant.models.catalogue import Licence

IN_USE, PRESENT = "in use", "present"

REFUSED_IN_SHOPS = "no"


def licences(app: App, seen: Seen) -> Finding:
    """The table of licences, and what about it should be known."""
    rows = [*_models(app), *_own(app), *_programs(app, seen)]
    rows.sort(key=lambda row: row["state"] != IN_USE)
    for row in rows:
        row["use"] = app.settings.deployment.use
    state, reason, remedy = _summary(app, rows)
    return Finding("licences", state, reason, remedy, tuple(rows))


def _models(app: App) -> list[dict[str, Any]]:
    """Models of the catalogue that are on this machine, and those that are asked for."""
    rows = []
    for model in app.models.catalogue.models:
        in_use = model.name in app.licensed.asked
        if in_use or app.models.state(model.name) != "missing":
            judgement = app.licensed.judgement(model.name)
            row = _row(model.name, model.kind, in_use, model.licence, judgement.verdict)
            rows.append(row | {"reason": judgement.reason, "remedy": judgement.remedy})
    return rows


def _own(app: App) -> list[dict[str, Any]]:
    """The owner's own models, of whose licences nothing is known here."""
    own = Licence(name="your own", commercial="unknown", terms="you know them")
    return [
        _row(name, kind, name in app.licensed.asked, own, Verdict.ALLOWED) for name, kind in app.models.own().items()
    ]


def _programs(app: App, seen: Seen) -> list[dict[str, Any]]:
    """Providers in use that bring their model along, or need none."""
    rows = []
    for name, called in seen.programs.items():
        licence = app.models.catalogue.licence(called)
        shown = licence or Licence(name=called, commercial="unknown")
        rows.append(_row(name, "provider", True, shown, judge_licence(licence, app.settings.deployment)))
    return rows


def _row(name: str, kind: str, in_use: bool, licence: Licence, verdict: Verdict) -> dict[str, Any]:
    return {
        "name": name,
        "kind": kind,
        "state": IN_USE if in_use else PRESENT,
        "licence": licence.name,
        "commercial": licence.commercial,
        "verdict": str(verdict),
        "terms": licence.terms,
        "url": licence.url,
        "reason": "",
        "remedy": "",
    }


def _summary(app: App, rows: list[dict[str, Any]]) -> tuple[State, str, str]:
    """State, reason and remedy."""
    use, used = app.settings.deployment.use, [row for row in rows if row["state"] == IN_USE]
    for verdict, meaning in ((Verdict.REFUSED, "refused"), (Verdict.UNCLEAR, "of unclear licence")):
        if struck := [row for row in used if row["verdict"] == verdict]:
            # Models of one licence have one remedy, but each names its own model in it; the first one will do.
            return State.WARNS, f"in use but {meaning} in {use} use: {_names(struck)}", struck[0]["remedy"]
    barred = [row for row in rows if row["commercial"] == REFUSED_IN_SHOPS and row["verdict"] != Verdict.HELD]
    if use == "evaluation" and barred:
        return State.WARNS, f"not for commercial use: {_names(barred)}", "In a shop set deployment.use: commercial."
    others = f"; only present, and refused: {_names(barred)}" if use == "commercial" and barred else ""
    return State.WORKS, f"all {len(used)} in use are allowed in {use} use{others}", ""


def _names(rows: list[dict[str, Any]]) -> str:
    return ", ".join(f"{row['name']} ({row['licence']})" for row in rows)

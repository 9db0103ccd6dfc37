"""The words of the interface, in the languages that a report can be had in."""

import re
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum

from golive.checklist import Report
from golive.outcome import Outcome


class Language(StrEnum):
    """A language of reports; what features, probes and the document say stays as it is."""

    EN = "en"
    FR = "fr"


Words = Callable[[str], str]

_FRENCH = {
    "Go-live checklist": "Checklist de mise en production",
    "Go-live report": "Rapport de mise en production",
    "Skip to the scenarios": "Aller aux scénarios",
    "Verdict": "Verdict",
    "GO": "GO",
    "NO-GO": "NO-GO",
    "INCOMPLETE": "INCOMPLET",
    "Nothing failed, and nothing is unproven.": "Aucun échec, et rien n'est sans preuve.",
    "Something failed: it must not go live.": "Il y a au moins un échec : pas de mise en ligne.",
    "Nothing failed, but something is not proven.": "Aucun échec, mais tout n'est pas prouvé.",
    "passed": "réussi",
    "failed": "échoué",
    "unproven": "non prouvé",
    "not-run": "non exécuté",
    "Environment": "Environnement",
    "Release": "Version",
    "no release named": "aucune version indiquée",
    "Started": "Début",
    "Duration": "Durée",
    "Scenarios": "Scénarios",
    "scenarios": "scénarios",
    "scenario": "scénario",
    "Item": "Point",
    "Outcome": "Résultat",
    "Proof": "Preuve",
    "no check yet": "pas encore de contrôle",
    "of": "sur",
    "Deviations are declared: statements of the document that are not met here, on purpose.": (
        "Des écarts sont déclarés : ce que le document demande et qui n'est pas tenu ici, exprès."
    ),
    "Waivers": "Dérogations",
    "waived": "dérogation",
    "waived: does not count": "dérogation : ne compte pas",
    "What fails and is accepted for this release, by whom and until when; it does not count.": (
        "Ce qui échoue et que quelqu'un accepte pour cette version, et jusqu'à quand ; ne compte "
        "pas."
    ),
    "Waives": "Déroge à",
    "Accepted by": "Accepté par",
    "Sign-offs": "Validations",
    "What people have signed of the release; whether it counts, the scenarios of its item say.": (
        "Ce que des personnes ont signé pour cette version ; les scénarios du point disent si cela "
        "compte."
    ),
    "Signed by": "Signé par",
    "Evidence": "Preuve",
    "Note": "Remarque",
    "not applicable": "sans objet",
    "Joined from": "Réuni à partir de",
    "until": "jusqu'au",
    "unused: all that it names passes": "inutile : tout ce qu'elle nomme passe",
    "Turned red": "Passés au rouge",
    "Passed or not run before, and red now; each was last run at the time shown.": (
        "Réussis ou non exécutés avant, en échec ou non prouvés à présent ; avec l'heure de la "
        "dernière exécution."
    ),
    "was": "était",
    "before": "avant",
    "at": "à",
    "Last runs": "Dernières exécutions",
    "This run": "Cette exécution",
    "Still due elsewhere": "Reste à prouver ailleurs",
    "Not shown in this environment; these can show it.": (
        "Non démontré dans cet environnement ; ceux-ci peuvent le démontrer."
    ),
    "Where": "Où",
    "Statement": "Énoncé",
    "Statements": "Énoncés",
    "Declared deviations": "Écarts déclarés",
    "Why": "Raison",
    "Found": "Constat",
    "holds here: the deviation is not needed": "tenu ici : l'écart n'est pas nécessaire",
    "not measured": "non mesuré",
    "Document": "Document",
    "Claimed by": "Revendiqué par",
    "no scenario here": "aucun scénario ici",
    "advisory": "conseil",
    "advisory: does not count": "conseil : ne compte pas",
    "Expected": "Attendu",
    "Actual": "Constaté",
    "Look for yourself": "À vérifier soi-même",
    "Step": "Étape",
    "Reason": "Raison",
    "Steps and evidence": "Étapes et preuves",
    "Nothing was recorded.": "Rien n'a été enregistré.",
    "not finished": "inachevée",
    "yes": "oui",
    "no": "non",
    "none": "aucun",
    "Filter": "Filtrer",
    "Search": "Rechercher",
    "All items": "Tous les points",
    "shown": "affichés",
    "Open all": "Tout ouvrir",
    "Close all": "Tout fermer",
    "Copy": "Copier",
    "Copied": "Copié",
    "No scenario fits the filter.": "Aucun scénario ne correspond au filtre.",
    "Measured figures": "Mesures chiffrées",
    "Measured": "Mesuré",
    "Value": "Valeur",
    "Time line": "Chronologie",
    "What took longest, from the beginning of the run to its end: scenarios by their outcome, "
    "and what was measured beside them.": (
        "Ce qui a duré le plus, du début à la fin de l'exécution : les scénarios selon leur "
        "résultat, et ce qui a été mesuré en même temps."
    ),
    "scenarios that failed": "scénarios échoués",
    "Failed": "Échoués",
    "Unproven": "Non prouvés",
    "Not run": "Non exécutés",
    "more in report.html and report.json": "de plus dans report.html et report.json",
    "Texts are shortened to keep this page small; report.json has them whole.": (
        "Des textes sont abrégés pour que cette page reste petite ; report.json les a en entier."
    ),
    "Made by golive from report.json.": "Fait par golive à partir de report.json.",
}


# What the gate itself says of a scenario; what features and probes say stays as it is.
_REASONS = (
    (r"\bnot permitted in (\S+): ([a-z, -]+)$", r"non permis dans \1 : \2"),
    (r"^only in an environment of kind (\w+) or (\w+)$", r"seulement dans un \1 ou un \2"),
    (r"^only in an environment of kind (\w+)$", r"seulement dans un environnement de type \1"),
    (r"^takes a minute or two: (.*)$", r"demande une minute ou deux : \1"),
    (r"^not chosen for this run$", "non choisi pour cette exécution"),
    (r"^not reached: ", "non atteint : "),
    (r"^deviation: ", "écart déclaré : "),
    (r"; measured:$", " ; mesuré :"),
    (r"^(.+): each of them a part$", r"\1 : chacun une partie"),
    (r"^nowhere: no environment file permits it$", "nulle part : aucun environnement ne le permet"),
    (r"\(fault of: target\)", "(en cause : la cible)"),
    (r"\(fault of: network\)", "(en cause : le réseau)"),
    (r"\(fault of: tool\)", "(en cause : un outil)"),
    (r"\(fault of: ours\)", "(en cause : golive)"),
)


def translated(report: Report, language: Language) -> Report:
    """The report, with the gate's own part of its reasons in `language`."""
    if language is Language.EN:
        return report
    return replace(
        report,
        scenarios=tuple(replace(r, reason=_in_french(r.reason)) for r in report.scenarios),
        due=tuple(replace(each, where=_in_french(each.where)) for each in report.due),
    )


def _in_french(text: str) -> str:
    for pattern, french in _REASONS:
        text = re.sub(pattern, french, text, flags=re.MULTILINE)
    return text


def counted(number: int, outcome: Outcome, language: Language) -> str:
    """`12 passed`, `12 réussis`."""
    plural = "s" if language is Language.FR and number > 1 else ""
    return f"{number} {words(language)(outcome)}{plural}"


def words(language: Language) -> Words:
    """What says a word of the interface in `language`, given the English one.

    It raises KeyError for a word that has no translation.
    """
    return _FRENCH.__getitem__ if language is Language.FR else str

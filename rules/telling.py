"""Words that say nothing by themselves, in French and in English, folded; negations, too: "no" is no news."""

from __future__ import annotations

SHORTEST = 3
"""Letters that a word has at least which tells something."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_STOP = _words(
    """
    afin ainsi alors apres assez aucun aucune aussi autre autres avant avec avez avoir avons beaucoup bien bon bonjour
    bonsoir car ceci cela celle celui ces cet cette ceux chaque chez comme comment contre dans depuis des deux dire dit
    dites donc dont elle elles encore entre est etaient etait etant ete etes etre eux faire fait faites faut fois font
    hier ici ils jamais jours juste les leur leurs lors lui mais malgre mal matin meme memes merci mes mieux mis moi
    moins mon non nos notre nous ont ou oui par parce pas pendant peu peut peuvent plus plusieurs plutot pour pourquoi
    pourtant pouvez puis quand que quel quelle quelles quels quelque qui quoi rien sans sauf ses seul seulement sinon
    soir son sont sous suis sur svp tant tel tellement temps tes toi ton toujours tous tout toute toutes tres trop une
    vers voici voila voir vont vos votre vous vraiment vu etc aujourd hui aujourdhui demain maintenant deja about after
    again all also always and any are aren because been before being but can cannot could day days did didn does doesn
    doing don down each even ever every few for from get getting got had has have having her here hers him his how into
    isn its just know let like made make many may me more most much must myself never nor not now off once one only
    other our out over own please really same say says she should since some still such than thank thanks that the their
    them then there these they thing this those through time today too two until upon very was way were what when where
    which while who why will with without won would yes yet you your yours yourself going gone goes take taken took
    taking done might trying try tried keep kept sent send show counting need needs want wanted wants give given gave
    come came coming think thought see seen look looking put ask asked tell told call called back able work working
    anyone someone something anything nothing everyone people guys last next new week weeks month months hour hours
    minute minutes year years attend attends attendre veux veut voulez aller vais vas allez vient venir viens prendre
    pris prend mettre met passer passe donner donne savoir sais sait vois crois trouve trouver gens chose truc personne
    mois semaine semaines heure heures ans annee annees plait
    """
)


def tells(token: str) -> bool:
    """Whether a folded word tells something by itself: neither a small word nor a number."""
    return len(token) >= SHORTEST and token not in _STOP and not token.isnumeric()

"""The shipped rule `safety`: who may be hurt is heard at once, and figures of speech wake nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from monitor.domain.mention import Observed
from monitor.sentiment.meaning import Meaning
from monitor.sentiment.settings import SentimentSettings
from rules import Engine, Finding, RuleFile, States

Mention = Callable[..., Observed]
CONFIG = Path(__file__).resolve().parents[2] / "config"

IN_DANGER_FR = [
    "Ma lampe Acme a pris feu, mon fils est brûlé, aux urgences",
    "Le chargeur a fondu et ma fille s'est brûlée la main",
    "La batterie du vélo a explosé dans le garage cette nuit",
    "Odeur de brûlé et fumée noire qui sort de la box, je fais quoi ?",
    "Je viens de m'électrocuter avec votre bouilloire",
    "J'ai pris une décharge électrique en branchant le grille-pain",
    "départ de feu dans la cuisine à cause de votre four",
    "Ma mère est à l'hôpital après avoir mangé vos lasagnes",
    "Choc anaphylactique : il y avait des noisettes, rien sur l'étiquette",
    "Mon fils a fait une réaction allergique à votre crème",
    "Toute la famille intoxiquée par vos huîtres",
    "intoxication alimentaire après le buffet de dimanche",
    "J'ai trouvé un morceau de verre dans le petit pot de ma fille",
    "Les freins ont lâché dans la descente, je suis blessé",
    "la roue s'est détachée, fracture du poignet",
    "Fuite de gaz sur votre chaudière, on a appelé les pompiers",
    "monoxyde de carbone : nous avons failli y passer",
    "Un passager a fait un malaise et personne n'a appelé le SAMU",
    "votre livreur m'a agressée devant chez moi",
    "Il m'a menacé avec un couteau dans votre magasin",
    "je n'en peux plus de vos relances, je vais me tuer",
    "Vous m'avez tout pris, je veux mourir",
    "je vais venir à l'agence avec un fusil",
    "Je vais mettre le feu à votre boutique",
    "Ce jouet est dangereux, mon bébé a avalé une pile",
    "L'ÉCHELLE A CÉDÉ, MON MARI EST HOSPITALISÉ",
    "explosion de gaz dans l'immeuble, c'est votre installation",
    "une personne blessée dans l'escalier roulant",
    "le fil est dénudé, mon chat s'est electrocute",
]
HARMLESS_FR = [
    "ça me brûle les doigts de vous répondre",
    "mort de rire devant votre pub",
    "On est morts de rire au bureau",
    "Votre nouvelle pub est une bombe",
    "Ce concert, c'était le feu !",
    "l'ambiance est en feu ce soir",
    "J'ai craqué, je suis accro à vos chips",
    "Une offre qui tue !",
    "je brûle d'impatience de recevoir ma commande",
    "Les prix explosent, merci Acme",
    "Ma facture a explosé ce mois-ci",
    "Explosion des tarifs, encore",
    "C'est l'hôpital qui se moque de la charité",
    "Vous noyez le poisson",
    "noyé sous vos mails promotionnels",
    "Coup de foudre pour ce canapé",
    "J'ai eu un choc en voyant le prix",
    "Le service client m'a tué",
    "Aucun blessé, tout va bien, merci aux équipes",
    "Plus de peur que de mal, personne n'a été blessé",
    "pas dangereux du tout, je recommande",
    "Arrêtez de nous enfumer avec vos promos",
    "C'est de l'écran de fumée, votre communication",
    "Feu vert pour la commande !",
    "ça va faire des étincelles entre eux deux",
    "la fracture numérique, parlons-en",
    "Je me suis cassé le nez : boutique fermée",
    "On va mettre le feu au dancefloor avec l'enceinte Acme",
    "saumon fumé à tomber",
    "Pourquoi le site est-il coupé ?",
    "Votre silence est assourdissant, ça me saigne le cœur",
]
IN_DANGER_EN = [
    "My Acme lamp caught fire and my son is burned, we are in the ER",
    "the charger melted and burned my hand",
    "Battery exploded in my pocket",
    "There is a burning smell and smoke coming out of the router",
    "I got an electric shock from your kettle",
    "just got electrocuted by this hairdryer",
    "the toaster burst into flames this morning",
    "my mum is in hospital after eating your lasagne",
    "Anaphylactic shock: nuts not on the label!",
    "my daughter had an allergic reaction to your cream",
    "we all have food poisoning from your buffet",
    "Found a piece of glass in my baby's food",
    "The brakes failed downhill and I'm badly hurt",
    "the wheel came off, broken wrist, needed stitches",
    "gas leak from your boiler, fire brigade on its way",
    "Carbon monoxide alarm went off because of your heater",
    "a passenger passed out and nobody called an ambulance",
    "your driver assaulted me outside my home",
    "He threatened me with a knife in your store",
    "you took everything from me, I want to die",
    "I'm going to kill myself if this goes on",
    "I will bring a gun to your office",
    "I'll burn down your store",
    "this toy is dangerous, my toddler choked on a part",
    "Ladder collapsed, husband was hospitalised",
    "exposed wires on a brand new lamp, unsafe",
    "Our kids were injured on your ride",
    "my dog was poisoned by your treats",
    "the airbag did not open, head injury",
]
HARMLESS_EN = [
    "killer deal, thanks!",
    "this is killing me, just tell me where my parcel is",
    "I'm dying to try the new flavour",
    "dead, absolutely dead, that ad is hilarious",
    "you should be fired for that tweet",
    "whoever wrote this got fired I hope",
    "hot new colours this season",
    "your team is on fire today",
    "that playlist is fire",
    "the price exploded again",
    "my inbox is exploding with your newsletters",
    "sparks joy",
    "shoot you a DM in a minute",
    "would it kill you to answer?",
    "you hurt my feelings, Acme",
    "adding insult to injury: lost bag and no voucher",
    "I'll take a stab at it",
    "the new phone is the bomb",
    "burning question: when does it ship?",
    "I burned through my data in a week",
    "nobody was hurt, everyone is fine, great crew",
    "no injuries, thank goodness",
    "not dangerous at all, my kids love it",
    "Do you offer discounts for volunteer firefighters?",
    "smoked salmon to die for",
    "nearly died laughing",
    "we are in danger of missing our connection",
    "this crossover is bleeding edge",
    "heads up, my phone died after two hours",
    "They shot down my refund request in seconds",
    "gave me a heart attack with that bill, lol",
]


@pytest.fixture(scope="module")
def safety() -> Engine:
    """The shipped rule with its lists."""
    file = RuleFile.model_validate(yaml.safe_load((CONFIG / "rules" / "safety.yaml").read_text(encoding="utf-8")))
    return Engine(file.effective(), {name: _entries(str(path)) for name, path in file.lists.items()})


def _entries(name: str) -> list[str]:
    lines = map(str.strip, (CONFIG / name).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _rings(safety: Engine, said: Observed) -> list[Finding]:
    return safety.observe(said, States())


@pytest.mark.parametrize("text", IN_DANGER_FR + IN_DANGER_EN)
@pytest.mark.parametrize("own", [False, None])
def test_who_may_be_hurt_is_heard(text: str, own: bool | None, safety: Engine, mention: Mention) -> None:
    """Critical, from anybody but ourselves: ten followers are enough, and so is a content tone."""
    (finding,) = _rings(safety, mention(text=text, own=own, reach=10, complaint=0.0, sentiment=0.9))
    assert (finding.rule, finding.severity, set(finding.key)) == ("safety", "critical", {"author"})
    assert any(reason.startswith("text “") for reason in finding.reasons)


@pytest.mark.parametrize("text", HARMLESS_FR + HARMLESS_EN)
def test_figures_of_speech_wake_nobody(text: str, safety: Engine, mention: Mention) -> None:
    """Anger, joy and bargains are full of fire and death."""
    assert _rings(safety, mention(text=text, own=False)) == []


def test_a_score_is_heard_without_any_word(safety: Engine, mention: Mention) -> None:
    """Where a scorer sees the risk, no list need know the words."""
    assert _rings(safety, mention(text="Hmm", own=False, safety_risk=0.5))
    assert not _rings(safety, mention(text="Hmm", own=False, safety_risk=0.49))


@pytest.mark.parametrize(
    "text",
    [
        "In the film the house caught fire, and the Acme lamp was to blame",
        "Years ago my Acme lamp caught fire",
        "Dans le film la lampe Acme a pris feu, il y a des années",
    ],
)
def test_a_story_wakes_nobody(text: str, safety: Engine, mention: Mention) -> None:
    """What the score calls far away, long ago or a story does not ring by the list from which the score has it."""
    met = Meaning(SentimentSettings()).of(text, cleaned=text, language="fr" if text.startswith("Dans") else "en")
    assert met.safety_risk == 0.3
    assert not _rings(safety, mention(text=text, own=False, safety_risk=met.safety_risk))


@pytest.mark.parametrize(
    ("text", "language"), [*((text, "fr") for text in IN_DANGER_FR), *((text, "en") for text in IN_DANGER_EN)]
)
def test_the_score_knows_them_in_their_own_language(text: str, language: str) -> None:
    """The message says how likely the danger is: a hundredth beside what rang would be read as a false alarm."""
    risk = Meaning(SentimentSettings()).of(text, cleaned=text, language=language).safety_risk
    assert risk is not None
    assert risk >= 0.5


@pytest.mark.parametrize("risk", [None, 0.01])
def test_the_lists_speak_where_the_score_saw_nothing(risk: float | None, safety: Engine, mention: Mention) -> None:
    """A short post is easily taken for the other language, whose lists do not know its words."""
    assert _rings(safety, mention(text="Ma lampe Acme a pris feu", own=False, safety_risk=risk))


@pytest.mark.parametrize("said", [{"own": True}, {"own": False, "subjects": set()}])
def test_what_we_say_and_what_others_are_told_is_left_out(said: dict[str, object], safety: Engine, mention: Mention) -> None:
    """A recall notice of our own, or the fire of another brand."""
    assert _rings(safety, mention(text="La lampe a pris feu", safety_risk=0.9, **said)) == []

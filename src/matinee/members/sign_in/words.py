"""The words of the pages on which a household signs in and approves, in French and English, and the pages' one frame."""

import base64
import hashlib
import html
from collections.abc import Mapping
from typing import Final

STYLE: Final = """
*{box-sizing:border-box}body{margin:0;min-height:100vh;display:grid;place-items:center;background:#0d0e12;color:#f2efe9;
font:18px/1.5 system-ui,sans-serif;padding:24px}main{width:100%;max-width:26rem}h1{font-size:1.7rem;line-height:1.2;
font-weight:650;letter-spacing:-.02em;margin:0 0 .75rem}p{margin:0 0 1.25rem;color:#c9c5bd}
label{display:block;margin:0 0 1rem;color:#c9c5bd}
input{display:block;width:100%;margin-top:.35rem;padding:.8rem .9rem;font:inherit;color:#f2efe9;background:#191b22;
border:2px solid #4a4d58;border-radius:10px}input:focus-visible,button:focus-visible{outline:3px solid #f5c16c;outline-offset:2px}
.code{font:650 2.3rem/1.2 ui-monospace,monospace;letter-spacing:.08em;color:#fff;margin:0 0 .25rem}
.typed{text-transform:uppercase;letter-spacing:.12em;font-size:1.5rem}
button{display:block;width:100%;margin-top:.75rem;padding:.9rem;font:inherit;font-weight:600;border:0;border-radius:10px;
background:#f5c16c;color:#17130a;cursor:pointer}button.plain{background:#2a2d37;color:#f2efe9}
a.button{display:block;width:100%;margin-top:.75rem;padding:.9rem;font-weight:600;border-radius:10px;text-align:center;
text-decoration:none;background:#f5c16c;color:#17130a}a.button.plain{background:#2a2d37;color:#f2efe9}
a.button:focus-visible{outline:3px solid #f5c16c;outline-offset:2px}.or{margin:1.5rem 0 .25rem;text-align:center}
.wrong{color:#ffb4a2;margin:0 0 1rem}.brand{color:#8f8c86;font-size:.95rem;margin:0 0 2rem}"""
STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

_ENGLISH: Final = {
    "sign_in.title": "Sign in",
    "sign_in.help": "With the name and the password of your household's account.",
    "sign_in.for": "To go on to {program}.",
    "sign_in.name": "Name or e-mail address",
    "sign_in.password": "Password",
    "sign_in.go": "Sign in",
    "sign_in.wrong": "The name or the password is wrong.",
    "sign_in.often": "This was tried too often. Try again in {seconds} seconds.",
    "operator.or": "or",
    "operator.go": "Sign in with {operator}",
    "back": "Go back",
    "failed.title": "{operator} did not sign you in",
    "failed.help": "Go back and try again, or sign in with your household’s account.",
    "no_home.title": "No household at your line",
    "no_home.help": "{operator} knows you, but no household of this service is at your line yet. Ask {operator}, or sign in with "
    "your household’s account.",
    "busy.title": "One moment, please",
    "busy.help": "Many sign in at this moment. Load this page again in {seconds} seconds.",
    "over.title": "Please begin again",
    "over.help": "This way of signing in took too long, or was begun in another browser. Open the page from which you came.",
    "code.title": "Enter the code",
    "code.help": "Your television shows it: eight letters.",
    "code.label": "Code",
    "code.go": "Continue",
    "code.wrong": "No television shows this code now. Look again: after a quarter of an hour it shows another.",
    "approve.title": "Sign this television in?",
    "approve.help": "{label} asks to be signed in to your household. Does it show this code?",
    "approve.warn": "Say yes only if it stands before you. Nobody who calls or writes to you needs this code.",
    "approve.pin": "The household's PIN",
    "approve.pin_wrong": "That is not the household's PIN.",
    "approve.yes": "Yes, sign it in",
    "approve.no": "No, refuse",
    "approved.title": "Done",
    "approved.help": "{label} goes on by itself in a few seconds. You may close this page.",
    "refused.title": "Refused",
    "refused.help": "That television was not signed in.",
    "late.title": "Too late",
    "late.help": "This code was used, or is too old. The television shows another.",
    "consent.title": "Sign in to {program}?",
    "consent.help": "{program} learns that it is always the same household, and since when you are signed in. It learns no name, "
    "and nothing that you watch.",
    "consent.yes": "Yes, go on",
    "consent.no": "No, go back",
    "broken.title": "This link does not work",
    "broken.help": "The program that sent you here asked for what it may not ask for. Go back, and tell those who make it.",
    "foreign.title": "Please begin again",
    "foreign.help": "This form was not sent from our own page. Open the address anew.",
}
_FRENCH: Final = {
    "sign_in.title": "Se connecter",
    "sign_in.help": "Avec le nom et le mot de passe du compte de votre foyer.",
    "sign_in.for": "Pour continuer vers {program}.",
    "sign_in.name": "Nom ou adresse e-mail",
    "sign_in.password": "Mot de passe",
    "sign_in.go": "Se connecter",
    "sign_in.wrong": "Le nom ou le mot de passe est faux.",
    "sign_in.often": "Trop d’essais. Réessayez dans {seconds} secondes.",
    "operator.or": "ou",
    "operator.go": "Se connecter avec {operator}",
    "back": "Revenir",
    "failed.title": "{operator} ne vous a pas connecté",
    "failed.help": "Revenez en arrière et réessayez, ou connectez-vous avec le compte de votre foyer.",
    "no_home.title": "Aucun foyer sur votre ligne",
    "no_home.help": "{operator} vous connaît, mais aucun foyer de ce service n’est encore sur votre ligne. Adressez-vous à "
    "{operator}, ou connectez-vous avec le compte de votre foyer.",
    "busy.title": "Un instant, s’il vous plaît",
    "busy.help": "Beaucoup se connectent en ce moment. Rechargez cette page dans {seconds} secondes.",
    "over.title": "Veuillez recommencer",
    "over.help": "Cette connexion a pris trop de temps, ou a commencé dans un autre navigateur. Ouvrez à nouveau la page d’où "
    "vous venez.",
    "code.title": "Saisissez le code",
    "code.help": "Votre téléviseur l’affiche : huit lettres.",
    "code.label": "Code",
    "code.go": "Continuer",
    "code.wrong": "Aucun téléviseur n’affiche ce code en ce moment. Regardez à nouveau : au bout d’un quart d’heure, il en "
    "affiche un autre.",
    "approve.title": "Connecter ce téléviseur ?",
    "approve.help": "{label} demande à être connecté à votre foyer. Affiche-t-il ce code ?",
    "approve.warn": "Ne dites oui que s’il est devant vous. Personne qui vous appelle ou vous écrit n’a besoin de ce code.",
    "approve.pin": "Le code PIN du foyer",
    "approve.pin_wrong": "Ce n’est pas le code PIN du foyer.",
    "approve.yes": "Oui, le connecter",
    "approve.no": "Non, refuser",
    "approved.title": "C’est fait",
    "approved.help": "{label} continue tout seul dans quelques secondes. Vous pouvez fermer cette page.",
    "refused.title": "Refusé",
    "refused.help": "Ce téléviseur n’a pas été connecté.",
    "late.title": "Trop tard",
    "late.help": "Ce code a déjà servi ou il est trop ancien. Le téléviseur en affiche un autre.",
    "consent.title": "Se connecter à {program} ?",
    "consent.help": "{program} apprend qu’il s’agit toujours du même foyer, et depuis quand vous êtes connecté. Il n’apprend "
    "ni nom, ni ce que vous regardez.",
    "consent.yes": "Oui, continuer",
    "consent.no": "Non, revenir",
    "broken.title": "Ce lien ne fonctionne pas",
    "broken.help": "Le programme qui vous envoie ici demande ce qu’il ne peut pas demander. Revenez en arrière et dites-le à ses "
    "auteurs.",
    "foreign.title": "Veuillez recommencer",
    "foreign.help": "Ce formulaire ne vient pas de notre page. Ouvrez à nouveau l’adresse.",
}
WORDS: Final[Mapping[str, Mapping[str, str]]] = {"fr": _FRENCH, "en": _ENGLISH}


class Page:
    """One page in one language. What comes from outside goes in through here alone, and is escaped."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._words = WORDS[language]

    def say(self, name: str, **values: object) -> str:
        """The words of a name, as HTML."""
        return html.escape(self._words[name].format(**values))

    def hidden(self, name: str, value: str) -> str:
        return f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'

    def wrong(self, said: str) -> str:
        return f'<p class="wrong" role="alert">{said}</p>' if said else ""

    def html(self, title: str, inside: str) -> str:
        """The whole page; `title` and `inside` are HTML."""
        return (
            f'<!doctype html><html lang="{self.language}"><head><meta charset="utf-8">'
            f'<meta name="viewport" content="width=device-width,initial-scale=1">'
            f'<link rel="icon" href="data:,"><title>{title} · Matinee</title>'
            f'<style>{STYLE}</style></head><body><main><p class="brand">Matinee</p><h1>{title}</h1>{inside}</main></body></html>'
        )


def language_of(accepted: str) -> str:
    """The first of our languages that a browser names; English where it names none."""
    for one in accepted[:200].split(","):
        tag = one.partition(";")[0].strip().lower().partition("-")[0]
        if tag in WORDS:
            return tag
    return "en"

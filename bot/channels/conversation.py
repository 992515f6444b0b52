"""Incoming → Reply, the same on every channel: commands, choices, first contact, questions. Knows
no messenger. What is remembered of a conversation, `Talk`, holds nothing that the person wrote;
but for a question that waits for the choice of a programme, and that is never in `Talk.dump`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from bot.channels.base import Button, Core, Incoming, Programme, Quote, Reply, Said
from bot.messages import Answer, Citation, Question
from bot.wording import DEFAULT, wording

SHOWN, FOUND = 2, 6  # passages of one message; of a question, "mehr" shows the others
LISTED = 10  # choices: rows of a list in WhatsApp
CODE = "#"  # begins what a button of a choice says


@dataclass(frozen=True)
class Talk:
    """Where a conversation is. `choices`: what the numbers of the last list stand for; `asked`:
    the question that waits until a programme is chosen, kept in this process alone.
    """

    greeted: bool = False
    told: bool = False  # that it is counted what many ask
    programme: str = ""
    language: str = DEFAULT
    more: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    asked: str = field(default="", repr=False)

    def dump(self) -> str:
        """As text, for the store; without what the person wrote."""
        kept = {name: value for name, value in asdict(self).items() if name != "asked"}
        return json.dumps(kept, ensure_ascii=False)


def load(text: str | None) -> Talk:
    """A new talk where there is none, or one from an older version."""
    if text is None:
        return Talk()
    try:
        found = json.loads(text).items()
        values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in found}
        return Talk(**values)
    except (ValueError, TypeError, AttributeError):
        return Talk()


@dataclass(frozen=True)
class _Turn:
    core: Core
    talk: Talk
    incoming: Incoming
    channel: str  # its name, under which answers are counted
    client: str  # whose questions are counted together: a hash

    def say(self, key: str, **words: object) -> str:
        return say(self.talk.language, key, **words)


Step = tuple[Reply, Talk]


def turn(core: Core, talk: Talk, incoming: Incoming, channel: str, client: str) -> Step:
    """One message answered, and where the conversation is then."""
    step = _Turn(core, talk, incoming, channel, client)
    try:
        reply, after = _dispatch(step)
    except Said as said:
        reply, after = Reply((str(said),)), talk
    counting = bool(core.counting())
    if not talk.greeted or (counting and not talk.told):  # it may have been switched on since
        reply = replace(reply, before=(*_notice(step, after), *reply.before))
    return replace(reply, language=after.language), replace(after, greeted=True, told=counting)


def found(
    core: Core, talk: Talk, incoming: Incoming, channel: str, client: str
) -> tuple[Quote, ...]:
    """Quotes for somebody who is still typing: from the programme whose slug is the first word,
    else from the one chosen in the conversation, else from the first.
    """
    programmes = core.programmes()
    first, _, rest = incoming.text.strip().partition(" ")
    named = next((p.slug for p in programmes if p.slug == first.casefold()), "")
    text = rest if named else incoming.text
    if not programmes or not text.strip():
        return ()
    chosen = _of(_Turn(core, talk, incoming, channel, client)) or programmes[0]
    question = Question(text, talk.language, FOUND, channel)
    try:
        answer = core.ask(replace(question, whole=False), named or chosen.slug, client)
    except Said:
        return ()
    return tuple(_quote(core, c) for c in answer.passages)


def say(language: str, key: str, **words: object) -> str:
    """A sentence of the wording's [channels]; German where it isn't translated."""
    for channels in (getattr(wording(language), "channels", None), wording().channels):
        if sentence := getattr(channels, key, None):
            return str(sentence).format(**words)
    raise KeyError(key)


def _dispatch(step: _Turn) -> Step:
    incoming = step.incoming
    if incoming.kind != "text":
        return Reply((step.say(f"kind_{incoming.kind}"),)), step.talk
    if not incoming.text.strip():
        return Reply((step.say("kind_other"),)), step.talk
    command, argument = _command(incoming.text)
    if command in COMMANDS:
        return COMMANDS[command](step, argument)
    if choice := _choice(step.talk, incoming.text.strip()):
        return _chosen(step, choice)
    if incoming.text.startswith(CODE) and re.fullmatch(r"#[0-9a-f]{8}", incoming.text):
        return Reply((step.say("expired"),)), step.talk
    return _question(step, incoming.text)


def _command(text: str) -> tuple[str, str]:
    """From "/start rot": "start", "rot". Without the slash, only a word that stands alone."""
    first, _, argument = text.strip().partition(" ")
    slash, name = first.startswith("/"), first.lstrip("/").partition("@")[0].casefold()
    return ("", "") if argument and not slash else (name.rstrip(".!"), argument.strip())


def _choice(talk: Talk, text: str) -> str | None:
    if re.fullmatch(r"[0-9]{1,2}", text) and 1 <= int(text) <= len(talk.choices):
        return talk.choices[int(text) - 1]
    return next((c for c in talk.choices if CODE + code(c) == text), None)


def code(choice: str) -> str:
    """A choice as a button says it, short and good only for this choice."""
    return hashlib.blake2b(choice.encode(), digest_size=4).hexdigest()


def _chosen(step: _Turn, choice: str) -> Step:
    kind, _, value = choice.partition(":")
    if kind == "programm":
        return _programme(step, value)
    if kind == "sprache":
        return _language(step, value)
    return _question(step, value)


# --- questions


def _question(step: _Turn, text: str) -> Step:
    chosen = _of(step)
    if chosen is None:
        return _programme(replace(step, talk=replace(step.talk, asked=text)), "")
    question = Question(text, step.talk.language, FOUND, step.channel)
    answer = step.core.ask(question, chosen.slug, step.client)
    ids = tuple(c.id for c in answer.passages[SHOWN:])
    talk = replace(
        step.talk, programme=chosen.slug, more=ids, suggestions=answer.suggestions, choices=(),
        asked="",
    )  # fmt: skip
    return _answered(replace(step, talk=talk), answer), talk


def _answered(step: _Turn, answer: Answer) -> Reply:
    quotes = tuple(_quote(step.core, c) for c in answer.passages[:SHOWN])
    return Reply(
        before=(answer.message,),
        quotes=quotes,
        after=_hint(step, bool(step.talk.more), bool(answer.suggestions)),
        buttons=_buttons(step, quotes),
    )


def _more(step: _Turn, _: str) -> Step:
    chosen = _of(step)
    ids = step.talk.more[:SHOWN]
    passages = step.core.passages(chosen.slug, ids) if chosen else ()
    if not passages:
        return Reply((step.say("no_more"),)), replace(step.talk, more=())
    talk = replace(step.talk, more=step.talk.more[SHOWN:])
    quotes = tuple(_quote(step.core, c) for c in passages)
    after = _hint(step, bool(talk.more), bool(talk.suggestions))
    buttons = _buttons(replace(step, talk=talk), quotes)
    return Reply(quotes=quotes, after=after, buttons=buttons), talk


def _questions(step: _Turn, _: str) -> Step:
    choices = [f"frage:{s}" for s in step.talk.suggestions]
    if not choices:
        return Reply((step.say("ask"),)), step.talk
    return _list(step, step.say("questions"), choices, step.talk.suggestions)


def _quote(core: Core, citation: Citation) -> Quote:
    key = citation.highlights[0] if citation.highlights else None
    return Quote(citation.text, key, citation.citation, core.url(citation.path))


def _hint(step: _Turn, more: bool, suggestions: bool) -> tuple[str, ...]:
    keys = [key for key, there in (("hint_more", more), ("hint_questions", suggestions)) if there]
    return (" · ".join(step.say(key) for key in keys),) if keys else ()


def _buttons(step: _Turn, quotes: Sequence[Quote]) -> tuple[Button, ...]:
    url = quotes[0].url if quotes else ""
    offers = (
        Button(step.say("button_more"), say="mehr") if step.talk.more else None,
        Button(step.say("button_read"), url=url) if url else None,
        Button(step.say("button_questions"), say="fragen") if step.talk.suggestions else None,
    )
    return tuple(b for b in offers if b)


# --- choosing


def _of(step: _Turn) -> Programme | None:
    """The programme chosen, or the only one; None where there are several."""
    programmes = step.core.programmes()
    if len(programmes) == 1:
        return programmes[0]
    return next((p for p in programmes if p.slug == step.talk.programme), None)


def _programme(step: _Turn, named: str) -> Step:
    programmes = step.core.programmes()
    if not programmes:
        return Reply((step.say("none"),)), step.talk
    chosen = next((p for p in programmes if p.slug == named), None)
    if chosen or len(programmes) == 1:
        return _switched(step, chosen or programmes[0])
    wanted = named.casefold()
    fitting = [p for p in programmes if wanted in f"{p.slug} {p.title}".casefold()] or programmes
    listed = fitting[:LISTED]
    title = step.say("programmes" if len(fitting) <= LISTED else "programmes_many")
    return _list(step, title, [f"programm:{p.slug}" for p in listed], [p.title for p in listed])


def _switched(step: _Turn, chosen: Programme) -> Step:
    """The programme is chosen; a question that waited for it is answered with it."""
    said, asked = step.say("programme", title=chosen.title), step.talk.asked
    talk = replace(step.talk, programme=chosen.slug, more=(), suggestions=(), choices=(), asked="")
    if not asked:
        return Reply((said, step.say("ask"))), talk
    try:
        reply, talk = _question(replace(step, talk=talk), asked)
    except Said as error:  # the choice stands all the same
        reply = Reply((str(error),))
    return replace(reply, before=(said, *reply.before)), talk


def _language(step: _Turn, named: str) -> Step:
    languages = step.core.languages()
    if named in languages:
        talk = replace(step.talk, language=named, choices=())
        return Reply((say(named, "language"),)), talk
    if len(languages) < 2:
        return Reply((step.say("one_language"),)), step.talk
    names = [say(language, "language_name") for language in languages]
    return _list(step, step.say("languages"), [f"sprache:{n}" for n in languages], names)


def _list(step: _Turn, title: str, choices: Sequence[str], labels: Sequence[str]) -> Step:
    buttons = tuple(
        Button(label, say=CODE + code(choice))
        for choice, label in zip(choices, labels, strict=True)
    )
    talk = replace(step.talk, choices=tuple(choices))
    return Reply((title,), choices=buttons, after=(step.say("number"),)), talk


# --- fixed sentences


def _start(step: _Turn, argument: str) -> Step:
    """The link t.me/<bot>?start=<slug> chooses a programme."""
    fresh = replace(step.talk, greeted=True)
    reply, talk = _programme(replace(step, talk=fresh), argument)
    notice = () if not step.talk.greeted else _notice(step, talk)
    return replace(reply, before=(*notice, *reply.before)), talk


def _help(step: _Turn, _: str) -> Step:
    return Reply((step.say("help"),)), step.talk


def _imprint(step: _Turn, _: str) -> Step:
    lines = tuple(
        step.say("imprint", title=p.title, text=p.imprint) if p.imprint
        else step.say("imprint_missing", title=p.title)
        for p in _concerned(step)
    )  # fmt: skip
    return Reply(lines or (step.say("none"),)), step.talk


def _privacy(step: _Turn, _: str) -> Step:
    lines = tuple(p.privacy for p in _concerned(step) if p.privacy)
    words, days = wording(step.talk.language), step.core.counting()
    said = (
        f"{words.insights.questions} {words.insights.counts}" if days else words.privacy.questions
    )
    return Reply((step.say("privacy", questions=said.format(days=days)), *lines)), step.talk


def _concerned(step: _Turn) -> Sequence[Programme]:
    chosen = _of(step)
    return (chosen,) if chosen else step.core.programmes()[:LISTED]


def _notice(step: _Turn, talk: Talk) -> tuple[str, ...]:
    """What somebody is told before the first answer."""
    chosen = _of(replace(step, talk=talk))
    places = "\n".join(p for p in (chosen.imprint, chosen.privacy) if p) if chosen else ""
    words = wording(talk.language)
    stored = words.insights.short if step.core.counting() else words.chat.stores_nothing
    notice = say(talk.language, "notice", stored=stored)
    return (notice, places) if places else (notice,)


COMMANDS: Mapping[str, Callable[[_Turn, str], Step]] = {
    "start": _start,
    **dict.fromkeys(("hilfe", "help"), _help),
    **dict.fromkeys(("impressum", "imprint"), _imprint),
    **dict.fromkeys(("datenschutz", "privacy"), _privacy),
    **dict.fromkeys(("mehr", "more"), _more),
    **dict.fromkeys(("fragen", "questions", "weitere"), _questions),
    **dict.fromkeys(("programm", "programme", "programmes"), _programme),
    **dict.fromkeys(("sprache", "sprachen", "language"), _language),
}

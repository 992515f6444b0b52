"""The JSON API; its shapes are other people's contract: see docs/api.md."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.config import JsonDict

from bot import answering
from bot.admission import searching
from bot.errors import UnknownPassage
from bot.library import Served
from bot.messages import Citation, Question, Status
from bot.state import COMPARED, LIMIT, MOST, Shared, State, client_of

router = APIRouter(prefix="/api", tags=["api"])
# What a question is, for the document alone: `answering` has a sentence for an empty one.
SIGN = r"[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
QUESTION: JsonDict = {"minLength": 1, "maxLength": 2000, "pattern": SIGN}

# Said so that tools for older JSON Schema read it, too: without prefixItems.
SpanOut = Annotated[
    tuple[int, int],
    WithJsonSchema({"type": "array", "items": {"type": "integer"}, "minItems": 2, "maxItems": 2}),
]

EXAMPLE_QUESTION: JsonDict = {
    "message": "Werden die Kita-Gebühren abgeschafft?",
    "programme": "dortmund-2025",
}
EXAMPLE_PASSAGE: JsonDict = {
    "id": "fruehkindliche-bildung-verlaesslich-und-gebuehrenfrei-1a2b3c",
    "text": "Darum werden wir deutlich mehr Mittel für den Platzausbau zur Verfügung stellen und "
    "als Stadt die Kita-Gebühren komplett abschaffen, um Teilhabe und Chancengleichheit von Anfang "
    "an zu ermöglichen.",
    "highlights": [[0, 197]],
    "chapter": "Dortmund kann gleiche Bildungschancen für alle",
    "section": "Frühkindliche Bildung - verlässlich und gebührenfrei",
    "page": None,
    "end_page": None,
    "citation": "Dortmund kann gleiche Bildungschancen für alle › Frühkindliche Bildung - "
    "verlässlich und gebührenfrei",
    "url": "https://frag.example.org/p/dortmund-2025/programm#fruehkindliche-bildung-1a2b3c",
    "pdf_url": None,
    "confidence": 0.93,
}


class Asked(BaseModel):
    """A question. `programme` may be left out where only one is served."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_QUESTION]})
    message: str = Field(json_schema_extra=QUESTION)
    programme: str | None = None
    language: str = Field("de", max_length=16)
    limit: int = Field(LIMIT, ge=1, le=MOST)


class PassageOut(BaseModel):
    """A passage, verbatim; `highlights` are character offsets into `text`."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE_PASSAGE]})
    id: str
    text: str
    highlights: list[SpanOut]
    chapter: str
    section: str
    page: int | None
    end_page: int | None
    citation: str
    url: str
    pdf_url: str | None
    confidence: float


class ProgrammeRef(BaseModel):
    """Which programme answered, in which version."""

    slug: str
    title: str
    version: str


class AnswerOut(BaseModel):
    """`answered`: the passages answer it. `related`: they come nearest. `nothing`: there are
    none.
    """

    status: Status
    message: str
    passages: list[PassageOut]
    suggestions: list[str]
    programme: ProgrammeRef


class Found(BaseModel):
    """Passages, best first."""

    passages: list[PassageOut]


class ProgrammeOut(ProgrammeRef):
    """A programme in the list."""

    party: str
    date: str
    language: str


class Programmes(BaseModel):
    """All programmes served."""

    programmes: list[ProgrammeOut]


class Compared(BaseModel):
    """What one programme says; `status` as in a chat's answer."""

    programme: ProgrammeOut
    status: Status
    message: str
    passages: list[PassageOut]


class Comparison(BaseModel):
    """A programme's own words beside another's, in the order that was asked for; no ranking."""

    answers: list[Compared]


class Entry(BaseModel):
    """A heading of the table of contents; level 1 is a chapter."""

    id: str
    title: str
    level: int


class Contents(ProgrammeOut):
    """A programme with its table of contents."""

    contents: list[Entry]


PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {"description": text, "content": {"application/problem+json": {}}}
    for code, text in {
        404: "No such programme or passage",
        413: "Too large",
        422: "Malformed payload or empty message",
        429: "Too many questions; see Retry-After",
        503: "No programme is loaded; or too many questions wait, then with Retry-After",
    }.items()
}


@router.post("/chat", responses=PROBLEMS)
@searching
def chat(asked: Asked, request: Request, state: Shared) -> AnswerOut:
    """Answer a question with the programme's own passages, or say that it has none."""
    request.state.language = asked.language  # for the sentence of an error, too
    question = Question(asked.message, asked.language, asked.limit, "api")
    found, served = state.ask(question, asked.programme, client_of(request))
    return AnswerOut(
        status=found.status,
        message=found.message,
        passages=[_passage(state, request, c) for c in found.passages],
        suggestions=list(found.suggestions),
        programme=_ref(served),
    )


@router.get("/search", responses=PROBLEMS)
@searching
def search(
    request: Request,
    state: Shared,
    q: Annotated[str, Query(max_length=2000)],
    programme: str | None = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
) -> Found:
    """The best passages for `q`, ranked, without a threshold."""
    state.limit.check(client_of(request))
    served = state.library.get(programme)
    state.programme_limit.check(served.slug)
    found = answering.search(q, served, limit, state.encode_for()(q, served))
    return Found(passages=[_passage(state, request, c) for c in found])


@router.get("/compare", responses=PROBLEMS)
@searching
def compare(
    request: Request,
    state: Shared,
    q: Annotated[str, Query(json_schema_extra=QUESTION)],
    programmes: Annotated[str, Query(description="slugs, by comma; all, where none")] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = COMPARED,
    language: Annotated[str, Query(max_length=16)] = "de",
) -> Comparison:
    """What several programmes say to one question, each in its own words and with its own
    status.
    """
    slugs = [slug.strip() for slug in programmes.split(",") if slug.strip()]
    found = state.compare(Question(q, language, limit, "api"), slugs, client_of(request))
    return Comparison(
        answers=[
            Compared(
                programme=ProgrammeOut(**_about(served)),
                status=answer.status,
                message=answer.message,
                passages=[_passage(state, request, c) for c in answer.passages],
            )
            for answer, served in found
        ]
    )


@router.get("/programmes")
def programmes(state: Shared) -> Programmes:
    """All programmes served."""
    return Programmes(programmes=[ProgrammeOut(**_about(served)) for served in state.library.all()])


@router.get("/programmes/{slug}", responses=PROBLEMS)
def programme(slug: str, state: Shared) -> Contents:
    """Title, version and table of contents of a programme."""
    served = state.library.get(slug)
    entries = [
        Entry(id=section.id, title=section.heading.text, level=section.level)
        for section in served.bundle.sections
    ]
    return Contents(**_about(served), contents=entries)


@router.get("/programmes/{slug}/passages/{passage_id}", responses=PROBLEMS)
def passage(slug: str, passage_id: str, request: Request, state: Shared) -> PassageOut:
    """One passage, by its id or one it had in an earlier version."""
    served = state.library.get(slug)
    if passage_id not in served.position:
        raise UnknownPassage
    return _passage(state, request, answering.citation(served, served.position[passage_id]))


def _passage(state: State, request: Request, citation: Citation) -> PassageOut:
    return PassageOut(
        id=citation.id,
        text=citation.text,
        highlights=list(citation.highlights),
        chapter=citation.chapter,
        section=citation.section,
        page=citation.page,
        end_page=citation.end_page,
        citation=citation.citation,
        url=state.url(request, citation),
        pdf_url=citation.pdf_url,
        confidence=citation.confidence,
    )


def _ref(served: Served) -> ProgrammeRef:
    return ProgrammeRef(slug=served.slug, title=served.info.title, version=served.version)


def _about(served: Served) -> dict[str, Any]:
    info = served.info
    return {
        **_ref(served).model_dump(),
        "party": info.party,
        "date": info.date,
        "language": info.language,
    }

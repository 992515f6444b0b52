"""What a phone needs to search a programme by itself, as files: text, lexicon, tokenizer, vectors.

The JavaScript of web/offline/ does what index/ does here; all that both must agree on (stopwords,
weights, thresholds, patterns) is written into `settings.json`, so that it stands only in Python.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from index import confidence, german, lexicon, search, small_talk, spelling
from index.bundle import Bundle
from index.query_encoder import ONNX, TOKENIZER
from index.types import Passage, Section
from index.vectors import Kind

LEXICAL = Path(__file__).parent / "lexical.json"  # written by training/lexical.py
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
NORMALIZERS = [
    {"type": "NFKC"},
    {"type": "Replace", "pattern": {"String": " {2,}"}, "content": " "},
    {"type": "Strip", "strip_left": True, "strip_right": True},
]
_ARRAYS = {
    "i1": "<i1",
    "u1": "<u1",
    "i2": "<i2",
    "u2": "<u2",
    "i4": "<i4",
    "f4": "<f4",
    "f8": "<f8",
}


@dataclass(frozen=True)
class Export:
    """The files by name; the encoder is too large to hold: where it lies, if a browser can run
    it.
    """

    files: Mapping[str, bytes]
    encoder: Path | None


def export(loaded: Bundle) -> Export:
    """The offline files of a bundle.

    Without tokenizer, vectors and encoder where the tokenizer is of a kind that the browser's
    code does not know: search by words works all the same.
    """
    files = {
        "programme.json": _json(programme(loaded)),
        "settings.json": _json(settings(loaded)),
        "lexicon.bin": lexicon_file(loaded.lexicon),
    }
    pieces = tokenizer_file(loaded.encoder_folder / TOKENIZER, loaded.encoder.settings.most_tokens)
    if pieces is None:
        return Export(files, None)
    files |= {"tokenizer.bin": pieces, "vectors.bin": vectors_file(loaded)}
    return Export(files, loaded.encoder_folder / ONNX)


def programme(loaded: Bundle) -> dict[str, Any]:
    """Text, places, question bank and imprint."""
    info = loaded.info
    return {
        "slug": info.slug, "title": info.title, "party": info.party, "subtitle": info.subtitle,
        "language": info.language, "version": loaded.manifest.version,
        "imprint": info.imprint, "imprintUrl": info.imprint_url, "pdfUrl": info.pdf_url,
        "sections": [_section(s, info.questions(s.heading)) for s in loaded.sections],
        "passages": [_passage(p) for p in loaded.passages],
        "bank": bank(loaded),
        "aliases": dict(loaded.aliases),
    }  # fmt: skip


def bank(loaded: Bundle) -> list[tuple[str, int]]:
    """Each question of the bank with the passage that ingest attached it to."""
    rows = loaded.rows
    owners = {
        bytes(rows.digest[row]): int(rows.owner[row])
        for row in np.flatnonzero(rows.kind == Kind.BANK)
    }
    asked = dict.fromkeys(q for s in loaded.sections for q in loaded.info.questions(s.heading))
    return [(q, owners[digest(q)]) for q in asked if digest(q) in owners]


def digest(text: str) -> bytes:
    """As ingest marks the row of a text."""
    return hashlib.sha256(text.encode()).digest()[:16].hex().encode()


def settings(loaded: Bundle) -> dict[str, Any]:
    """All numbers, words and patterns that the browser's code shares with this folder."""
    lexical = json.loads(LEXICAL.read_text(encoding="utf-8"))
    return {
        "german": {
            "stopwords": sorted(german.STOPWORDS), "gram": german.GRAM,
            "leastPart": german.LEAST_PART, "mostWhole": german.MOST_WHOLE, "links": german.LINKS,
        },
        "smallTalk": {
            "openers": sorted(small_talk.OPENERS), "companions": sorted(small_talk.COMPANIONS),
            "sentences": sorted(small_talk.SENTENCES),
        },
        "partWeight": lexicon.PART_WEIGHT,
        "spelling": {
            "least": spelling.LEAST, "pieces": spelling.PIECES,
            "speltOut": [list(pair) for pair in spelling.SPELT_OUT],
        },
        "weights": dict(search.WEIGHTS),
        "sameQuestion": search.SAME_QUESTION,
        "attached": search.ATTACHED,
        "asks": dict(confidence.ASKS),
        "given": confidence.GIVEN,
        "calibration": asdict(loaded.calibration),
        "lexicalWeights": lexical["weights"],
        "lexicalCalibration": lexical["calibration"],
        "queryPrompt": loaded.encoder.settings.query_prompt,
        "dimension": loaded.manifest.dimension,
    }  # fmt: skip


def lexicon_file(words: lexicon.Lexicon) -> bytes:
    """Both inverted indexes."""
    arrays = {n: a for n, a in lexicon.to_arrays(words).items() if n != "count"}
    small = {n: _smaller(a) for n, a in arrays.items()}
    return pack(small)


def _smaller(array: NDArray[np.generic]) -> NDArray[np.generic]:
    if array.dtype == np.int64:
        return array.astype(np.int32)
    if array.dtype == np.int32 and (not len(array) or int(array.max()) < 1 << 16):
        return array.astype(np.uint16)
    return array


def tokenizer_file(path: Path, most_tokens: int) -> bytes | None:
    """The pieces of a Unigram tokenizer and their scores; None where it is of another kind."""
    table = json.loads(path.read_text(encoding="utf-8"))
    model = table["model"]
    if not _known(table):
        return None
    pieces, scores = zip(*model["vocab"], strict=True)
    names = {piece: number for number, piece in enumerate(pieces)}
    about = {
        "unknown": model["unk_id"], "begin": names["<s>"], "end": names["</s>"],
        "special": SPECIAL, "mostTokens": most_tokens,
    }  # fmt: skip
    arrays: dict[str, NDArray[Any]] = {
        "pieces": np.frombuffer("\n".join(pieces).encode(), np.uint8),
        "scores": np.array(scores, np.float64),
    }
    return pack(arrays, about)


def _known(table: Mapping[str, Any]) -> bool:
    model, before = table["model"], table["pre_tokenizer"] or {}
    normalizers = (table["normalizer"] or {}).get("normalizers")
    return (
        model.get("type") == "Unigram"
        and not model.get("byte_fallback")
        and not any("\n" in piece for piece, _ in model["vocab"])
        and normalizers == NORMALIZERS
        and before.get("type") == "Metaspace"
        and before.get("prepend_scheme") == "always"
        and bool(before.get("split"))
        and [token["content"] for token in table["added_tokens"]] == SPECIAL
    )


def vectors_file(loaded: Bundle) -> bytes:
    """Every vector, with what its row stands for."""
    rows, whole = loaded.rows, loaded.rankers.vectors().astype(np.float32).ravel()
    return pack({"kind": rows.kind, "owner": rows.owner, "part": rows.part, "vectors": whole})


def pack(arrays: Mapping[str, NDArray[Any]], about: Mapping[str, Any] | None = None) -> bytes:
    """Named arrays in one file, which web/offline/arrays.js takes apart."""
    places: dict[str, tuple[str, int, int]] = {}
    body = bytearray()
    for name, array in arrays.items():
        kind = array.dtype.str[1:]
        places[name] = (kind, len(body), array.size)
        body += array.astype(_ARRAYS[kind]).tobytes()
        body += bytes(-len(body) % 8)
    header = json.dumps({**(about or {}), "arrays": places}).encode()
    start = len(header).to_bytes(4, "little") + header
    return start + bytes(-len(start) % 8) + bytes(body)


def _section(section: Section, questions: tuple[str, ...]) -> dict[str, Any]:
    return {
        "id": section.id, "level": section.level, "heading": section.heading.text,
        "chapter": section.chapter.text, "questions": questions,
    }  # fmt: skip


def _passage(passage: Passage) -> dict[str, Any]:
    spans = [
        (_units(passage.text[:start]), _units(passage.text[:end]))
        for start, end in passage.sentences
    ]
    return {
        "id": passage.id, "section": passage.section, "text": passage.text, "sentences": spans,
        "page": passage.page, "endPage": passage.end_page,
    }  # fmt: skip


def _units(text: str) -> int:
    """Length as JavaScript counts: characters beyond the basic plane are two."""
    return len(text.encode("utf-16-le")) // 2


def _json(table: object) -> bytes:
    return json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode()

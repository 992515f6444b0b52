"""Programmes in a Qdrant server or cluster.

    connection   every call to it, its retries and its errors; the only importer of grpc
    points       a bundle's vectors and terms ⇄ Qdrant's points
    files        a bundle's other files, content-addressed, in payloads
    encoders     those that were fetched to this machine
    rankers      one programme's scores, computed there
    collections  their names, and how they are made
    store        look, load, publish: what is there, and which version is turned on

Three collections, made at the first publish:

    fundstelle-passages     a point a passage: five kinds of vectors, two of terms; its tenant is
                            the edition, "<slug>/<version>"
    fundstelle-files        parts of files by SHA-256: text, lexicon, encoder
    fundstelle-programmes   a point a programme: which version is served, and its manifest

Writing a version: its files and points first, under an edition that nobody asks for; when all are
counted, one point is turned; then what neither version needs goes. Killed anywhere, readers see
the old version or the new one.
"""

from index.stores.qdrant.store import QdrantStore as QdrantStore

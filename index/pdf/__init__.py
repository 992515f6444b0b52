"""From the characters of a PDF to headings, paragraphs and items, each step a module.

    decode      pages → letters with place and style; the only importer of pypdfium2
    lines       letters → lines
    furniture   running heads, page numbers, line numbers, footnotes told apart
    contents    the printed table of contents
    layout      lines → columns in reading order
    paragraphs  columns → headings, paragraphs, items
    headings    which of them are headings, and of which level

`index.readers.pdf` puts them together.
"""

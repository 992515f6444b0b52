"""Everything between a document and a ranked list of passages."""

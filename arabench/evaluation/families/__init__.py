"""Task families, one file each: documents, prompt, score of a document, metrics, columns."""

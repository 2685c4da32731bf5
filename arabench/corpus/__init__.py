"""Files at scale: reading, rewriting and writing corpora without holding them in memory."""

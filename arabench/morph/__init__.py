"""Words into segments: the built-in segmenter, CAMeL backends, tokenization schemes."""

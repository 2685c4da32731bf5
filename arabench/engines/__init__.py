"""The engine inside other frameworks: Ray, Spark, datatrove and Hugging Face datasets."""

"""Inside lm-eval: task classes, likelihood of whole texts, settings of the model that answers."""

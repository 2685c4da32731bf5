"""Guard: compare two evaluations and decide. No torch, no lm-eval: it runs in any CI."""

"""QLoRA training with TRL: TRL trains; recipe, checks and record are ours."""

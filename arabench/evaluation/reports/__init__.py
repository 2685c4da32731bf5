"""What people read of an evaluation."""

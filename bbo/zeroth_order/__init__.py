"""Parts of methods that need no gradient: pure functions on NumPy arrays."""

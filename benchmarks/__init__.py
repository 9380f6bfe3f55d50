"""Measurements of regret and time, side by side with other libraries. Not shipped."""

"""Scores for candidates, the domains they live on, and the maximizer: arrays in, arrays out."""

"""What rests on a model: predictions, the recommended point, importances."""

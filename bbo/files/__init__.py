"""Files that people edit: study files (YAML) and tables of trials (CSV)."""

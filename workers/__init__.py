"""Celery: repetition and schedules, and nothing else."""

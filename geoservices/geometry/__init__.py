"""Pure geometry: positions, areas and true metres between them."""

"""Trading venues, one folder each; everything that only one venue knows stays in its folder."""

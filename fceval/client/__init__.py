"""Stage 3, ask: one request to the endpoint, its attempts, its pace."""

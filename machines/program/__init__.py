"""What is judged about an instrument program: its datasets, its readiness, its verdict, its place in the queue."""

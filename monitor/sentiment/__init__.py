"""What a text says and how it feels: language, sentiment, and the honesty to abstain."""

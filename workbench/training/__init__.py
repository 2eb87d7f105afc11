"""The loop: it trains any model, tells what happens as plain events, and obeys four verbs."""

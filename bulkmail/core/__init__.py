"""The rules: pure functions and small state machines that are told the time and never wait."""

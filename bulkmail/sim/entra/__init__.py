"""The sign-in service: apps, their credentials, and the tokens that they get."""

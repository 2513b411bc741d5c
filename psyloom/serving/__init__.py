"""Serving: counselors behind the chat API that every client speaks."""

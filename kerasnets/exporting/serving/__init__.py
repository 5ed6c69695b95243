"""Servers: their configuration, requests to them, a client."""

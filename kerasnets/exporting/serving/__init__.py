"""Files for servers of exported models, and a client that sends requests to them."""

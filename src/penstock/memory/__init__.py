"""What was said before: conversations and answers that are kept on request, since APIs that keep nothing forget."""

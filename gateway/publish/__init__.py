"""From the outbox to the broker, and the subscriber's end of it."""

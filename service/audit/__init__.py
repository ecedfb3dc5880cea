"""The auditor: a reader of its own, with its own Kafka client, that checks the laws from outside."""

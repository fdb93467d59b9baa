// Room PostgresClient.

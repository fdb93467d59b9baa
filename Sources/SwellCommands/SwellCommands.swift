// Room SwellCommands.

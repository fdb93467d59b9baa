// Room SwellAgent.

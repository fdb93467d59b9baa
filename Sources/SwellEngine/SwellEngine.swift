// Room SwellEngine.

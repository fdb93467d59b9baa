// Room SwellStore.

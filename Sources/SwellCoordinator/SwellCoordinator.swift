// Room SwellCoordinator.

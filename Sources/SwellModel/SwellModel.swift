// Room SwellModel.

// Room SwellProtocol.

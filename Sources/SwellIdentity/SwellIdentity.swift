// Room SwellIdentity.

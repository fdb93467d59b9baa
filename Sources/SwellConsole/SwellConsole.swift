// Room SwellConsole.

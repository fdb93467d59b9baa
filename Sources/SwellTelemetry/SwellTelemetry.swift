// Room SwellTelemetry.

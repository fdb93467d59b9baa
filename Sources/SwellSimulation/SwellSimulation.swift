// Room SwellSimulation.

internal import SwellEngine

/// The machine's events, by a name of their own: the wire has an `AgentEvent` too.
typealias MachineEvent = SwellEngine.AgentEvent

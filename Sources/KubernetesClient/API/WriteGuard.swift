public import KubernetesObjects

/// A change that a client is about to ask a server for.
public struct IntendedWrite: Sendable {
    /// What is done.
    public enum Verb: Sendable, Hashable { case create, replace, apply, patch, delete }

    /// What is done.
    public var verb: Verb
    /// The object, as the server places it: without a namespace where its kind lives in none.
    public var reference: ObjectReference
    /// What is sent of it; nil where it is patched or deleted.
    public var object: KubernetesObject?

    /// Creates one.
    public init(_ verb: Verb, _ reference: ObjectReference, sending object: KubernetesObject? = nil) {
        self.verb = verb
        self.reference = reference
        self.object = object
    }
}

/// Says which writes a client may make. Rehearsals are asked about as the writes that they stand for.
public protocol WriteGuard: Sendable {
    /// - Throws: ``KubernetesError`` with code ``KubernetesError/Code/notAllowed`` where it may not be made.
    func check(_ write: IntendedWrite) async throws
}

/// Leave for one write. A request that changes something is not sent without it, and nothing but ``KubernetesAPI/permit(_:_:_:_:)``
/// gives it: so what a guard refuses is refused to whoever uses the client, in whatever way.
struct WritePermit: Sendable {
    fileprivate init() {}
}

extension KubernetesAPI {
    /// The same client, which makes only the writes that a guard lets pass, beside those that it was kept to before.
    public func guarded(by guardian: any WriteGuard) -> KubernetesAPI {
        var copy = self
        copy.guards.append(guardian)
        return copy
    }

    /// Asks the guards about a write.
    func permit(
        _ verb: IntendedWrite.Verb, _ reference: ObjectReference, in resource: APIResource,
        sending object: KubernetesObject? = nil
    ) async throws -> WritePermit {
        var reference = reference
        if !resource.isNamespaced { reference.namespace = nil }
        for guardian in guards {
            try await guardian.check(IntendedWrite(verb, reference, sending: object))
        }
        return WritePermit()
    }
}

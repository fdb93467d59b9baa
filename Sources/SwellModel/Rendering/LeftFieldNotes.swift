public import KubernetesObjects

/// What manifests say of fields that are left to others from the start: it is not what will be there. Told where a release is made, and
/// where one is planned.
public enum LeftFieldNotes {
    /// One of them.
    public struct Note: Sendable, Hashable {
        /// Which of the objects it is on.
        public let index: Int
        public let path: FieldPath
        /// `Deployment web: spec.replicas is left to HorizontalPodAutoscaler web, but for its creation`.
        public let text: String
    }

    /// The notes on objects that are applied together, in their order.
    ///
    /// - Parameters:
    ///   - objects: nil for what is no object, so that indices stay what they are.
    ///   - namespace: That of objects which name none.
    public static func of(_ objects: [KubernetesObject?], namespace: String) -> [Note] {
        let objects = objects.map { object -> KubernetesObject? in
            guard var object else { return nil }
            if object.namespace == nil { object.namespace = namespace }
            return object
        }
        var scalers: [ObjectIdentity: String] = [:]
        for case let object? in objects {
            if let target = object.scaleTarget { scalers[target] = "\(object.kind) \(object.name)" }
        }
        return objects.enumerated().flatMap { index, object -> [Note] in
            guard let object else { return [] }
            var left = ControllerField.all(of: object).flatMap { field in
                field.paths(in: object).map { LeftField(path: $0, owner: field.owner) }
            }
            if let scaler = scalers[object.reference.identity] {
                left.append(LeftField(path: .replicas, owner: scaler, isInitial: true))
            }
            return left.compactMap { field in
                guard let note = field.note(on: object) else { return nil }
                return Note(index: index, path: field.path, text: "\(object.kind) \(object.name): \(note)")
            }
        }
    }

    /// The same of a stored release's documents.
    public static func of(_ bundle: Bundle, documents: [[UInt8]]) -> [Note] {
        let objects = documents.map { bytes -> KubernetesObject? in
            guard let json = try? JSONValue(parsing: bytes) else { return nil }
            return try? KubernetesObject(json: json)
        }
        return of(objects, namespace: bundle.application.namespace)
    }
}

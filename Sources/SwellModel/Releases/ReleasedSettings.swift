internal import KubernetesObjects

// A release keeps the settings that its application had when it was made: what is rolled out, retried or gone back to is what was
// looked at then. What the application says since holds for the next release; whoever changed it has to hear so.
extension Application {
    /// The application as the index of a release keeps it.
    public var released: Application {
        var kept = replacesReferences ? self : withPlainReferences
        // What it means is in the documents, so that the index says the same to renderers of any age.
        kept.substitute = nil
        // It is about making releases, not about what they are.
        kept.secrets = nil
        return kept
    }

    /// Fields of a document that no release depends on: where it is rolled out is asked at each rollout, and the others are gone into its
    /// documents.
    private static let unbound: Set<String> = ["select", "manifests", "substitute", "secrets"]

    /// In which settings a release differs from what one made now would have: by name, as documents spell them.
    ///
    /// - Parameter released: The application as the release has it.
    public func settings(otherThan released: Application) -> [String] {
        let now = self.released.document["spec"]?.objectValue ?? [:]
        let then = released.document["spec"]?.objectValue ?? [:]
        return Set(now.keys).union(then.keys).subtracting(Self.unbound).filter { now[$0] != then[$0] }.sorted()
    }

    /// What agents could not read of it: checks and ignored fields that an earlier version stored as they were given.
    public var unreadable: [ModelError] {
        var errors: [ModelError] = []
        for check in checks {
            for text in [check.healthy, check.failed].compactMap({ $0 }) {
                do {
                    _ = try FieldExpression(parsing: text)
                } catch {
                    errors.append(
                        ModelError(
                            code: .invalidValue,
                            message:
                                "application '\(name)': the check of \(check.kind) '\(text.prefix(80))' cannot be read: "
                                + "\(error); mend it in the application's document and apply that"))
                }
            }
        }
        for entry in ignoreFields {
            for text in entry.paths where (try? FieldPath(parsing: text))?.components.isEmpty != false {
                errors.append(
                    ModelError(
                        code: .invalidValue,
                        message:
                            "application '\(name)': '\(text.prefix(80))', which is ignored of \(entry.kind), is not a "
                            + "path such as spec.replicas; mend it in the application's document and apply that"))
            }
        }
        return errors
    }
}

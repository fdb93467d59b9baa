internal import Foundation
internal import KubernetesObjects

/// What operators do, each through the command line.
extension Fleet {
    /// Applies documents, which must be accepted.
    func apply(_ documents: String) async throws {
        let file = folder.appending(path: "documents-\(UUID().uuidString.prefix(6)).yaml")
        try documents.write(to: file, atomically: true, encoding: .utf8)
        let result = try await swell("apply", "-f", file.path)
        guard result.code == 0 else { throw HarnessError("apply was refused: \(result.errors)") }
    }

    /// Stores a release of an application from one manifest file's text.
    func release(_ application: String, _ version: String, manifests: String) async throws {
        let file = folder.appending(path: "\(application)-\(version).yaml")
        try manifests.write(to: file, atomically: true, encoding: .utf8)
        let result = try await swell("release", "create", application, "--version", version, "-f", file.path)
        guard result.code == 0 else { throw HarnessError("the release was refused: \(result.errors)") }
        note(Order(verb: "release create", subject: version))
    }

    /// Starts a rollout, which must be accepted.
    func start(
        _ version: String, of application: String = "web", under policy: String = "waves", name: String,
        superseding: Bool = false, replica: String = "a"
    ) async throws {
        let result = try await swell(
            [
                "rollout", "start", application, "--version", version, "--policy", policy, "--name", name,
            ] + (superseding ? ["--supersede"] : []), replica: replica)
        guard result.code == 0 else { throw HarnessError("the rollout was refused: \(result.errors)") }
        note(Order(verb: "rollout start", subject: name))
    }

    /// What a counter or gauge of a coordinator stands at; 0 where it was never touched.
    func metric(_ name: String, replica: String = "a") async throws -> Int {
        let authority = stateFolder.appending(path: "ca.pem").path
        let result = try await Programs.call(
            "curl", ["-sS", "--cacert", authority, "https://localhost:\(apiPort(replica))/metrics"])
        guard result.code == 0 else { throw HarnessError("no metrics: \(result.errors)") }
        let line = result.output.split(separator: "\n").first { $0.hasPrefix("\(name) ") }
        return line?.split(separator: " ").last.flatMap { Double($0) }.map { Int($0) } ?? 0
    }

    /// Orders a fault in the simulated clusters, through the simulator's own command line.
    func fault(_ arguments: [String], cluster: String) async throws {
        let result = try await Programs.call(
            "swell-kubesim",
            ["fault"] + arguments
                + ["--kubeconfig-dir", folder.appending(path: "kubeconfigs").path, "--cluster", cluster])
        guard result.code == 0 else { throw HarnessError("the fault was refused: \(result.errors)") }
    }

    /// The status of a rollout as `-o json` gives it; nil while nobody answers.
    func status(_ rollout: String, replica: String = "a") async throws -> JSONValue? {
        let result = try await swell("rollout", "get", rollout, "-o", "json", replica: replica)
        return result.code == 0 ? try result.json()["status"] : nil
    }

    /// Waits until a rollout's status satisfies a condition, and returns it.
    @discardableResult func rollout(
        _ name: String, _ what: String, within limit: Duration = .seconds(90), replica: String = "a",
        until condition: (JSONValue) -> Bool
    ) async throws -> JSONValue {
        try await eventually("rollout \(name) to be \(what)", within: limit) {
            guard let status = try await status(name, replica: replica), condition(status) else { return nil }
            return status
        } orDescribe: {
            try await swell("rollout", "get", name, replica: replica).output
        }
    }
}

/// The targets of a status, of one region if given.
func targets(_ status: JSONValue, region: String? = nil) -> [JSONValue] {
    (status["targets"]?.arrayValue ?? []).filter { region == nil || $0["region"]?.stringValue == region }
}

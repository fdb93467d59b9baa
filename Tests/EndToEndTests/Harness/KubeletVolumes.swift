internal import Foundation
internal import Glibc
internal import KubernetesObjects

/// The volumes of a Pod as the kubelet makes them, in folders of a test: modes, owners and links of Secrets included.
struct KubeletVolumes {
    /// What the Pod's ConfigMaps and Secrets hold, by name and key.
    var texts: [String: [String: String]]
    /// The Pod's name, as its own fields tell it.
    let podName = "swell-coordinator-0"
    private let folder: URL
    private let pod: JSONValue
    private let group: gid_t

    /// - Parameter pod: The Pod's spec, with `securityContext.fsGroup`.
    init(of pod: JSONValue, texts: [String: [String: String]], in folder: URL) throws {
        self.pod = pod
        self.texts = texts
        self.folder = folder
        self.group = gid_t(pod["securityContext"]?["fsGroup"]?.intValue ?? 0)
        for volume in pod["volumes"]?.arrayValue ?? [] { try make(volume) }
    }

    /// Where a volume's folder is.
    func place(_ volume: String) -> URL { folder.appending(path: volume) }

    private func make(_ volume: JSONValue) throws {
        let place = place(volume["name"]?.stringValue ?? "")
        try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
        if volume["emptyDir"] != nil {
            // Open to everybody, whatever is asked for; with an fsGroup, its group is handed down to what is made in it.
            try own(place, mode: 0o2777)
        } else if let secret = volume["secret"] {
            try write(secret["secretName"], to: place, mode: mode_t(secret["defaultMode"]?.intValue ?? 0o644))
        } else if let map = volume["configMap"] {
            try write(map["name"], to: place, mode: mode_t(map["defaultMode"]?.intValue ?? 0o644))
        } else {
            throw HarnessError("no such volume is made here: \(volume)")
        }
    }

    /// Files behind two links, so that all of them change at once.
    private func write(_ source: JSONValue?, to place: URL, mode: mode_t) throws {
        let name = source?.stringValue ?? ""
        guard let values = texts[name] else { throw HarnessError("the test has no ConfigMap or Secret '\(name)'") }
        let version = place.appending(path: "..2026_01_01_00_00_00.1")
        try FileManager.default.createDirectory(at: version, withIntermediateDirectories: true)
        for (key, text) in values {
            let file = version.appending(path: key)
            try text.write(to: file, atomically: false, encoding: .utf8)
            try own(file, mode: mode)
            try FileManager.default.createSymbolicLink(
                atPath: place.appending(path: key).path, withDestinationPath: "..data/\(key)")
        }
        try own(version, mode: 0o2755)
        try FileManager.default.createSymbolicLink(
            atPath: place.appending(path: "..data").path, withDestinationPath: version.lastPathComponent)
        try own(place, mode: 0o3777)
    }

    private func own(_ place: URL, mode: mode_t) throws {
        // Only root may give files away; for others the group is their own.
        if geteuid() == 0, chown(place.path, 0, group) != 0 { throw HarnessError("cannot chown \(place.path)") }
        guard chmod(place.path, mode) == 0 else { throw HarnessError("cannot chmod \(place.path)") }
    }

    /// A container's environment and arguments, as its process sees them, but for mounts: their paths become those of the folders.
    func process(of container: JSONValue) throws -> (arguments: [String], environment: [String: String]) {
        let mounts = (container["volumeMounts"]?.arrayValue ?? []).compactMap { mount in
            mount["mountPath"]?.stringValue.map { ($0, place(mount["name"]?.stringValue ?? "").path) }
        }
        func placed(_ text: String) -> String {
            mounts.reduce(text) { $0.replacing("=\($1.0)", with: "=\($1.1)") }
        }
        // Whoever the image's user is, it has no home with files in it.
        var environment = ["HOME": "/home/swell"]
        for variable in container["env"]?.arrayValue ?? [] {
            let from = variable["valueFrom"]
            let reference = from?["configMapKeyRef"] ?? from?["secretKeyRef"]
            var value = variable["value"]?.stringValue
            if from?["fieldRef"]?["fieldPath"] == "metadata.name" { value = podName }
            if let reference {
                value = texts[reference["name"]?.stringValue ?? ""]?[reference["key"]?.stringValue ?? ""]
            }
            guard let name = variable["name"]?.stringValue, let value else {
                throw HarnessError("nothing is known of \(variable)")
            }
            environment[name] = placed(value)
        }
        let arguments = (container["args"]?.arrayValue ?? []).compactMap(\.stringValue).map { argument in
            placed(environment.reduce(argument) { $0.replacing("$(\($1.key))", with: $1.value) })
        }
        return (arguments, environment)
    }

    /// A program under the container's user and groups, as far as whoever runs the tests may give them.
    func command(_ program: URL, _ arguments: [String]) throws -> (program: URL, arguments: [String]) {
        guard geteuid() == 0 else { return (program, arguments) }
        let user = pod["securityContext"]?["runAsUser"]?.intValue ?? 0
        return (
            try Programs.url("setpriv"),
            ["--reuid", "\(user)", "--regid", "\(group)", "--clear-groups", program.path] + arguments
        )
    }
}

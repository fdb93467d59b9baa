internal import KubernetesObjects

// MARK: - Pods

extension Defaults {
    static func podTemplate(_ object: inout JSONValue, _ path: [String]) {
        guard let first = path.first else {
            guard var spec = object["spec"] else { return }
            podSpec(&spec)
            object["spec"] = spec
            return
        }
        guard var child = object[first] else { return }
        podTemplate(&child, Array(path.dropFirst()))
        object[first] = child
    }

    static func podSpec(_ spec: inout JSONValue) {
        let fixed: [(String, JSONValue)] = [
            ("restartPolicy", "Always"), ("terminationGracePeriodSeconds", 30), ("dnsPolicy", "ClusterFirst"),
            ("securityContext", .object([:])), ("schedulerName", "default-scheduler"),
        ]
        for (key, value) in fixed where spec[key] == nil { spec[key] = value }
        if let account = spec["serviceAccountName"] ?? spec["serviceAccount"] {
            spec["serviceAccountName"] = account
            spec["serviceAccount"] = account
        }
        for list in ["containers", "initContainers"] { eachItem(&spec, [list], container) }
        eachItem(&spec, ["volumes"], volume)
    }

    private static func container(_ container: inout JSONValue) {
        if container["resources"] == nil { container["resources"] = .object([:]) }
        if container["terminationMessagePath"] == nil { container["terminationMessagePath"] = "/dev/termination-log" }
        if container["terminationMessagePolicy"] == nil { container["terminationMessagePolicy"] = "File" }
        if container["imagePullPolicy"] == nil {
            let image = container["image"]?.stringValue ?? ""
            let name = image.split(separator: "/").last.map(String.init) ?? image
            let isLatest = name.hasSuffix(":latest") || !(name.contains(":") || name.contains("@"))
            container["imagePullPolicy"] = isLatest ? "Always" : "IfNotPresent"
        }
        eachItem(&container, ["ports"]) { port in
            if port["protocol"] == nil { port["protocol"] = "TCP" }
        }
        eachItem(&container, ["env"]) { variable in
            if variable["value"] == "" { variable["value"] = nil }
            if variable["valueFrom"]?["fieldRef"] != nil {
                setDefault(&variable, ["valueFrom", "fieldRef", "apiVersion"], "v1")
            }
        }
        if let limits = container["resources"]?["limits"]?.objectValue {
            for (name, value) in limits { setDefault(&container, ["resources", "requests", name], value) }
        }
        for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
            guard var probe = container[name] else { continue }
            for (key, value) in [
                ("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3),
            ]
            where probe[key] == nil {
                probe[key] = .integer(Int64(value))
            }
            if probe["httpGet"] != nil {
                setDefault(&probe, ["httpGet", "path"], "/")
                setDefault(&probe, ["httpGet", "scheme"], "HTTP")
            }
            container[name] = probe
        }
    }

    private static func volume(_ volume: inout JSONValue) {
        for source in ["configMap", "secret", "projected", "downwardAPI"] where volume[source] != nil {
            setDefault(&volume, [source, "defaultMode"], 420)
        }
        if volume["hostPath"] != nil { setDefault(&volume, ["hostPath", "type"], "") }
        if volume.objectValue?.count == 1 { volume["emptyDir"] = .object([:]) }
    }
}

/// Base64 (RFC 4648) as Secrets use it.
enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ text: String) -> String { encode(Array(text.utf8)) }

    static func encode(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        result.reserveCapacity((bytes.count + 2) / 3 * 4)
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = bytes[start..<min(start + 3, bytes.count)]
            var bits = 0
            for byte in group { bits = bits << 8 | Int(byte) }
            bits <<= 8 * (3 - group.count)
            for place in 0..<4 {
                result.append(place <= group.count ? alphabet[bits >> (18 - 6 * place) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

internal import KubernetesObjects

// MARK: - The volumes of a pod

extension Validation {
    /// - Parameter names: takes the volumes that containers can mount: those in order.
    static func podVolumes(_ list: JSONValue?, field: String, names: inout Set<String>, into findings: inout Findings) {
        var taken: Set<String> = []
        for (index, volume) in (list?.arrayValue ?? []).enumerated() {
            let here = "\(field)[\(index)]"
            var own = Findings()
            let sources = (volume.objectValue ?? [:]).keys.filter { $0 != "name" }.sorted()
            if sources.isEmpty { own.required(here, "must specify a volume type") }
            for source in sources.dropFirst() {
                own.forbidden("\(here).\(source)", "may not specify more than 1 volume type")
            }
            for source in sources {
                self.source(source, volume[source] ?? .null, field: "\(here).\(source)", into: &own)
            }
            let name = volume["name"]?.stringValue ?? ""
            if name.isEmpty {
                own.required("\(here).name")
            } else {
                own.invalid("\(here).name", name, NameRules.dnsLabel(name))
            }
            if taken.contains(name) { own.duplicate("\(here).name", .string(name)) }
            if own.isEmpty { taken.insert(name) }
            findings.append(own)
        }
        names.formUnion(taken)
    }

    private static func source(_ kind: String, _ source: JSONValue, field: String, into findings: inout Findings) {
        func needs(_ name: String) {
            if (source[name]?.stringValue ?? "").isEmpty { findings.required("\(field).\(name)") }
        }
        switch kind {
        case "configMap":
            needs("name")
            items(source, field: field, into: &findings)
        case "secret":
            needs("secretName")
            items(source, field: field, into: &findings)
        case "persistentVolumeClaim": needs("claimName")
        case "hostPath":
            needs("path")
            noBacksteps(source["path"], field: "\(field).path", into: &findings)
            findings.oneOf(
                [
                    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
                ], "\(field).type", source["type"])
        case "nfs":
            needs("server")
            needs("path")
            if source["path"]?.stringValue?.hasPrefix("/") != true {
                findings.invalid("\(field).path", source["path"] ?? "", "must be an absolute path")
            }
        case "csi": driver(source, field: field, into: &findings)
        case "emptyDir":
            if let size = source["sizeLimit"].flatMap(Quantity.amount), size < 0 {
                findings.forbidden("\(field).sizeLimit", "SizeLimit field must be a valid resource quantity")
            }
        case "downwardAPI":
            fileMode(source["defaultMode"], field: "\(field).defaultMode", into: &findings)
            for item in source["items"]?.arrayValue ?? [] { downwardFile(item, field: field, into: &findings) }
        case "projected": projection(source, field: field, into: &findings)
        default: break
        }
    }

    private static func driver(_ source: JSONValue, field: String, into findings: inout Findings) {
        driverName(source["driver"], field: "\(field).driver", into: &findings)
        guard let secret = source["nodePublishSecretRef"] else { return }
        let secretName = secret["name"]?.stringValue ?? ""
        if secretName.isEmpty {
            // The space is the server's.
            findings.required("\(field).nodePublishSecretRef .name")
        } else {
            findings.invalid("\(field).name", secretName, NameRules.dnsSubdomain(secretName))
        }
    }

    /// The name of a storage driver.
    static func driverName(_ value: JSONValue?, field: String, into findings: inout Findings) {
        let name = value?.stringValue ?? ""
        if name.isEmpty { findings.required(field) }
        if name.utf8.count > 63 { findings.tooLong(field, 63) }
        for problem in NameRules.dnsSubdomain(name.lowercased()) { findings.invalid(field, .string(name), problem) }
    }

    /// Several sources in one folder, so that no two may bring one path.
    private static func projection(_ source: JSONValue, field: String, into findings: inout Findings) {
        fileMode(source["defaultMode"], field: "\(field).defaultMode", into: &findings)
        var paths: Set<String> = []
        func take(_ path: JSONValue?, of name: JSONValue?) {
            guard let path = path?.stringValue, !path.isEmpty, !paths.insert(path).inserted else { return }
            findings.invalid(field, name ?? .string(path), "conflicting duplicate paths")
        }
        for (index, part) in (source["sources"]?.arrayValue ?? []).enumerated() {
            let here = "\(field).sources[\(index)]"
            for kind in ["secret", "configMap"] {
                guard let reference = part[kind] else { continue }
                if (reference["name"]?.stringValue ?? "").isEmpty { findings.required("\(here).\(kind).name") }
                for (place, item) in (reference["items"]?.arrayValue ?? []).enumerated() {
                    self.item(item, field: "\(here).\(kind).items[\(place)]", into: &findings)
                    take(item["path"], of: reference["name"] ?? "")
                }
            }
            for item in part.at("downwardAPI", "items")?.arrayValue ?? [] {
                downwardFile(item, field: "\(here).downwardAPI", into: &findings)
                take(item["path"], of: nil)
            }
            if let token = part["serviceAccountToken"] {
                let seconds = token["expirationSeconds"]?.intValue ?? 3_600
                if seconds < 600 {
                    findings.invalid(
                        "\(here).serviceAccountToken.expirationSeconds", token["expirationSeconds"],
                        "may not specify a duration less than 10 minutes")
                }
                if seconds > 1 << 32 {
                    findings.invalid(
                        "\(here).serviceAccountToken.expirationSeconds", token["expirationSeconds"],
                        "may not specify a duration larger than 2^32 seconds")
                }
                if (token["path"]?.stringValue ?? "").isEmpty { findings.required("\(field).path") }
            }
            if (part.objectValue ?? [:]).count > 1 {
                findings.forbidden(here, "may not specify more than 1 volume type")
            }
        }
    }

    // MARK: Files

    private static func items(_ source: JSONValue, field: String, into findings: inout Findings) {
        fileMode(source["defaultMode"], field: "\(field).defaultMode", into: &findings)
        for (index, item) in (source["items"]?.arrayValue ?? []).enumerated() {
            self.item(item, field: "\(field).items[\(index)]", into: &findings)
        }
    }

    private static func item(_ item: JSONValue, field: String, into findings: inout Findings) {
        if (item["key"]?.stringValue ?? "").isEmpty { findings.required("\(field).key") }
        filePath(item["path"], field: "\(field).path", into: &findings)
        fileMode(item["mode"], field: "\(field).mode", into: &findings)
    }

    static func fileMode(_ mode: JSONValue?, field: String, into findings: inout Findings) {
        if let number = mode?.intValue, !(0...511).contains(number) {
            findings.invalid(field, mode, "must be a number between 0 and 0777 (octal), both inclusive")
        }
    }

    /// The place of a file in a volume.
    static func filePath(_ path: JSONValue?, field: String, into findings: inout Findings) {
        let text = path?.stringValue ?? ""
        if text.isEmpty { findings.required(field) }
        descendingPath(text, field: field, into: &findings)
        if text.hasPrefix(".."), text != "..", !text.hasPrefix("../") {
            findings.invalid(field, .string(text), "must not start with '..'")
        }
    }

    /// A path that stays below where it begins.
    static func descendingPath(_ path: String, field: String, into findings: inout Findings) {
        if path.hasPrefix("/") { findings.invalid(field, .string(path), "must be a relative path") }
        noBacksteps(.string(path), field: field, into: &findings)
    }

    static func noBacksteps(_ path: JSONValue?, field: String, into findings: inout Findings) {
        if (path?.stringValue ?? "").split(separator: "/").contains("..") {
            findings.invalid(field, path, "must not contain '..'")
        }
    }
}

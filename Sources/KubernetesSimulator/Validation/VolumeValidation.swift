internal import KubernetesObjects

// MARK: - The volumes of a pod

extension Validation {
    static func podVolumes(_ list: JSONValue?, field: String, names: inout Set<String>, into findings: inout Findings) {
        var own: Set<String> = []
        for (index, volume) in (list?.arrayValue ?? []).enumerated() {
            let here = "\(field)[\(index)]"
            let name = volume["name"]?.stringValue ?? ""
            if name.isEmpty {
                findings.required("\(here).name")
            } else {
                findings.invalid("\(here).name", name, NameRules.dnsLabel(name))
            }
            if !own.insert(name).inserted { findings.duplicate("\(here).name", .string(name)) }
            names.insert(name)
            let sources = (volume.objectValue ?? [:]).keys.filter { $0 != "name" }.sorted()
            if sources.isEmpty { findings.required(here, "must specify a volume type") }
            for source in sources.dropFirst() {
                findings.forbidden("\(here).\(source)", "may not specify more than 1 volume type")
            }
            for source in sources {
                self.source(source, volume[source] ?? .null, field: "\(here).\(source)", into: &findings)
            }
        }
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
            findings.oneOf(
                [
                    "", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket",
                ], "\(field).type", source["type"])
            if (source["path"]?.stringValue ?? "").split(separator: "/").contains("..") {
                findings.invalid("\(field).path", source["path"], "must not contain '..'")
            }
        case "nfs":
            needs("server")
            needs("path")
        case "csi": needs("driver")
        case "emptyDir":
            if let size = source["sizeLimit"].flatMap(Quantity.amount), size < 0 {
                findings.forbidden("\(field).sizeLimit", "SizeLimit field must be a valid resource quantity")
            }
        case "projected": items(source, field: field, into: &findings)
        default: break
        }
    }

    private static func items(_ source: JSONValue, field: String, into findings: inout Findings) {
        if let mode = source["defaultMode"]?.intValue, !(0...511).contains(mode) {
            findings.invalid(
                "\(field).defaultMode", source["defaultMode"],
                "must be a number between 0 and 0777 (octal), both inclusive")
        }
        for (index, item) in (source["items"]?.arrayValue ?? []).enumerated() {
            let here = "\(field).items[\(index)]"
            if (item["key"]?.stringValue ?? "").isEmpty { findings.required("\(here).key") }
            let path = item["path"]?.stringValue ?? ""
            if path.isEmpty { findings.required("\(here).path") }
            if path.hasPrefix("/") { findings.invalid("\(here).path", .string(path), "must be a relative path") }
            if path.split(separator: "/").contains("..") {
                findings.invalid("\(here).path", .string(path), "must not contain '..'")
            }
        }
    }
}

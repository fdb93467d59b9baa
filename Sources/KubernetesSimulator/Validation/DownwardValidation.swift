internal import KubernetesObjects

// MARK: - What a pod may know of itself

extension Validation {
    /// Fields of the pod that a variable may hold.
    static let fieldsForVariables = [
        "metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
        "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
    ]
    /// Fields of the pod that a file may hold.
    private static let fieldsForFiles = [
        "metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid",
    ]
    /// Fields that can be named at all.
    private static let nameable = Set(
        fieldsForVariables + fieldsForFiles + ["spec.restartPolicy", "spec.schedulerName", "status.phase"])
    private static let resources = [
        "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage",
        "requests.memory",
    ]

    static func fieldReference(_ reference: JSONValue, known: [String], field: String, into findings: inout Findings) {
        let path = reference["fieldPath"]?.stringValue ?? ""
        if path.isEmpty { return findings.required("\(field).fieldPath") }
        func unconvertible(_ why: String) {
            findings.invalid("\(field).fieldPath", .string(path), "error converting fieldPath: \(why)")
        }
        let version = reference["apiVersion"]?.stringValue ?? "v1"
        guard version == "v1" else { return unconvertible("unsupported pod version: \(version)") }
        if let bracket = path.firstIndex(of: "["), path.hasSuffix("']"),
            path[path.index(after: bracket)...].first == "'"
        {
            let base = String(path[..<bracket])
            guard base == "metadata.annotations" || base == "metadata.labels" else {
                return unconvertible("field label does not support subscript: \(path)")
            }
            let key = String(path[path.index(bracket, offsetBy: 2)...].dropLast(2))
            return findings.invalid(
                field, key, NameRules.qualifiedName(base == "metadata.annotations" ? key.lowercased() : key))
        }
        guard nameable.contains(path) else { return unconvertible("field label not supported: \(path)") }
        if !known.contains(path) { findings.unsupported("\(field).fieldPath", .string(path), known) }
    }

    /// - Parameter isFile: whether it is for a file, which has to name the container.
    static func resourceReference(
        _ reference: JSONValue, isFile: Bool, field: String, into findings: inout Findings
    ) {
        let resource = reference["resource"]?.stringValue ?? ""
        let isHuge = ["requests.hugepages-", "limits.hugepages-"].contains(where: resource.hasPrefix)
        if isFile, (reference["containerName"]?.stringValue ?? "").isEmpty {
            findings.required("\(field).containerName")
        } else if resource.isEmpty {
            findings.required("\(field).resource")
        } else if !isHuge, !resources.contains(resource) {
            findings.unsupported("\(field).resource", .string(resource), resources)
        }
        guard let divisor = reference["divisor"], let amount = Quantity.amount(divisor), amount != 0 else { return }
        let text = divisor.stringValue ?? divisor.serialized()
        let sizes = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"]
        let (allowed, what): ([String], String) =
            switch resource {
            case "limits.cpu", "requests.cpu": (["1m", "1"], "cpu")
            case "limits.memory", "requests.memory": (sizes, "memory")
            case "limits.ephemeral-storage", "requests.ephemeral-storage": (sizes, "local ephemeral storage")
            default: (isHuge ? sizes : [text], "hugepages")
            }
        if !allowed.contains(text) {
            let list = what == "cpu" ? "1m and 1" : sizes.joined(separator: ", ")
            findings.invalid(
                "\(field).divisor", .string(resource),
                "only divisor's values \(list) are supported with the \(what) resource")
        }
    }

    /// A file that tells of the pod. The server names the volume, not the item.
    static func downwardFile(_ item: JSONValue, field: String, into findings: inout Findings) {
        filePath(item["path"], field: "\(field).path", into: &findings)
        if let reference = item["fieldRef"] {
            fieldReference(reference, known: fieldsForFiles, field: "\(field).fieldRef", into: &findings)
            if item["resourceFieldRef"] != nil {
                findings.invalid(
                    field, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
            }
        } else if let reference = item["resourceFieldRef"] {
            resourceReference(reference, isFile: true, field: "\(field).resourceFieldRef", into: &findings)
        } else {
            findings.required(field, "one of fieldRef and resourceFieldRef is required")
        }
        fileMode(item["mode"], field: "\(field).mode", into: &findings)
    }
}

internal import KubernetesObjects

// MARK: - Claims, volumes and storage classes

extension Validation {
    private static let accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"]

    static func claim(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let spec = object["spec"]
        let modes = spec?["accessModes"]?.arrayValue ?? []
        if modes.isEmpty { findings.required("spec.accessModes", "at least 1 access mode is required") }
        for mode in modes { findings.oneOfGiven(accessModes, "spec.accessModes", mode) }
        selector(spec?["selector"], field: "spec.selector", into: &findings)
        if let size = spec?.at("resources", "requests", "storage") {
            if let amount = Quantity.amount(size), amount <= 0 {
                findings.invalid("spec.resources[storage]", size, "must be greater than zero")
            }
        } else {
            findings.required("spec.resources[storage]")
        }
        findings.oneOfGiven(["Block", "Filesystem"], "spec.volumeMode", spec?["volumeMode"])
        for field in ["dataSource", "dataSourceRef"] {
            if let source = spec?[field] { dataSource(source, field: "spec.\(field)", into: &findings) }
        }
        if let name = spec?["storageClassName"]?.stringValue, !name.isEmpty {
            findings.invalid("spec.storageClassName", name, NameRules.dnsSubdomain(name))
        }
        guard let old else { return }
        var before = old["spec"] ?? .null
        var after = spec ?? .null
        for field in ["resources", "volumeName", "volumeAttributesClassName"] {
            before[field] = nil
            after[field] = nil
        }
        if before != after {
            findings.forbidden(
                "spec",
                "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
            )
        }
        if let now = spec?.at("resources", "requests", "storage").flatMap(Quantity.amount),
            let least = old.at("spec", "resources", "requests", "storage").flatMap(Quantity.amount), now < least
        {
            findings.forbidden("spec.resources.requests.storage", "field can not be less than status.capacity")
        }
    }

    private static func dataSource(_ source: JSONValue, field: String, into findings: inout Findings) {
        for part in ["name", "kind"] where (source[part]?.stringValue ?? "").isEmpty {
            findings.required("\(field).\(part)")
        }
        let group = source["apiGroup"]?.stringValue ?? ""
        if !group.isEmpty {
            findings.invalid("\(field).apiGroup", group, NameRules.dnsSubdomain(group))
        } else if source["kind"] != "PersistentVolumeClaim" {
            findings.invalid(
                field, source["kind"] ?? "",
                "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
        }
    }

    static func volume(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let spec = object["spec"]
        let modes = spec?["accessModes"]?.arrayValue ?? []
        if modes.isEmpty { findings.required("spec.accessModes") }
        for mode in modes { findings.oneOfGiven(accessModes, "spec.accessModes", mode) }
        let capacity = spec?["capacity"]?.objectValue ?? [:]
        if capacity.isEmpty { findings.required("spec.capacity") }
        if capacity["storage"] == nil || capacity.count > 1 {
            findings.unsupported("spec.capacity", spec?["capacity"] ?? .null, ["storage"])
        }
        for (name, size) in capacity.sorted(by: { $0.key < $1.key }) {
            guard let amount = Quantity.amount(size), amount <= 0 else { continue }
            let here = "spec.capacity[\(name)]"
            if amount < 0 {
                findings.invalid(here, .integer(Int64(max(amount, -9e18))), "must be a valid resource quantity")
            }
            findings.invalid(here, size, "must be greater than zero")
        }
        let known: Set = [
            "accessModes", "capacity", "claimRef", "mountOptions", "nodeAffinity", "persistentVolumeReclaimPolicy",
            "storageClassName", "volumeAttributesClassName", "volumeMode",
        ]
        let sources = (spec?.objectValue ?? [:]).keys.filter { !known.contains($0) }.sorted()
        if sources.isEmpty { findings.required("spec", "must specify a volume type") }
        for source in sources.dropFirst() {
            findings.forbidden("spec.\(source)", "may not specify more than 1 volume type")
        }
        if let source = sources.first, let value = spec?[source] {
            volumeSource(value, name: source, field: "spec.\(source)", into: &findings)
        }
        if let name = spec?["storageClassName"]?.stringValue {
            findings.invalid("spec.storageClassName", name, NameRules.dnsSubdomain(name))
        }
        findings.oneOfGiven(["Block", "Filesystem"], "spec.volumeMode", spec?["volumeMode"])
        if let affinity = spec?["nodeAffinity"] {
            if let required = affinity["required"] {
                nodes(required, field: "spec.nodeAffinity.required", into: &findings)
            } else {
                findings.required("spec.nodeAffinity.required", "must specify required node constraints")
            }
        }
        findings.oneOf(
            ["Delete", "Recycle", "Retain"], "spec.persistentVolumeReclaimPolicy",
            spec?["persistentVolumeReclaimPolicy"])
        if spec?["local"] != nil, spec?["nodeAffinity"] == nil {
            findings.required("spec.nodeAffinity", "Local volume requires node affinity")
        }
        if let old {
            for source in sources where old.at("spec", source) != spec?[source] {
                findings.forbidden(
                    "spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation")
            }
        }
    }

    static func storageClass(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let provisioner = object["provisioner"]?.stringValue ?? ""
        if provisioner.isEmpty {
            findings.required("provisioner")
        } else {
            findings.invalid("provisioner", provisioner, NameRules.qualifiedName(provisioner.lowercased()))
        }
        findings.oneOf(["Delete", "Retain"], "reclaimPolicy", object["reclaimPolicy"])
        findings.oneOfGiven(
            ["Immediate", "WaitForFirstConsumer"], "volumeBindingMode", object["volumeBindingMode"])
        topologies(object["allowedTopologies"]?.arrayValue ?? [], into: &findings)
        guard let old else { return }
        for (field, name) in [("parameters", "parameters"), ("provisioner", "provisioner")]
        where old[field] != object[field] {
            findings.forbidden(field, "updates to \(name) are forbidden.")
        }
        if old["reclaimPolicy"] != object["reclaimPolicy"] {
            findings.forbidden("reclaimPolicy", "updates to reclaimPolicy are forbidden.")
        }
        immutable("volumeBindingMode", object["volumeBindingMode"], old["volumeBindingMode"], into: &findings)
    }

    private static func topologies(_ terms: [JSONValue], into findings: inout Findings) {
        var seen: [[String: Set<String>]] = []
        for (index, term) in terms.enumerated() {
            let here = "allowedTopologies[\(index)].matchLabelExpressions"
            var values: [String: Set<String>] = [:]
            for (place, expression) in (term["matchLabelExpressions"]?.arrayValue ?? []).enumerated() {
                let field = "\(here)[\(place)]"
                let key = expression["key"]?.stringValue ?? ""
                let given = (expression["values"]?.arrayValue ?? []).compactMap(\.stringValue)
                if given.isEmpty { findings.required("\(field).values") }
                var own: Set<String> = []
                for (number, value) in given.enumerated() where !own.insert(value).inserted {
                    findings.duplicate("\(field).values[\(number)]", .string(value))
                }
                findings.invalid("\(field).key", key, NameRules.qualifiedName(key))
                if values[key] != nil { findings.duplicate("\(field).key", .string(key)) }
                values[key] = own
            }
            // A term without expressions is a duplicate of nothing, which the server counts as seen.
            if values.isEmpty || seen.contains(values) { findings.duplicate(here, "") }
            seen.append(values)
        }
    }

    // MARK: Where volumes come from

    private static func volumeSource(
        _ source: JSONValue, name: String, field: String, into findings: inout Findings
    ) {
        func path() {
            let path = source["path"]?.stringValue ?? ""
            if path.isEmpty { findings.required("\(field).path") }
            if path.split(separator: "/").contains("..") {
                findings.invalid("\(field).path", .string(path), "must not contain '..'")
            }
        }
        switch name {
        case "hostPath", "local": path()
        case "nfs":
            for part in ["server", "path"] where (source[part]?.stringValue ?? "").isEmpty {
                findings.required("\(field).\(part)")
            }
            if source["path"]?.stringValue?.hasPrefix("/") == false {
                findings.invalid("\(field).path", source["path"], "must be an absolute path")
            }
        case "csi":
            let driver = source["driver"]?.stringValue ?? ""
            if driver.isEmpty { findings.required("\(field).driver") }
            if driver.utf8.count > 63 { findings.tooLong("\(field).driver", 63) }
            findings.invalid("\(field).driver", driver, NameRules.dnsSubdomain(driver.lowercased()))
            if (source["volumeHandle"]?.stringValue ?? "").isEmpty { findings.required("\(field).volumeHandle") }
        default: break
        }
    }

    /// The nodes that a volume can be reached from.
    private static func nodes(_ selector: JSONValue, field: String, into findings: inout Findings) {
        let terms = selector["nodeSelectorTerms"]?.arrayValue ?? []
        if terms.isEmpty {
            findings.required("\(field).nodeSelectorTerms", "must have at least one node selector term")
        }
        for (index, term) in terms.enumerated() {
            for (place, requirement) in (term["matchExpressions"]?.arrayValue ?? []).enumerated() {
                let here = "\(field).nodeSelectorTerms[\(index)].matchExpressions[\(place)]"
                let key = requirement["key"]?.stringValue ?? ""
                let count = requirement["values"]?.arrayValue?.count ?? 0
                switch requirement["operator"]?.stringValue {
                case "In", "NotIn":
                    if count == 0 {
                        findings.required("\(here).values", "must be specified when `operator` is 'In' or 'NotIn'")
                    }
                case "Exists", "DoesNotExist":
                    if count > 0 {
                        findings.forbidden(
                            "\(here).values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
                    }
                case "Gt", "Lt":
                    if count != 1 {
                        findings.required(
                            "\(here).values", "must be specified single value when `operator` is 'Lt' or 'Gt'")
                    }
                default:
                    findings.invalid("\(here).operator", requirement["operator"] ?? "", "not a valid selector operator")
                }
                findings.invalid("\(here).key", key, NameRules.qualifiedName(key))
            }
        }
    }
}

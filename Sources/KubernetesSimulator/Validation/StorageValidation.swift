internal import KubernetesObjects

// MARK: - Claims, volumes and storage classes

extension Validation {
    private static let accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"]

    static func claim(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let spec = object["spec"]
        let modes = spec?["accessModes"]?.arrayValue ?? []
        if modes.isEmpty { findings.required("spec.accessModes", "at least 1 access mode is required") }
        modesAreKnown(modes, into: &findings)
        selector(spec?["selector"], field: "spec.selector", into: &findings)
        if let size = spec?.at("resources", "requests", "storage") {
            if let amount = Quantity.amount(size), amount <= 0 {
                findings.invalid("spec.resources[storage]", size, "must be greater than zero")
            }
        } else {
            findings.required("spec.resources[storage]")
        }
        volumeMode(spec?["volumeMode"], into: &findings)
        for source in ["dataSource", "dataSourceRef"] {
            if let reference = spec?[source] { dataSource(reference, field: "spec.\(source)", into: &findings) }
        }
        if let name = spec?["storageClassName"]?.stringValue, !name.isEmpty {
            findings.invalid("spec.storageClassName", name, NameRules.dnsSubdomain(name))
        }
        guard let old else { return }
        var before = old["spec"] ?? .null
        var after = spec ?? .null
        // A claim is bound once, and only what is bound can grow.
        var open = [["volumeAttributesClassName"]]
        if (old.at("spec", "volumeName")?.stringValue ?? "").isEmpty { open.append(["volumeName"]) }
        if object.at("status", "phase") == "Bound" { open.append(["resources", "requests", "storage"]) }
        for path in open {
            before.put(nil, path[...])
            after.put(nil, path[...])
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

    static func volume(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let spec = object["spec"]
        let modes = spec?["accessModes"]?.arrayValue ?? []
        if modes.isEmpty { findings.required("spec.accessModes") }
        modesAreKnown(modes, into: &findings)
        if spec?["capacity"]?.objectValue?.isEmpty != false { findings.required("spec.capacity") }
        if spec?.at("capacity", "storage") == nil || spec?["capacity"]?.objectValue?.count ?? 0 > 1 {
            findings.unsupported("spec.capacity", spec?["capacity"] ?? .null, ["storage"])
        }
        for (name, value) in (spec?["capacity"]?.objectValue ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard let amount = Quantity.amount(value) else { continue }
            if amount < 0 { findings.invalid("spec.capacity[\(name)]", value, "must be a valid resource quantity") }
            if amount <= 0 { findings.invalid("spec.capacity[\(name)]", value, "must be greater than zero") }
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
        findings.oneOf(
            ["Delete", "Recycle", "Retain"], "spec.persistentVolumeReclaimPolicy",
            spec?["persistentVolumeReclaimPolicy"])
        if spec?["local"] != nil, spec?["nodeAffinity"] == nil {
            findings.required("spec.nodeAffinity", "Local volume requires node affinity")
        }
        if let affinity = spec?["nodeAffinity"] {
            if let required = affinity["required"] {
                nodeSelector(required, field: "spec.nodeAffinity.required", into: &findings)
            } else {
                findings.required("spec.nodeAffinity.required", "must specify required node constraints")
            }
        }
        volumeSource(spec, into: &findings)
        if let name = spec?["storageClassName"]?.stringValue, !name.isEmpty {
            findings.invalid("spec.storageClassName", name, NameRules.dnsSubdomain(name))
        }
        volumeMode(spec?["volumeMode"], into: &findings)
        guard let old else { return }
        let all = Set(sources).union((old["spec"]?.objectValue ?? [:]).keys.filter { !known.contains($0) })
        if all.contains(where: { old.at("spec", $0) != spec?[$0] }) {
            findings.forbidden(
                "spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation")
        }
        immutable("volumeMode", spec?["volumeMode"], old.at("spec", "volumeMode"), into: &findings)
        // Where a volume is may be said later, and not changed.
        if let before = old.at("spec", "nodeAffinity"), before != spec?["nodeAffinity"] {
            findings.invalid("spec.nodeAffinity", spec?["nodeAffinity"], "field is immutable")
        }
    }

    private static func volumeSource(_ spec: JSONValue?, into findings: inout Findings) {
        if let source = spec?["hostPath"] {
            path(source, field: "spec.hostPath.path", into: &findings)
        }
        if let source = spec?["local"] { path(source, field: "spec.local.path", into: &findings) }
        if let source = spec?["nfs"] {
            if (source["server"]?.stringValue ?? "").isEmpty { findings.required("spec.nfs.server") }
            let path = source["path"]?.stringValue ?? ""
            if path.isEmpty { findings.required("spec.nfs.path") }
            if !path.hasPrefix("/") {
                findings.invalid("spec.nfs.path", .string(path), "must be an absolute path")
            }
        }
        if let source = spec?["csi"] {
            driverName(source["driver"], field: "spec.csi.driver", into: &findings)
            if (source["volumeHandle"]?.stringValue ?? "").isEmpty { findings.required("spec.csi.volumeHandle") }
        }
    }

    private static func path(_ source: JSONValue, field: String, into findings: inout Findings) {
        let path = source["path"]?.stringValue ?? ""
        if path.isEmpty { return findings.required(field) }
        noBacksteps(.string(path), field: field, into: &findings)
    }

    private static func modesAreKnown(_ modes: [JSONValue], into findings: inout Findings) {
        for mode in modes where !accessModes.contains(mode.stringValue ?? "") {
            findings.unsupported("spec.accessModes", mode, accessModes)
        }
    }

    private static func volumeMode(_ mode: JSONValue?, into findings: inout Findings) {
        if let mode, !["Block", "Filesystem"].contains(mode.stringValue) {
            findings.unsupported("spec.volumeMode", mode, ["Block", "Filesystem"])
        }
    }

    private static func dataSource(_ reference: JSONValue, field: String, into findings: inout Findings) {
        for name in ["kind", "name"] where (reference[name]?.stringValue ?? "").isEmpty {
            findings.required("\(field).\(name)")
        }
        let group = reference["apiGroup"]?.stringValue ?? ""
        if group.isEmpty, reference["kind"] != "PersistentVolumeClaim" {
            findings.invalid(
                field, reference["kind"] ?? "", "must be 'PersistentVolumeClaim' when referencing the default apiGroup")
        }
        if !group.isEmpty { findings.invalid("\(field).apiGroup", group, NameRules.dnsSubdomain(group)) }
    }

    /// Where volumes of a class can be: no key twice in a term, no term twice.
    private static func topologies(_ terms: [JSONValue], into findings: inout Findings) {
        var seen: [JSONValue] = []
        for (index, term) in terms.enumerated() {
            let here = "allowedTopologies[\(index)].matchLabelExpressions"
            let expressions = JSONValue.array(term["matchLabelExpressions"]?.arrayValue ?? [])
            var keys: Set<String> = []
            for (place, expression) in (expressions.arrayValue ?? []).enumerated() {
                let values = (expression["values"]?.arrayValue ?? []).map { $0.stringValue ?? "" }
                if values.isEmpty { findings.required("\(here)[\(place)].values") }
                var own: Set<String> = []
                for (number, value) in values.enumerated() where !own.insert(value).inserted {
                    findings.duplicate("\(here)[\(place)].values[\(number)]", .string(value))
                }
                let key = expression["key"]?.stringValue ?? ""
                findings.invalid("\(here)[\(place)].key", key, NameRules.qualifiedName(key))
                if !keys.insert(key).inserted { findings.duplicate("\(here)[\(place)].key", .string(key)) }
            }
            if seen.contains(expressions) { findings.duplicate(here, "") }
            seen.append(expressions)
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
        let binding = object["volumeBindingMode"] ?? ""
        if !["Immediate", "WaitForFirstConsumer"].contains(binding.stringValue) {
            findings.unsupported("volumeBindingMode", binding, ["Immediate", "WaitForFirstConsumer"])
        }
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
}

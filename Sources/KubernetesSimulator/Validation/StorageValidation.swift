internal import KubernetesObjects

// MARK: - Claims, volumes and storage classes

extension Validation {
    private static let accessModes = ["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"]

    static func claim(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let spec = object["spec"]
        let modes = spec?["accessModes"]?.arrayValue ?? []
        if modes.isEmpty { findings.required("spec.accessModes", "at least 1 access mode is required") }
        for mode in modes { findings.oneOf(accessModes, "spec.accessModes", mode) }
        selector(spec?["selector"], field: "spec.selector", into: &findings)
        if let size = spec?.at("resources", "requests", "storage") {
            if let amount = Quantity.amount(size), amount <= 0 {
                findings.invalid("spec.resources[storage]", size, "must be greater than zero")
            }
        } else {
            findings.required("spec.resources[storage]")
        }
        findings.oneOf(["Block", "Filesystem"], "spec.volumeMode", spec?["volumeMode"])
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

    static func volume(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let spec = object["spec"]
        let modes = spec?["accessModes"]?.arrayValue ?? []
        if modes.isEmpty { findings.required("spec.accessModes") }
        for mode in modes { findings.oneOf(accessModes, "spec.accessModes", mode) }
        if spec?["capacity"]?.objectValue?.isEmpty != false {
            findings.required("spec.capacity")
        } else if spec?.at("capacity", "storage") == nil {
            findings.unsupported("spec.capacity", spec?["capacity"], ["storage"])
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
        findings.oneOf(
            ["Immediate", "WaitForFirstConsumer"], "volumeBindingMode", object["volumeBindingMode"], isRequired: true)
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

internal import KubernetesObjects

// MARK: - Namespaces, runtime classes, storage drivers and leases

extension Validation {
    static func namespace(_ object: JSONValue, into findings: inout Findings) {
        for finalizer in object.at("spec", "finalizers")?.arrayValue ?? [] {
            let name = finalizer.stringValue ?? ""
            findings.invalid("spec.finalizers", name, NameRules.qualifiedName(name))
            let known = ["kubernetes", "orphan", "foregroundDeletion"]
            if !name.contains("/"), !known.contains(name) {
                findings.invalid(
                    "spec.finalizers", finalizer,
                    "name is neither a standard finalizer name nor is it fully qualified")
            }
        }
    }

    static func runtimeClass(_ object: JSONValue, old: JSONValue?, into findings: inout Findings) {
        let handler = object["handler"]?.stringValue ?? ""
        findings.invalid("handler", handler, NameRules.dnsLabel(handler))
        let overhead = object.at("overhead", "podFixed")?.objectValue ?? [:]
        for (name, value) in overhead.sorted(by: { $0.key < $1.key }) {
            findings.notNegativeQuantity("overhead.limits[\(name)]", value)
        }
        let scheduling = object["scheduling"]
        labels(scheduling?["nodeSelector"], field: "scheduling.nodeSelector", into: &findings)
        var seen: Set<JSONValue> = []
        for (index, toleration) in (scheduling?["tolerations"]?.arrayValue ?? []).enumerated() {
            self.toleration(toleration, field: "scheduling.tolerations.tolerations[\(index)]", into: &findings)
            if !seen.insert(toleration).inserted {
                // The server prints its internal form.
                let members = ["key", "operator", "value", "effect"].map { name in
                    "\"\(name.prefix(1).uppercased())\(name.dropFirst())\":\((toleration[name] ?? "").serialized())"
                }
                let seconds = (toleration["tolerationSeconds"] ?? .null).serialized()
                findings.duplicate(
                    "scheduling.tolerations[\(index)]",
                    text: "{\(members.joined(separator: ",")),\"TolerationSeconds\":\(seconds)}")
            }
        }
        if let old { immutable("handler", object["handler"], old["handler"], into: &findings) }
    }

    private static func toleration(_ toleration: JSONValue, field: String, into findings: inout Findings) {
        let kind = toleration["operator"]?.stringValue ?? ""
        if let key = toleration["key"]?.stringValue {
            findings.invalid("\(field).key", key, NameRules.qualifiedName(key))
        } else if kind != "Exists" {
            findings.invalid(
                "\(field).operator", .string(kind),
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"")
        }
        if toleration["tolerationSeconds"] != nil, toleration["effect"] != "NoExecute" {
            findings.invalid(
                "\(field).effect", toleration["effect"] ?? "",
                "effect must be 'NoExecute' when `tolerationSeconds` is set")
        }
        if kind == "Exists", let value = toleration["value"] {
            findings.invalid("\(field).operator", value, "value must be empty when `operator` is 'Exists'")
        } else if kind.isEmpty || kind == "Equal", let value = toleration["value"]?.stringValue {
            let problems = NameRules.labelValue(value)
            if !problems.isEmpty {
                findings.invalid("\(field).operator", .string(value), problems.joined(separator: ";"))
            }
        }
        findings.oneOf(["Equal", "Exists"], "\(field).operator", toleration["operator"])
        findings.oneOf(["NoExecute", "NoSchedule", "PreferNoSchedule"], "\(field).effect", toleration["effect"])
    }

    static func driver(_ object: JSONValue, into findings: inout Findings) {
        let modes = ["Persistent", "Ephemeral"]
        for mode in object.at("spec", "volumeLifecycleModes")?.arrayValue ?? []
        where !modes.contains(mode.stringValue ?? "") {
            findings.unsupported("spec.volumeLifecycleModes", mode, modes, isSorted: false)
        }
        findings.oneOfGiven(
            ["File", "None", "ReadWriteOnceWithFSType"], "spec.fsGroupPolicy", object.at("spec", "fsGroupPolicy"))
    }

    static func lease(_ object: JSONValue, into findings: inout Findings) {
        if let length = object.at("spec", "leaseDurationSeconds"), length.intValue ?? 0 <= 0 {
            findings.invalid("spec.leaseDurationSeconds", length, "must be greater than 0")
        }
        findings.notNegative("spec.leaseTransitions", object.at("spec", "leaseTransitions"))
    }
}

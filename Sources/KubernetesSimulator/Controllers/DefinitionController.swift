internal import KubernetesObjects

// MARK: - Custom resource definitions

extension ClusterState {
    private static let storage = "customresourcedefinitions.apiextensions.k8s.io"

    mutating func reconcileDefinitions(_ agenda: inout Agenda) {
        for stored in store.all(Self.storage) {
            if stored.value.isBeingDeleted {
                removeKind(of: stored.value, now: agenda.now)
            } else {
                establish(stored, &agenda)
            }
        }
    }

    private mutating func establish(_ stored: StoredObject, _ agenda: inout Agenda) {
        let definition = stored.value
        let now = agenda.now
        if definition.condition("Established")?["status"] == "True" {
            register(kindsOf: definition)
            return
        }
        let due = stored.bornAt + timing.definitionEstablishing
        guard now >= due else {
            agenda.look(at: due)
            return
        }
        let time = JSONValue.string(Timestamp.text(now))
        let author = Author(manager: "kube-apiserver", subresource: "status")
        writeStatus(Self.storage, definition.key, now: now, author: author) { object in
            object.put(object.at("spec", "names"), "status", "acceptedNames")
            object.put(
                [
                    [
                        "type": "NamesAccepted", "status": "True", "lastTransitionTime": time, "reason": "NoConflicts",
                        "message": "no conflicts found",
                    ],
                    [
                        "type": "Established", "status": "True", "lastTransitionTime": time,
                        "reason": "InitialNamesAccepted", "message": "the initial names have been accepted",
                    ],
                ], "status", "conditions")
        }
        register(kindsOf: definition)
    }

    private mutating func register(kindsOf definition: JSONValue) {
        let names = definition.at("spec", "names")
        func texts(_ field: String) -> [String] { names?[field]?.arrayValue?.compactMap(\.stringValue) ?? [] }
        let kind = names?["kind"]?.stringValue ?? ""
        for version in definition.at("spec", "versions")?.arrayValue ?? [] where version["served"]?.boolValue == true {
            let schema = version.at("schema", "openAPIV3Schema")
            var subresources: Set<String> = []
            var scale: ResourceType.ScalePaths?
            if version.at("subresources", "status") != nil { subresources.insert("status") }
            if let paths = version.at("subresources", "scale") {
                subresources.insert("scale")
                scale = ResourceType.ScalePaths(
                    spec: paths["specReplicasPath"]?.stringValue ?? ".spec.replicas",
                    status: paths["statusReplicasPath"]?.stringValue ?? ".status.replicas",
                    selector: paths["labelSelectorPath"]?.stringValue)
            }
            let group = definition.at("spec", "group")?.stringValue ?? ""
            let plural = names?["plural"]?.stringValue ?? ""
            let name = version["name"]?.stringValue ?? ""
            if let known = type(apiVersion: "\(group)/\(name)", plural: plural), known.schema == schema,
                known.subresources == subresources
            {
                continue
            }
            register(
                ResourceType(
                    group: group, version: name, plural: plural,
                    singular: names?["singular"]?.stringValue ?? kind.lowercased(), kind: kind,
                    listKind: names?["listKind"]?.stringValue ?? "\(kind)List",
                    isNamespaced: definition.at("spec", "scope")?.stringValue != "Cluster",
                    shortNames: texts("shortNames"), categories: texts("categories"), subresources: subresources,
                    shape: Shape(customResource: schema), isCustom: true, schema: schema,
                    rules: schema.flatMap { SchemaRules($0) }, scalePaths: scale,
                    selectableFields: Set(
                        (version["selectableFields"]?.arrayValue ?? []).compactMap {
                            $0["jsonPath"]?.stringValue.map { String($0.drop { $0 == "." }) }
                        }),
                    printerColumns: version["additionalPrinterColumns"]?.arrayValue ?? []))
        }
    }

    /// Deletes all objects of a kind, then the kind, then its definition.
    private mutating func removeKind(of definition: JSONValue, now: Double) {
        let group = definition.at("spec", "group")?.stringValue ?? ""
        let plural = definition.at("spec", "names", "plural")?.stringValue ?? ""
        let storage = "\(plural).\(group)"
        guard !ResourceCatalog.builtIn.contains(where: { $0.storage == storage }) else { return }
        for stored in store.all(storage) where !stored.value.isBeingDeleted { end(storage, stored.value.key, now: now) }
        guard store.all(storage).isEmpty else { return }
        unregister(group: group, plural: plural)
        store.forget(storage)
        store.remove(Self.storage, definition.key)
    }
}

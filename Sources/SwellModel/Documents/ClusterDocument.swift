public import KubernetesObjects

extension Cluster {
    /// Reads the body of a `Cluster` document.
    static func read(metadata: Metadata, spec: Field?) -> Cluster? {
        guard let fields = spec?.fields(.cluster) else { return nil }
        let region: RegionName? = fields.required("region", "the region it lives in, such as us-east-1")?.name(
            "a region")
        let environment: EnvironmentName? =
            fields.required("environment", "what it is used for, such as production")?.name("an environment")
        guard let name: ClusterName = metadata.name("a cluster"), let region, let environment else { return nil }
        return Cluster(name: name, region: region, environment: environment, labels: metadata.labels)
    }

    /// The document that reads back as this cluster.
    public var document: JSONValue {
        var metadata: [String: JSONValue] = ["name": .string(name.rawValue)]
        if !labels.isEmpty { metadata["labels"] = .object(labels.mapValues(JSONValue.string)) }
        return DocumentKind.cluster.document(
            metadata: metadata,
            spec: ["region": .string(region.rawValue), "environment": .string(environment.rawValue)])
    }
}

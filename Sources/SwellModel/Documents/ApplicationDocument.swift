public import KubernetesObjects

extension Application {
    /// Reads the body of an `Application` document.
    static func read(metadata: Metadata, spec: Field?) -> Application? {
        metadata.refuseLabels()
        guard let fields = spec?.fields(.application) else { return nil }
        let namespace = fields.required("namespace", "the namespace that its objects live in")?.namespace()
        let select = fields["select"]?.selector()
        let strategy = fields["strategy"]?.strategy()
        let checks = fields["checks"]?.list(of: "checks")?.compactMap { $0.healthCheck() }
        let ignored = fields["ignoreFields"]?.list(of: "ignored fields")?.compactMap { $0.ignoredFields() }
        let parameters = fields["parameters"]?.parameters()
        let overrides = fields["overrides"]?.list(of: "overrides")?.compactMap { $0.override() }
        let substitute = fields["substitute"]?.bool()
        let manifests = fields["manifests"]?.pathBelow()
        let adopt = fields["adopt"]?.choice(AdoptionPolicy.self)
        let secrets = fields["secrets"]?.choice(SecretsPolicy.self)
        guard let name: ApplicationName = metadata.name("an application"), let namespace else { return nil }
        return Application(
            name: name, namespace: namespace, select: select ?? ClusterSelector(),
            strategy: strategy ?? ApplicationStrategy(), checks: checks ?? [], ignoreFields: ignored ?? [],
            parameters: parameters ?? [:], overrides: overrides ?? [], manifests: manifests, substitute: substitute,
            adopt: adopt, secrets: secrets)
    }

    /// The document that reads back as this application.
    public var document: JSONValue {
        var spec: [String: JSONValue] = [
            "namespace": .string(namespace),
            "strategy": [
                "selfRollback": .bool(strategy.selfRollback),
                "whenDisconnected": .string(strategy.whenDisconnected.rawValue),
                "drift": .string(strategy.drift.rawValue),
                "whenNeverHealthy": .string(strategy.whenNeverHealthy.rawValue),
            ],
        ]
        if !select.isEmpty { spec["select"] = select.document }
        if !checks.isEmpty { spec["checks"] = .array(checks.map(\.document)) }
        if !ignoreFields.isEmpty { spec["ignoreFields"] = .array(ignoreFields.map(\.document)) }
        if !parameters.isEmpty { spec["parameters"] = .object(parameters.mapValues(JSONValue.string)) }
        if !overrides.isEmpty { spec["overrides"] = .array(overrides.map(\.document)) }
        spec["substitute"] = substitute.map(JSONValue.bool)
        spec["adopt"] = adopt.map { .string($0.rawValue) }
        spec["secrets"] = secrets.map { .string($0.rawValue) }
        spec["manifests"] = manifests.map(JSONValue.string)
        return DocumentKind.application.document(metadata: ["name": .string(name.rawValue)], spec: spec)
    }
}

extension Application {
    /// Whether a path of manifests stays below the folder that it starts from.
    public static func isPathBelow(_ path: String) -> Bool {
        !path.hasPrefix("/") && !path.hasPrefix("~") && !path.split(separator: "/").contains("..")
    }
}

extension Field {
    /// A relative path without a way up: what reads it may not be led to other files of its machine.
    fileprivate func pathBelow() -> String? {
        guard let path = word("the path of the manifests, relative to this file") else { return nil }
        if Application.isPathBelow(path) { return path }
        fail(.invalidValue, "'\(path.prefix(80))' leaves the folder of this file; write a path below it, without '..'")
        return nil
    }

    /// A condition over an object's fields, as it will be read on the clusters.
    private func condition() -> String? {
        guard let text = word("an expression") else { return nil }
        do {
            let expression = try FieldExpression(parsing: text)
            guard let use = expression.fields.first(where: { FieldDoubts.isForeignRoot($0.path) }) else { return text }
            let right = use.text.split(separator: ".", maxSplits: 1).dropFirst().first ?? "status.phase"
            fail(
                .invalidValue,
                "'\(use.text.prefix(80))' begins with no field of an object: paths begin in the object itself; write "
                    + "\(right.prefix(80))")
            return nil
        } catch {
            fail(.invalidValue, "cannot be read: \(error)")
            return nil
        }
    }

    fileprivate func namespace() -> String? {
        guard let name: Name<Application> = name("a namespace") else { return nil }
        guard !name.rawValue.contains(".") else {
            fail(.invalidName, "'\(name)' is not a namespace: use lower-case letters, digits and '-'")
            return nil
        }
        return name.rawValue
    }

    fileprivate func strategy() -> ApplicationStrategy? {
        guard let fields = fields(.strategy) else { return nil }
        var strategy = ApplicationStrategy()
        if let value = fields["selfRollback"]?.bool() { strategy.selfRollback = value }
        if let value = fields["whenDisconnected"]?.choice(DisconnectedBehaviour.self) {
            strategy.whenDisconnected = value
        }
        if let value = fields["drift"]?.choice(DriftPolicy.self) { strategy.drift = value }
        if let value = fields["whenNeverHealthy"]?.choice(NeverHealthyBehaviour.self) {
            strategy.whenNeverHealthy = value
        }
        return strategy
    }

    fileprivate func healthCheck() -> HealthCheck? {
        guard let fields = fields(.check) else { return nil }
        let apiVersion = fields.required("apiVersion", "that of the objects, such as example.com/v1")?.word(
            "an API version")
        let kind = fields.required("kind", "the kind of the objects")?.word("a kind")
        let healthy = fields.required("healthy", "an expression such as status.phase == \"Ready\"")?
            .condition()
        let name = fields["name"]?.word("a name")
        let failed = fields["failed"]?.condition()
        guard let apiVersion, let kind, let healthy else { return nil }
        return HealthCheck(apiVersion: apiVersion, kind: kind, name: name, healthy: healthy, failed: failed)
    }

    fileprivate func ignoredFields() -> IgnoredFields? {
        guard let fields = fields(.ignored) else { return nil }
        let apiVersion = fields.required("apiVersion", "that of the objects, such as apps/v1")?.word("an API version")
        let kind = fields.required("kind", "the kind of the objects")?.word("a kind")
        let name = fields["name"]?.word("a name")
        let pathFields = fields.required("paths", "paths such as spec.replicas")?.list(of: "paths") ?? []
        let paths = pathFields.compactMap { field -> String? in
            guard let text = field.word("a path") else { return nil }
            if (try? FieldPath(parsing: text))?.components.isEmpty == false { return text }
            field.fail(.invalidValue, "'\(text.prefix(80))' is not a path such as spec.replicas or spec.ports[0].port")
            return nil
        }
        guard let apiVersion, let kind else { return nil }
        return IgnoredFields(apiVersion: apiVersion, kind: kind, name: name, paths: paths)
    }

    fileprivate func parameters() -> [String: String]? {
        guard let texts = texts("parameters") else { return nil }
        for name in texts.keys.sorted() {
            if ParameterNames.builtIn.contains(name) {
                fail(.invalidName, "'\(name)' is a parameter that every cluster has by itself; choose another name")
            } else if !ParameterNames.isValid(name) {
                fail(
                    .invalidName,
                    "'\(name.prefix(80))' is not a parameter's name: use letters, digits, '_' and '-', beginning with a letter"
                )
            }
        }
        return texts
    }

    fileprivate func override() -> Override? {
        guard let fields = fields(.override) else { return nil }
        let match = fields.required("match", "where it holds, such as {environments: [staging]}")?.selector()
        let parameters = fields["parameters"]?.parameters()
        let images = fields["images"]?.list(of: "images")?.compactMap { $0.imageOverride() }
        let patches = fields["patches"]?.list(of: "patches")?.compactMap { $0.objectPatch() }
        guard let match else { return nil }
        return Override(match: match, parameters: parameters ?? [:], images: images ?? [], patches: patches ?? [])
    }

    private func imageOverride() -> ImageOverride? {
        guard let fields = fields(.image) else { return nil }
        let name = fields.required("name", "the image without tag, as the manifests spell it")?.word("an image")
        let newName = fields["newName"]?.word("an image")
        let newTag = fields["newTag"]?.word("a tag")
        let digest = fields["digest"]?.word("a digest such as sha256:…")
        if newName == nil, newTag == nil, digest == nil {
            fail(.missingField, "changes nothing; give newName, newTag or digest")
        }
        if newTag != nil, digest != nil {
            fail(.invalidValue, "has both newTag and digest; an image takes one of them")
        }
        return name.map { ImageOverride(name: $0, newName: newName, newTag: newTag, digest: digest) }
    }

    private func objectPatch() -> ObjectPatch? {
        guard let fields = fields(.patch) else { return nil }
        let kind = fields.required("kind", "the kind of the objects that it changes")?.word("a kind")
        let name = fields["name"]?.word("a name")
        let merge = fields["merge"]?.node.json
        let json = fields["json"]?.node.json
        switch (merge, json) {
        case (nil, nil): fail(.missingField, "has no patch; give merge (RFC 7386) or json (RFC 6902)")
        case (.some, .some): fail(.invalidValue, "has both merge and json; write two patches")
        case (.some(let merge), nil) where merge.objectValue == nil:
            fields["merge"]?.fail(.wrongType, "expected a mapping to merge into the object")
        case (nil, .some(let json)):
            do {
                _ = try JSONPatch(json: json)
            } catch {
                fields["json"]?.fail(.invalidValue, "\(error)")
            }
        default: break
        }
        return kind.map { ObjectPatch(kind: $0, name: name, merge: merge, json: json) }
    }
}

extension HealthCheck {
    fileprivate var document: JSONValue {
        var document: [String: JSONValue] = [
            "apiVersion": .string(apiVersion), "kind": .string(kind), "healthy": .string(healthy),
        ]
        document["name"] = name.map(JSONValue.string)
        document["failed"] = failed.map(JSONValue.string)
        return .object(document)
    }
}

extension IgnoredFields {
    fileprivate var document: JSONValue {
        var document: [String: JSONValue] = [
            "apiVersion": .string(apiVersion), "kind": .string(kind), "paths": .array(paths.map(JSONValue.string)),
        ]
        document["name"] = name.map(JSONValue.string)
        return .object(document)
    }
}

extension Override {
    fileprivate var document: JSONValue {
        var document: [String: JSONValue] = ["match": match.document]
        if !parameters.isEmpty { document["parameters"] = .object(parameters.mapValues(JSONValue.string)) }
        let images: [JSONValue] = images.map { image in
            var document: [String: JSONValue] = ["name": .string(image.name)]
            document["newName"] = image.newName.map(JSONValue.string)
            document["newTag"] = image.newTag.map(JSONValue.string)
            document["digest"] = image.digest.map(JSONValue.string)
            return .object(document)
        }
        let patches: [JSONValue] = patches.map { patch in
            var document: [String: JSONValue] = ["kind": .string(patch.kind)]
            document["name"] = patch.name.map(JSONValue.string)
            document["merge"] = patch.merge
            document["json"] = patch.json
            return .object(document)
        }
        if !images.isEmpty { document["images"] = .array(images) }
        if !patches.isEmpty { document["patches"] = .array(patches) }
        return .object(document)
    }
}

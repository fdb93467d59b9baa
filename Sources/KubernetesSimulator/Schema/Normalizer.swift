internal import KubernetesObjects

/// Brings an object into the form that the server's own types would write: unknown fields dropped, empty lists and
/// maps left out, quantities canonical.
struct Normalizer {
    /// Paths of fields that the type does not have, dropped on the way.
    private(set) var unknownFields: [String] = []
    /// The first value of a wrong type, as the server words it.
    private(set) var mismatch: String?

    mutating func normalize(_ object: JSONValue, resource: ResourceType) -> JSONValue {
        var result =
            normalize(object, shape: resource.shape, path: "", owner: "", custom: resource.isCustom) ?? .object([:])
        result["apiVersion"] = .string(resource.apiVersion)
        result["kind"] = .string(resource.kind)
        return result
    }

    /// What a field of Go holds that nobody set.
    static func isZero(_ value: JSONValue) -> Bool { value == "" || value == 0 || value == false }

    /// - Parameter owner: the type that the field belongs to, and its path without indexes, as Go's decoder names them.
    private mutating func normalize(
        _ value: JSONValue, shape: Shape, path: String, owner: String, custom: Bool
    ) -> JSONValue? {
        let owner = if case .named(let name) = shape { Self.shortName(name) } else { owner }
        switch (shape.resolved, value) {
        case (_, .null):
            return custom ? .null : nil
        case (.structure(let structure), .object(let members)):
            var result: [String: JSONValue] = [:]
            for (key, member) in members {
                let here = path.isEmpty ? key : "\(path).\(key)"
                guard let field = structure.shape(of: key) else {
                    unknownFields.append(here)
                    continue
                }
                if !custom, structure.omittedWhenZero.contains(key), Self.isZero(member) { continue }
                if !custom, Self.microTimes.contains("\(owner).\(key)"), mismatch == nil, let text = member.stringValue
                {
                    mismatch = Timestamp.microFault(in: text)
                }
                if !custom, Self.byteFields.contains("\(owner).\(key)") { checkBytes(member) }
                if let kept = normalize(member, shape: field, path: here, owner: owner, custom: custom) {
                    result[key] = kept
                }
            }
            return .object(result)
        case (.map(let item, _), .object(let members)):
            if members.isEmpty, !custom { return nil }
            var result: [String: JSONValue] = [:]
            for (key, member) in members {
                result[key] = normalize(
                    member, shape: item, path: "\(path).\(key)", owner: owner, custom: custom)
            }
            return .object(result)
        case (.list(let item, _), .array(let elements)):
            if elements.isEmpty, !custom { return nil }
            return .array(
                elements.enumerated().compactMap { index, element in
                    normalize(
                        element, shape: item, path: "\(path)[\(index)]", owner: owner, custom: custom)
                })
        case (.quantity, _):
            if !Quantity.isReadable(value), mismatch == nil { mismatch = Quantity.complaint }
            return Quantity.canonical(value)
        case (.string, .string), (.boolean, .bool), (.integer, .integer), (.number, .integer), (.number, .number),
            (.anything, _), (.named, _):
            return value
        case (.integer, .number(let number)) where number == number.rounded() && abs(number) < 9e15:
            return .integer(Int64(number))
        default:
            if !custom, mismatch == nil {
                let field = path.replacing(/\[[0-9]+\]/, with: "")
                mismatch =
                    "json: cannot unmarshal \(Self.jsonType(value)) into Go struct field \(owner).\(field) of type \(Self.goType(shape, field: field))"
            }
            return value
        }
    }

    /// Fields that hold bytes, which JSON writes in Base64.
    private static let byteFields: Set = [
        "ConfigMap.binaryData", "Secret.data", "WebhookClientConfig.caBundle", "APIServiceSpec.caBundle",
        "CertificateSigningRequestSpec.request",
    ]

    private static let microTimes: Set = ["LeaseSpec.acquireTime", "LeaseSpec.renewTime"]

    private mutating func checkBytes(_ value: JSONValue) {
        let texts = value.objectValue.map { $0.sorted { $0.key < $1.key }.map(\.value) } ?? [value]
        guard mismatch == nil, let place = texts.lazy.compactMap(\.stringValue).compactMap(Base64.flaw).first else {
            return
        }
        mismatch = "illegal base64 data at input byte \(place)"
    }

    private static func shortName(_ name: String) -> String {
        name.split(separator: ".").last.map(String.init) ?? name
    }

    private static let longIntegers: Set<String> = [
        "runAsUser", "runAsGroup", "fsGroup", "terminationGracePeriodSeconds", "activeDeadlineSeconds",
        "tolerationSeconds", "expirationSeconds", "observedGeneration", "startingDeadlineSeconds",
    ]

    private static func goType(_ shape: Shape, field: String) -> String {
        switch shape {
        case .string, .quantity: "string"
        case .integer:
            longIntegers.contains(field.split(separator: ".").last.map(String.init) ?? "") ? "int64" : "int32"
        case .number: "float64"
        case .boolean: "bool"
        case .list(let item, _): "[]" + goType(item, field: field)
        case .map(let item, _): "map[string]" + goType(item, field: field)
        case .named(let name): "v1." + shortName(name)
        case .structure, .anything: "interface {}"
        }
    }

    private static func jsonType(_ value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "bool"
        case .integer, .number: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}

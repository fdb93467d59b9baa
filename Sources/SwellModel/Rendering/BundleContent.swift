private import FoundationEssentials
private import KubernetesObjects

extension Bundle {
    /// The canonical JSON of the index: sorted keys, no white space. Equal bundles have equal bytes.
    public var content: [UInt8] {
        // Going through JSONValue gives one spelling of numbers and escapes, whatever the encoder does.
        guard let data = try? JSONEncoder().encode(self), let value = try? JSONValue(parsing: Array(data)) else {
            preconditionFailure("a bundle of plain values always encodes")
        }
        return value.serializedBytes()
    }

    /// The index as a document.
    public var document: ContentDocument { ContentDocument(content: content) }

    /// The release's digest.
    public var digest: ContentDigest { ContentDigest(of: content) }

    /// Reads an index back.
    public init(content: [UInt8]) throws(ModelError) {
        do {
            self = try JSONDecoder().decode(Bundle.self, from: Data(content))
        } catch {
            throw ModelError(code: .syntax, message: "the release's index cannot be read: \(error)")
        }
    }
}

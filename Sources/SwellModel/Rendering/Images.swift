internal import KubernetesObjects

extension JSONValue {
    private static let containerLists: Set<String> = ["containers", "initContainers", "ephemeralContainers"]

    /// Replaces the image of every container, however deep its pod template lies. Adds the names found to `seen`.
    func overridingImages(_ images: [ImageOverride], seen: inout Set<String>) -> JSONValue {
        switch self {
        case .array(let elements):
            return .array(elements.map { $0.overridingImages(images, seen: &seen) })
        case .object(let members):
            var result = members
            for (key, member) in members {
                if Self.containerLists.contains(key), let containers = member.arrayValue {
                    result[key] = .array(containers.map { $0.overridingOwnImage(images, seen: &seen) })
                } else {
                    result[key] = member.overridingImages(images, seen: &seen)
                }
            }
            return .object(result)
        default:
            return self
        }
    }

    private func overridingOwnImage(_ images: [ImageOverride], seen: inout Set<String>) -> JSONValue {
        guard let text = self["image"]?.stringValue else { return self }
        let image = ImageName(text)
        seen.insert(image.name)
        guard let override = images.last(where: { $0.name == image.name }) else { return self }
        var result = self
        result["image"] = .string(image.applying(override).description)
        return result
    }
}

/// An image's reference taken apart: `registry:5000/shop/web:1.2@sha256:…`.
struct ImageName: Hashable, CustomStringConvertible {
    var name: String
    /// With its `:` or `@`.
    var suffix: String

    init(_ text: String) {
        if let at = text.firstIndex(of: "@") {
            self.name = ImageName(String(text[..<at])).name
            self.suffix = String(text[at...])
            return
        }
        let lastSlash = text.lastIndex(of: "/") ?? text.startIndex
        // A colon before the last slash belongs to a registry's port, one within ${…} to a parameter's type.
        if let colon = text[lastSlash...].firstIndex(of: ":"), !text[..<colon].hasSuffix("${") {
            self.name = String(text[..<colon])
            self.suffix = String(text[colon...])
        } else {
            self.name = text
            self.suffix = ""
        }
    }

    func applying(_ override: ImageOverride) -> ImageName {
        var result = self
        if let newName = override.newName { result.name = newName }
        if let newTag = override.newTag { result.suffix = ":\(newTag)" }
        if let digest = override.digest { result.suffix = "@\(digest)" }
        return result
    }

    var description: String { name + suffix }
}

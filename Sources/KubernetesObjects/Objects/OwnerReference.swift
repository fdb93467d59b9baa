/// An object that another one goes with, as `metadata.ownerReferences` names it: the garbage collector deletes a dependent once all
/// of its owners are gone.
public struct OwnerReference: Sendable, Hashable {
    /// The owner's type.
    public var type: GroupVersionKind
    /// The owner's name; it is in the dependent's namespace, or of cluster scope.
    public var name: String
    /// Which object of that name is meant.
    public var uid: String
    /// Whether it is the one that manages the dependent.
    public var isController: Bool

    init(_ json: JSONValue) {
        self.type = GroupVersionKind(
            apiVersion: json["apiVersion"]?.stringValue ?? "", kind: json["kind"]?.stringValue ?? "")
        self.name = json["name"]?.stringValue ?? ""
        self.uid = json["uid"]?.stringValue ?? ""
        self.isController = json["controller"]?.boolValue ?? false
    }
}

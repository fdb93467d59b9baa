internal import KubernetesObjects

/// A member of a part of an object that belongs to one form of that part, as `rollingUpdate` does to one `type` of strategy.
///
/// The server fills it in where a manifest says nothing, as nobody's, and refuses it beside another form. Server-side apply takes away
/// only what the applier owned, so that a manifest that says the other form is refused for what no manifest ever had. Pure.
struct FormMember: Sendable, Hashable {
    /// The part that has several forms; its `type` says which one it is.
    let parent: FieldPath
    let member: String
    /// The `type` that the member belongs to.
    let form: String

    var path: FieldPath { parent.appending(member) }
    var typePath: FieldPath { parent.appending("type") }

    /// Whether the member is in the way: it is there, and what is wanted is another form, without it.
    func isInTheWay(of wanted: KubernetesObject, in live: KubernetesObject) -> Bool {
        guard let type = wanted.value(at: typePath)?.stringValue, type != form, wanted.value(at: path) == nil else {
            return false
        }
        return live.value(at: path).map { !$0.isNull } ?? false
    }
}

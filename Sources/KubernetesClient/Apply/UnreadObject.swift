/// An object could not be looked at, so nothing was done to it.
struct UnreadObject: Error {
    var error: KubernetesError
}

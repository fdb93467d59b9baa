/// One annotation of objects in manifests that Swell reads. `swell explain annotations` and the page of them say this.
public struct AnnotationDescription: Sendable {
    public let name: String
    /// What may be written.
    public let values: String
    /// What holds where it is absent.
    public let standard: String
    public let text: String

    /// All of them, by name.
    public static let all: [AnnotationDescription] = [
        AnnotationDescription(
            name: "swell.dev/adopt", values: "force", standard: "as the application's `adopt` says",
            text:
                "The object's fields are taken from whoever owns them, another application too; the release says from whom."
        ),
        AnnotationDescription(
            name: "swell.dev/hook", values: "before, after, on-failure, or several with commas",
            standard: "an object like any other",
            text:
                "The object is a Job or a Pod to run to its end before the rest is applied, after the rest is healthy, or where the "
                + "release failed; with several it is made and run again at each. With `before`, what is of another kind (an account, settings, a database) goes ahead of those, is "
                + "awaited, and stays."),
        AnnotationDescription(
            name: "swell.dev/hook-delete", values: "always, on-success, never", standard: "never",
            text: "When a finished hook is deleted. One that stays is pruned by the first release that lacks it."),
        AnnotationDescription(
            name: "swell.dev/hook-on", values: "install, upgrade, or both with a comma", standard: "install,upgrade",
            text: "On what occasions the hook runs: at the first release on a cluster, or at later ones."),
        AnnotationDescription(
            name: "swell.dev/hook-on-return", values: "run, skip", standard: "skip",
            text: "The hook runs again when the cluster comes back to its release after another one."),
        AnnotationDescription(
            name: "swell.dev/hook-timeout", values: "a duration such as 90s, 5m, 1h",
            standard: "none: a hook must have it",
            text: "How long the hook may take before the release fails."),
        AnnotationDescription(
            name: "swell.dev/ignore-fields", values: "paths with commas, such as spec.replicas", standard: "none",
            text: "Fields of the object that are left to somebody else: never sent, never drift."),
        AnnotationDescription(
            name: "swell.dev/namespace-defaults", values: "Kind/name with commas, such as ConfigMap/mesh-ca",
            standard: "none",
            text:
                "On a Namespace: objects in it that the platform put there, and that hold its deletion up no more than the server's own do."
        ),
        AnnotationDescription(
            name: "swell.dev/prune", values: "keep, allow", standard: "pruned, unless data would go with it",
            text:
                "`keep`: the object is never deleted by pruning, going back or removing. `allow`: it is, though data go with it, as with a "
                + "volume claim, or with a custom resource or a StatefulSet that owns some."),
        AnnotationDescription(
            name: "swell.dev/replace", values: "allow", standard: "the release is refused on that cluster",
            text: "The object is deleted and created again when a field changes that cannot change."),
        AnnotationDescription(
            name: "swell.dev/substitute", values: "disabled", standard: "as the application's `substitute` says",
            text: "Every ${…} of the object stays as it is written, as in shell scripts and dashboards."),
        AnnotationDescription(
            name: "swell.dev/wave", values: "an integer from -1000 to 1000", standard: "0",
            text:
                "When in the release the object is applied: lower ones first, each wave once the one before it is healthy."
        ),
    ]
}

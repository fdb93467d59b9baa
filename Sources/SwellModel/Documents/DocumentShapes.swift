extension DocumentShape {
    static let cluster = DocumentShape([
        FieldDescription("region", "string", "The region it lives in, such as us-east-1.", isRequired: true),
        FieldDescription("environment", "string", "What it is used for, such as production.", isRequired: true),
    ])

    // MARK: Applications

    static let application = DocumentShape([
        FieldDescription("namespace", "string", "The namespace that objects without one get.", isRequired: true),
        FieldDescription(
            "select", "Selector",
            "The clusters that run it; a rollout covers these, narrowed by its policy's stages. Asked at each rollout.",
            standard: "every cluster", shape: selector),
        FieldDescription(
            "strategy", "Strategy", "How a cluster takes on a release, and what its agent may do by itself.",
            shape: strategy),
        FieldDescription(
            "checks", "[]Check",
            "When objects of kinds that Kubernetes does not know are healthy; counts before what is known by itself.",
            shape: check),
        FieldDescription(
            "ignoreFields", "[]IgnoredFields",
            "Fields left to others, such as spec.replicas under an autoscaler: never sent, never drift.",
            shape: ignored),
        FieldDescription(
            "parameters", "map[string]string",
            "Values for ${name} in manifests, before overrides. Where it is there, ${name} is replaced by text; where the whole value is "
                + "${name:integer}, ${name:number} or ${name:boolean}, by one of that type, as spec.replicas needs it."),
        FieldDescription(
            "overrides", "[]Override",
            "What differs in some environments, regions or clusters. In order; later ones win.", shape: override),
        FieldDescription(
            "manifests", "path",
            "Where the manifests are, relative to and below this file, for `release create --document`."),
        FieldDescription(
            "substitute", "boolean", "Whether ${name} in manifests is replaced.",
            standard: "true where parameters are there, else false"),
        .choice(
            "adopt", AdoptionPolicy.refuse,
            "What happens where somebody else owns fields of an object that a release brings, or another application holds it: the release "
                + "is refused and says who, or takes them and says from whom."),
        .choice(
            "secrets", SecretsPolicy.allow,
            "Whether its releases may carry the values of Secrets. A coordinator may be told to refuse them for all."),
    ])

    static let strategy: DocumentShape = {
        let standard = ApplicationStrategy()
        return DocumentShape([
            FieldDescription(
                "selfRollback", "boolean",
                "Whether the agent goes back by itself when the release fails on its cluster.",
                standard: "\(standard.selfRollback)"),
            .choice(
                "whenDisconnected", standard.whenDisconnected,
                "What the agent does with an unfinished release while it cannot reach the coordinator: finish it, hold it as it is, or go back."
            ),
            .choice(
                "drift", standard.drift,
                "Whether what others change of what was released is put back, or only told. Who keeps writing against it is told by name, and left to it."
            ),
            .choice(
                "whenNeverHealthy", standard.whenNeverHealthy,
                "On a way back where no other release was ever proven healthy: whether the cluster is held as it is, or what releases created is removed."
            ),
        ])
    }()

    static let check = DocumentShape([
        FieldDescription("apiVersion", "string", "That of the objects, such as example.com/v1.", isRequired: true),
        FieldDescription("kind", "string", "The kind of the objects.", isRequired: true),
        FieldDescription("name", "string", "Only the object of this name.", standard: "every object of the kind"),
        FieldDescription(
            "healthy", "expression",
            "Healthy is what this holds of, such as status.phase == \"Ready\"; 'true' accepts it as it is.",
            isRequired: true),
        FieldDescription("failed", "expression", "Failed, at once, is what this holds of."),
    ])

    static let ignored = DocumentShape([
        FieldDescription("apiVersion", "string", "That of the objects, such as apps/v1.", isRequired: true),
        FieldDescription("kind", "string", "The kind of the objects.", isRequired: true),
        FieldDescription("name", "string", "Only the object of this name.", standard: "every object of the kind"),
        FieldDescription(
            "paths", "[]path", "The fields, such as spec.replicas or spec.ports[0].port.", isRequired: true),
    ])

    static let override = DocumentShape([
        FieldDescription("match", "Selector", "Where it holds.", isRequired: true, shape: selector),
        FieldDescription("parameters", "map[string]string", "Values for ${name} there."),
        FieldDescription(
            "images", "[]Image", "Images that are others there, wherever a pod template names them.", shape: image),
        FieldDescription("patches", "[]Patch", "Patches of objects there.", shape: patch),
    ])

    static let image = DocumentShape([
        FieldDescription("name", "string", "The image without tag, as the manifests spell it.", isRequired: true),
        FieldDescription("newName", "string", "Its name there.", standard: "as the manifests have it"),
        FieldDescription(
            "newTag", "string", "Its tag there; not together with digest.", standard: "as the manifests have it"),
        FieldDescription("digest", "string", "Its digest there, such as sha256:…; not together with newTag."),
    ])

    static let patch = DocumentShape([
        FieldDescription("kind", "string", "The kind of the objects that it changes.", isRequired: true),
        FieldDescription("name", "string", "Only the object of this name.", standard: "every object of the kind"),
        FieldDescription("merge", "mapping", "What is merged into the object (RFC 7386); either this or json."),
        FieldDescription("json", "list", "Operations on the object (RFC 6902); either this or merge."),
    ])

    // MARK: Policies

    /// What holds where a policy says nothing.
    private static let standardPolicy = RolloutPolicy(name: "standard", stages: [])
    private static let standardStage = PolicyStage(name: "standard", select: ClusterSelector())

    static let policy: DocumentShape = DocumentShape([
        FieldDescription(
            "stages", "[]Stage", "The steps, one after the other; at least one, at most 64. A cluster belongs to one.",
            isRequired: true,
            shape: stage),
        FieldDescription(
            "maxConcurrent", "limit", "In flight over the whole rollout at most: 3 or 50%.", standard: "no limit"),
        FieldDescription(
            "minHealthyTime", "duration", "How long a cluster must stay healthy before it counts.",
            standard: "\(standardPolicy.minHealthyTime)"),
        FieldDescription(
            "progressDeadline", "duration",
            "How long a cluster may take from its dispatch until it is healthy. It is judged up to 10s later: a cluster that falls silent is "
                + "known to be out of sight only then, and what was not seen fails nothing. Where its agent says nothing, the coordinator "
                + "judges unreachableAfter later. Where a controller says nothing of what was sent, the "
                + "cluster waits past it, neither healthy nor failed: `swell rollout watch` goes on, and ends with 8 where it has a "
                + "--timeout, not with 7.",
            standard: "\(standardPolicy.progressDeadline)"),
        FieldDescription(
            "unreachableAfter", "duration",
            "How long an agent may be silent before its cluster counts as unreachable, which is neither healthy nor failed; at least "
                + "\(RolloutPolicy.leastUnreachableAfter). Until then a rollout says when it was last heard.",
            standard: "\(standardPolicy.unreachableAfter)"),
        FieldDescription(
            "maxUnreachable", "limit",
            "Up to how many clusters of a stage may be unreachable without holding it; they are brought level when they return.",
            standard: "0"),
        FieldDescription(
            "onFailure", "FailurePolicy",
            "What happens when more fail than a stage's failureBudget: an action alone, or with its scope.",
            shape: failure),
        .choice(
            "pausedRegion", standardPolicy.pausedRegion,
            "What a paused region means for the stage it is in: it waits, or goes on and brings its clusters level later."
        ),
        .choice(
            "silentControllers", SilentControllerRule.wait,
            "What to make of a custom resource of which its controller says nothing: wait for it by name, or accept it as healthy. Of a rollout "
                + "that goes on it is changed by applying the policy and starting again with --supersede."),
    ])

    static let stage = DocumentShape([
        FieldDescription("name", "string", "A name unique in the policy.", isRequired: true),
        FieldDescription("select", "Selector", "Which clusters it covers.", isRequired: true, shape: selector),
        FieldDescription(
            "maxConcurrent", "limit", "In flight in each region at most; a percentage is rounded down, and at least 1.",
            standard: "\(standardStage.maxConcurrent)"),
        FieldDescription(
            "maxConcurrentInStage", "limit", "In flight over all regions of the stage at most.", standard: "no limit"),
        FieldDescription(
            "soak", "duration", "How long every cluster of it must stay healthy before the next stage may start.",
            standard: "\(standardStage.soak)"),
        FieldDescription(
            "failureBudget", "limit", "How many clusters may fail before the rollout stops: one more is too many.",
            standard: "\(standardStage.failureBudget)"),
        FieldDescription("approval", "Approval", "Whether a person must agree (swell approve).", shape: approval),
    ])

    static let approval = DocumentShape([
        FieldDescription("before", "boolean", "Before it starts.", standard: "\(ApprovalRule().before)"),
        FieldDescription("after", "boolean", "After its soak, before it passes.", standard: "\(ApprovalRule().after)"),
    ])

    static let failure: DocumentShape = {
        let standard = FailurePolicy()
        return DocumentShape([
            .choice("action", standard.action, "Take back, stop and wait for a person, or go on."),
            .choice(
                "scope", standard.scope,
                "How far taking back reaches; all of the rollout is stopped anyway, until a person acts."),
        ])
    }()
}

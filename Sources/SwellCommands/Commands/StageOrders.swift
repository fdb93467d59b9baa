internal import ArgumentParser
internal import SwellModel

struct RolloutPromote: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "promote", abstract: "End the soak or approval wait of a rollout's current stage early.",
        discussion: """
            The audit log has it as stage.promoted. Where the stage waits for an approval, to promote it is to approve it, with the release
            and the plan that are shown. A stage in which no cluster is healthy has nothing that speaks for going on, and is
            passed only with --despite-health.
            """)

    @Argument(help: "The rollout.")
    var name: String
    @Option(help: "The stage.")
    var stage: String
    @Flag(help: "Pass the stage although none of its clusters is healthy.")
    var despiteHealth = false
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let stage: StageName = try Arguments.name(stage, "--stage")
        let seen = try await SeenPlan(of: name, stage, session)
        let request = OrderRequest(
            stage: stage, despiteHealth: despiteHealth ? true : nil, digest: seen.digest, plan: seen.plan)
        try await order("promote", name, request, session)
    }
}

extension RolloutView {
    /// The content and the plan that an approval is for, as `swell approve` takes them.
    var agreement: String {
        "digest \(spec.release.digest.short)" + (status.plan.map { ", plan \($0.short)" } ?? "")
            + " (what `swell approve` agrees to)"
    }
}

/// What is agreed to: read, shown and sent, so that what came in between is not agreed to unseen.
struct SeenPlan {
    let digest: ContentDigest
    let plan: ContentDigest?
    /// The approval that the stage waits for.
    let gate: String?

    init(of rollout: String, _ stage: StageName, _ session: Session) async throws {
        let view = try await session.client.get("/v1/rollouts/\(segment(rollout))", as: RolloutView.self)
        digest = view.spec.release.digest
        plan = view.status.plan
        gate = view.status.stages.first { $0.name == stage }?.openGate
        let clusters = view.status.targets.count { $0.stage == stage }
        let planned = plan.map { ", plan \($0.short)" } ?? ""
        session.terminal.note(
            "\(view.spec.application) \(view.spec.release.version), digest \(digest.short)\(planned): stage \(stage) "
                + "of \(clusters) cluster\(clusters == 1 ? "" : "s")")
    }

    /// Refuses what is not what the person saw earlier, and named by the beginning of its digest.
    func check(digest wanted: String?, plan wantedPlan: String?) throws {
        for (what, wanted, found) in [("--digest", wanted, digest), ("--plan", wantedPlan, plan ?? digest)] {
            guard let wanted else { continue }
            let hex = wanted.hasPrefix("sha256:") ? String(wanted.dropFirst(7)) : wanted
            guard hex.utf8.count >= 8 else {
                throw CommandError(code: .usage, message: "\(what) '\(wanted)' is too short; give 8 digits or more")
            }
            guard found.rawValue.dropFirst(7).hasPrefix(hex.lowercased()) else {
                throw CommandError(
                    code: .refused,
                    message: "\(what) is \(wanted), but the rollout has \(found.short): look at what changed")
            }
        }
    }
}

/// What `approve` takes, at both of its places.
struct ApprovalOptions: ParsableArguments {
    @Argument(help: "The rollout.")
    var rollout: String
    @Option(help: "The stage.")
    var stage: String
    @Flag(help: "Take back an approval that has not led on yet.")
    var withdraw = false
    @Option(help: "Only if the release's digest begins so, as it was seen before.")
    var digest: String?
    @Option(help: "Only if the plan's digest begins so, as it was seen before.")
    var plan: String?
    @OptionGroup var connection: ConnectionOptions

    static let abstract = "Agree that a stage of a rollout may start, or pass."
    static let discussion = """
        An approval is taken once it is the stage's turn: before it starts when all stages before it have passed, or after its soak.
        It is for what the stage showed until then: a soak that starts again takes it back. The tree and -o json show who gave it and
        when, and the audit log has it as stage.approved, or stage.withdrawn. It is for the release and the plan that are shown, and is
        refused where they changed meanwhile.
        """

    func run(_ session: Session) async throws {
        let name: StageName = try Arguments.name(stage, "--stage")
        guard !withdraw else {
            try await order("withdraw", rollout, OrderRequest(stage: name), session)
            return
        }
        // The gate that this person has seen, too: an order that comes late or twice is not taken for the next one.
        let seen = try await SeenPlan(of: rollout, name, session)
        try seen.check(digest: digest, plan: plan)
        let request = OrderRequest(stage: name, gate: seen.gate, digest: seen.digest, plan: seen.plan)
        try await order("approve", rollout, request, session)
    }
}

struct ApproveCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: ApprovalOptions.abstract, discussion: ApprovalOptions.discussion)

    @OptionGroup var options: ApprovalOptions
    var connection: ConnectionOptions { options.connection }

    func run(_ session: Session) async throws { try await options.run(session) }
}

/// The same beside the other orders to a rollout, where people look for it.
struct RolloutApprove: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "approve", abstract: ApprovalOptions.abstract, discussion: ApprovalOptions.discussion)

    @OptionGroup var options: ApprovalOptions
    var connection: ConnectionOptions { options.connection }

    func run(_ session: Session) async throws { try await options.run(session) }
}

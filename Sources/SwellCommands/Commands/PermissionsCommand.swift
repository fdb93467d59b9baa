internal import ArgumentParser
internal import KubernetesObjects
internal import SwellModel

/// `swell rbac`: what the agent has to be allowed to do.
struct PermissionsCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "rbac", abstract: "Print the Kubernetes RBAC that an agent needs for releases, and no more.",
        discussion: """
            The roles are for the service account of the agent, in place of the wide ones that it is deployed with; give it
            those of every application that its cluster runs. What one release brought and the next leaves out has to be
            deleted, and brought back by a rollback: name every version that a cluster goes to or from.

            A kind's resource is its plural: as the releases' own CustomResourceDefinitions say, as --resource says, or else
            the lower-case kind with -s, -es or -ies; a note tells what was guessed.

            With --namespaced there are roles in namespaces only, for an agent that runs with --namespaces; the namespaces
            have to exist before. A release that brings namespaces, definitions or other things outside of them is refused.

            Namespaces that a release brings are not deleted with these roles: the agent deletes one only when it has seen,
            kind by kind, that nothing of others' is in it, for which it would have to list everything.
            """)

    @Argument(help: "The application.")
    var application: String
    @Option(name: .customLong("version"), help: ArgumentHelp("A release's version; repeatable.", valueName: "version"))
    var versions: [String]
    @Flag(
        name: [.customLong("namespaced"), .customLong("namespace-scoped")], help: "Rights in namespaces only.")
    var namespaced = false
    @Option(
        name: .customLong("resource"),
        help: ArgumentHelp("The resource of a custom kind, such as Feed.example.com=feedz.", valueName: "kind=plural"))
    var resources: [String] = []
    @Option(help: ArgumentHelp("The namespace of the agent.", valueName: "name"))
    var agentNamespace = "swell-agent"
    @Option(help: ArgumentHelp("The service account of the agent.", valueName: "name"))
    var serviceAccount = "swell-agent"
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let name: ApplicationName = try Arguments.name(application, "APPLICATION")
        var rules = PermissionRules(
            application: name.rawValue, releases: [], plurals: try Self.plurals(resources),
            agentNamespace: agentNamespace, serviceAccount: serviceAccount)
        for version in versions {
            let path = "/v1/applications/\(segment(application))/releases/\(segment(version))/contents"
            rules.releases.append(try await session.client.get(path).decoded(as: ReleaseContentsView.self))
        }
        for type in rules.guesses {
            session.terminal.note(
                "note: the resource of \(type.kind).\(type.group) is guessed as '\(rules.resource(of: type))'; "
                    + "`kubectl api-resources --api-group \(type.group)` tells, and --resource takes, the right one")
        }
        session.terminal.data(try rules.yaml(namespaced: namespaced))
    }

    /// `Kind.group=plural`.
    static func plurals(_ texts: [String]) throws -> [GroupKind: String] {
        var plurals: [GroupKind: String] = [:]
        for text in texts {
            let sides = text.split(separator: "=", omittingEmptySubsequences: false).map(String.init)
            guard sides.count == 2, !sides[0].isEmpty, !sides[1].isEmpty else {
                throw CommandError(code: .usage, message: "--resource '\(text)' is not KIND.GROUP=PLURAL")
            }
            let words = sides[0].split(separator: ".", maxSplits: 1).map(String.init)
            plurals[GroupKind(group: words.count == 2 ? words[1] : "", kind: words[0])] = sides[1]
        }
        return plurals
    }
}

internal import ArgumentParser
internal import KubernetesObjects
internal import SwellModel

/// `swell rbac`: what the agent has to be allowed to do.
struct PermissionsCommand: ServerCommand {
    static let configuration = CommandConfiguration(
        commandName: "rbac", abstract: "Print the Kubernetes RBAC that an agent needs for a release, and no more.",
        discussion: """
            The roles are for the service account of the agent, in place of the wide ones that it is deployed with; give it
            those of every application that its cluster runs. While a cluster goes from one release to the next it needs the
            roles of both.

            A kind's resource is its plural: as the release's own CustomResourceDefinitions say, as --resource says, or else the
            lower-case kind with -s, -es or -ies.

            With --namespace-scoped there are roles in namespaces only, which have to exist before; a release that brings
            namespaces, definitions or other things outside of them is refused.
            """)

    @Argument(help: "The application.")
    var application: String
    @Option(help: "The release's version.")
    var version: String
    @Flag(help: "Rights in namespaces only.")
    var namespaceScoped = false
    @Option(
        name: .customLong("resource"),
        help: ArgumentHelp("The resource of a custom kind, such as Feed.example.com=feedz.", valueName: "kind=plural"))
    var resources: [String] = []
    @Option(help: ArgumentHelp("The namespace of the agent.", valueName: "name"))
    var agentNamespace = "swell-system"
    @Option(help: ArgumentHelp("The service account of the agent.", valueName: "name"))
    var serviceAccount = "swell-agent"
    @OptionGroup var connection: ConnectionOptions

    func run(_ session: Session) async throws {
        let name: ApplicationName = try Arguments.name(application, "APPLICATION")
        let path = "/v1/applications/\(segment(application))/releases/\(segment(version))/contents"
        let contents = try await session.client.get(path).decoded(as: ReleaseContentsView.self)
        let rules = PermissionRules(
            application: name.rawValue, namespace: contents.namespace, objects: contents.items,
            plurals: try Self.plurals(resources), agentNamespace: agentNamespace, serviceAccount: serviceAccount)
        session.terminal.write(try rules.yaml(namespaceScoped: namespaceScoped))
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

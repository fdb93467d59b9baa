internal import ArgumentParser
private import FoundationEssentials
internal import KubernetesObjects
internal import SwellModel

/// Where the server is, and with which token and authority.
struct ConnectionOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The server's URL [SWELL_SERVER].", valueName: "url"))
    var server: String?

    @Option(
        help: ArgumentHelp("A file with the operator's token [SWELL_TOKEN_FILE, or SWELL_TOKEN].", valueName: "path"))
    var tokenFile: String?

    @Option(help: ArgumentHelp("The authority's certificates in PEM [SWELL_CA_FILE].", valueName: "path"))
    var caFile: String?

    @Option(help: ArgumentHelp("A context of ~/.config/swell/config.yaml [SWELL_CONTEXT].", valueName: "name"))
    var context: String?
}

/// The settings of one server, put together from flags, the environment and the configuration file, in this order.
struct Connection: Sendable, CustomStringConvertible {
    var server: ServerAddress
    var token: String
    /// The path of the authority's certificates; nil trusts the system's.
    var caFile: String?

    /// Without the token.
    var description: String { server.description }

    /// Flags come before the environment, the environment before the file; a context that a flag names is a flag.
    ///
    /// A context's token and authority are for the context's server: with another one, neither is used. A token that the environment holds
    /// is for the server that the environment or a flag names, and not for a context that was asked for by its name.
    static func resolve(_ options: ConnectionOptions, environment: [String: String]) throws -> Connection {
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let context = try ConfigurationFile.context(named: options.context ?? variable("SWELL_CONTEXT"), environment)
        let asked = options.context == nil ? nil : context
        guard let text = options.server ?? asked?.server ?? variable("SWELL_SERVER") ?? context?.server else {
            throw CommandError(
                code: .usage,
                message: "no server is known; give --server https://HOST:PORT, set SWELL_SERVER, "
                    + "or write a context into ~/.config/swell/config.yaml")
        }
        let server = try ServerAddress(text)
        let own = try context.flatMap { try ServerAddress($0.server) == server ? $0 : nil }
        let isAsked = asked != nil && own != nil
        let token: String
        if let file = options.tokenFile {
            token = try read(file)
        } else if isAsked, let file = own?.tokenFile {
            token = try read(file)
        } else if let file = variable("SWELL_TOKEN_FILE") {
            token = try read(file)
        } else if let text = variable("SWELL_TOKEN") {
            token = text
        } else if let file = own?.tokenFile {
            token = try read(file)
        } else {
            let other = context?.tokenFile == nil ? "" : " (the context's token is for \(context?.server ?? ""))"
            throw CommandError(
                code: .usage,
                message: "no token is known for \(server)\(other); give --token-file PATH, or set SWELL_TOKEN_FILE or "
                    + "SWELL_TOKEN")
        }
        guard !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw CommandError(code: .connection, message: "the token is empty or has characters that no token has")
        }
        let caFile = options.caFile ?? (isAsked ? own?.caFile : nil) ?? variable("SWELL_CA_FILE") ?? own?.caFile
        return Connection(server: server, token: token, caFile: caFile)
    }

    private static func read(_ file: String) throws -> String {
        String(try TokenFile.read(file).split(whereSeparator: \.isWhitespace).first ?? "")
    }
}

/// `~/.config/swell/config.yaml`: servers by name.
private enum ConfigurationFile {
    struct Context {
        var server: String
        var tokenFile: String?
        var caFile: String?
    }

    static func context(named name: String?, _ environment: [String: String]) throws -> Context? {
        let folder = environment["XDG_CONFIG_HOME"] ?? environment["HOME"].map { "\($0)/.config" }
        guard let path = folder.map({ "\($0)/swell/config.yaml" }),
            let text = try? String(contentsOfFile: path, encoding: .utf8)
        else {
            guard let name else { return nil }
            throw CommandError(
                code: .usage, message: "there is no ~/.config/swell/config.yaml with a context '\(name)'")
        }
        let document: JSONValue
        do {
            document = try YAMLReader.document(in: text, file: path).root.json
        } catch {
            throw CommandError(code: .usage, message: "\(error)")
        }
        guard let wanted = name ?? document["currentContext"]?.stringValue else { return nil }
        let contexts = document["contexts"]?.arrayValue ?? []
        guard let context = contexts.first(where: { $0["name"]?.stringValue == wanted }),
            let server = context["server"]?.stringValue
        else {
            let known = contexts.compactMap { $0["name"]?.stringValue }.joined(separator: ", ")
            throw CommandError(
                code: .usage, message: "\(path): there is no context '\(wanted)' with a server; there are: \(known)")
        }
        return Context(
            server: server, tokenFile: context["tokenFile"]?.stringValue, caFile: context["caFile"]?.stringValue)
    }
}

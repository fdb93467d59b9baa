internal import GRPCCore
internal import SwellIdentity
internal import SwellStore

/// Lets in who shows a certificate that names an agent and was not denied. Every call passes here, also on a connection
/// whose handshake was before the denial.
struct CallerAuthenticator: Sendable {
    let trustDomain: TrustDomain
    let tokens: any TokenStore

    /// Who makes the call.
    func admit(_ context: ServerContext) async throws -> AgentCaller {
        let caller = try AgentCaller(context, trustDomain: trustDomain)
        guard try await !tokens.isDenied(serial: caller.serial) else { throw caller.denied }
        return caller
    }
}

extension AgentCaller {
    /// What a caller is told whose certificate does not count any more.
    var denied: IdentityError {
        IdentityError(
            .denied,
            "The certificate \(serial) of cluster '\(cluster)' was denied, or the cluster left the fleet. A new join token lets its agent in again."
        )
    }
}

internal import Foundation
internal import Logging
internal import ServiceLifecycle

/// Says once, in the log and in a file, that everything is served and where.
struct Announcement: Service {
    let file: String?
    let logger: Logger
    /// Waits until all ports listen.
    let ports: @Sendable () async throws -> [String: Int]

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            let ports = try await self.ports()
            self.logger.info(
                "coordinator is ready",
                metadata: Dictionary(uniqueKeysWithValues: ports.map { ($0.key, "\($0.value)") }))
            guard let file = self.file else { return }
            try JSONEncoder().encode(ports).write(to: URL(filePath: file), options: .atomic)
        }
    }
}

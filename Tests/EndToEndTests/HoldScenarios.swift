internal import Foundation
internal import NIOCore
internal import NIOPosix
internal import SwellEngine
internal import SwellStore
internal import Synchronization
internal import Testing

/// A stranger that holds all it can of every port, with one byte now and then, while operators and agents work.
@Suite(.serialized) struct HoldScenarios {
    @Test func aStrangerOnEveryPortSlowsNobody() async throws {
        try await withFleet(FaultSettings.regions) { fleet in
            try await fleet.apply(FaultSettings.documents(soak: "1s"))
            try await fleet.withStore { store in try await play(fleet, store) }
        }
    }

    private func play(_ fleet: Fleet, _ store: PostgresStore) async throws {
        let coordinator = try #require(await fleet.coordinators["a"])
        var calm: Duration = .zero
        for version in ["1.0.0", "2.0.0"] { calm = try await roll(version, fleet, store) }
        let before = coordinator.residentMemory()
        let ports = [
            ("fleet", await fleet.fleetPort(), 1_200, 512 + 2 * (await fleet.clusters.count)),
            ("enrolment", await fleet.enrolmentPort(), 300, 64),
            ("api", await fleet.apiPort(), 300, 64),
        ]
        let holders = ports.map { (Holder(name: $0.0, port: $0.1, wanted: $0.2), $0.3) }
        for (holder, _) in holders { await holder.begin() }
        // Longer than any deadline, so that what is held then is what can be held.
        let start = ContinuousClock.now
        let attacked = try await roll("3.0.0", fleet, store)
        // Who was connected may come again, and who was not may join.
        let returning = try #require(fleet.shape.regions[FaultSettings.canary]?.first)
        try await fleet.killAgent(returning)
        try FileManager.default.removeItem(at: fleet.agentFolder(returning))
        try await fleet.startAgent(returning)
        try await fleet.awaitAgents(within: .seconds(60))
        let joined = ContinuousClock.now - start
        try await eventually("the first to have been cut", within: .seconds(40)) {
            holders.allSatisfy { !$0.0.lifetimes.isEmpty } ? true : nil
        }
        for (holder, most) in holders {
            let times = holder.lifetimes
            // As the coordinator counts them: what waits in the kernel to be taken is held of nothing but the kernel.
            let held = try await open(holder.name, fleet)
            print(
                "\(holder.name): \(holder.dialled) dialled, \(held) held at the end, \(times.count) cut, the longest lived "
                    + "\(times.max() ?? .zero)")
            #expect(held <= most, "\(holder.name)")
            // As who dialled sees it, who may have waited long to be taken where the machine is busy. The coordinator allows 10 s.
            #expect(times.max() ?? .zero < .seconds(45), "\(holder.name)")
            await holder.end()
        }
        print(
            "the rollout took \(attacked) with strangers on every port, \(calm) without; an agent enrolled and came back in "
                + "\(joined); the coordinator held \(coordinator.residentMemory()) MiB, \(before) before")
        #expect(attacked < calm * 2 + .seconds(10))
        #expect(fleet.printed("coordinator-a").split(separator: "connection closed").count < 100)
    }

    /// TLS below 1.3 is refused at each port, and who speaks the wrong protocol is told so in one line.
    @Test func theWrongProtocolIsRefusedInPlainWords() async throws {
        try await withFleet(["us-east-1": ["use1-0"]]) { fleet in
            let authority = fleet.stateFolder.appending(path: "ca.pem").path
            let api = await fleet.apiPort()
            for (version, isWelcome) in [("1.2", false), ("1.3", true)] {
                let result = try await Programs.call(
                    "curl", ["-sS", "--tls-max", version, "--cacert", authority, "https://localhost:\(api)/healthz"])
                #expect((result.code == 0) == isWelcome, "\(version): \(result.errors)")
            }
            let plain = try await Programs.call("curl", ["-sS", "http://localhost:\(api)/healthz"])
            #expect(plain.output.contains("use https://"), "\(plain.output) \(plain.errors)")
            let cases = [
                ("http://localhost:\(api)", "use https://localhost:\(api)"),
                ("https://localhost:\(await fleet.fleetPort())", "operator API's port"),
                ("https://localhost:\(await fleet.enrolmentPort())", "operator API's port"),
                ("https://localhost:\(try await deaf())", "does not speak TLS; if that is meant, use http://localhost"),
            ]
            for (server, words) in cases {
                let result = try await fleet.swell("get", "clusters", "--server", server)
                #expect(result.code == 4, "\(server)")
                #expect(
                    result.errors.contains(words) && result.errors.split(separator: "\n").count == 1
                        && !result.errors.contains("HTTPClientError"), "\(server): \(result.errors)")
            }
        }
    }

    /// A port where plain HTTP is answered.
    private func deaf() async throws -> Int {
        final class Answer: ChannelInboundHandler, Sendable {
            typealias InboundIn = ByteBuffer
            func channelRead(context: ChannelHandlerContext, data: NIOAny) {
                let text = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                let channel = context.channel
                channel.writeAndFlush(ByteBuffer(string: text)).whenComplete { _ in channel.close(promise: nil) }
            }
        }
        let channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Answer()) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return try #require(channel.localAddress?.port)
    }

    /// How many connections of a port the coordinator holds.
    private func open(_ port: String, _ fleet: Fleet) async throws -> Int {
        let authority = fleet.stateFolder.appending(path: "ca.pem").path
        let url = "https://localhost:\(await fleet.apiPort())/metrics"
        // Who asks stands in line with the strangers.
        return try await eventually("the count of connections at \(port)", within: .seconds(30)) {
            let result = try await Programs.call("curl", ["-sS", "--max-time", "10", "--cacert", authority, url])
            let line = result.output.split(separator: "\n").first {
                $0.hasPrefix("swell_connections_open{port=\"\(port)\"}")
            }
            return line?.split(separator: " ").last.flatMap { Double($0) }.map { Int($0) }
        }
    }

    private func roll(_ version: String, _ fleet: Fleet, _ store: PostgresStore) async throws -> Duration {
        try await fleet.release(
            "web", version, manifests: Documents.manifests(image: "registry.example/web:\(version)"))
        let start = ContinuousClock.now
        try await fleet.start(version, name: "to-\(version)")
        try await store.awaited("to-\(version)", "over") { $0.phase == .succeeded }
        return ContinuousClock.now - start
    }
}

/// Holds so many connections of a port as it can: dials again whenever one was cut, and says a byte a second over each.
private final class Holder: Sendable {
    private struct State {
        var dialled = 0
        var lifetimes: [Duration] = []
        var isEnding = false
        var tasks: [Task<Void, Never>] = []
    }

    let name: String
    private let port: Int
    private let wanted: Int
    private let state = Mutex(State())

    init(name: String, port: Int, wanted: Int) {
        self.name = name
        self.port = port
        self.wanted = wanted
    }

    var dialled: Int { state.withLock { $0.dialled } }
    var lifetimes: [Duration] { state.withLock { $0.lifetimes } }

    func begin() async {
        let tasks = (0..<wanted).map { number in
            Task {
                while !Task.isCancelled {
                    await holdOne()
                    // As a stranger may: it dials again, but does not spin.
                    try? await Task.sleep(for: .milliseconds(1_000 + number % 1_000))
                }
            }
        }
        state.withLock { $0.tasks = tasks }
    }

    func end() async {
        let tasks = state.withLock { state in
            state.isEnding = true
            return state.tasks
        }
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
    }

    private func holdOne() async {
        let bootstrap = ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
        guard let channel = try? await bootstrap.connect(host: "127.0.0.1", port: port).get() else { return }
        let start = ContinuousClock.now
        state.withLock { $0.dialled += 1 }
        // The beginning of a handshake's record, and then a byte of it now and then.
        try? await channel.writeAndFlush(ByteBuffer(bytes: [22, 3, 1, 2, 0])).get()
        channel.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { task in
            guard channel.isActive else { return task.cancel() }
            channel.writeAndFlush(ByteBuffer(bytes: [1]), promise: nil)
        }
        await withTaskCancellationHandler {
            try? await channel.closeFuture.get()
        } onCancel: {
            channel.close(promise: nil)
        }
        state.withLock { state in
            if !state.isEnding { state.lifetimes.append(ContinuousClock.now - start) }
        }
    }
}

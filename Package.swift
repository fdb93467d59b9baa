// swift-tools-version: 6.2
import PackageDescription

/// One dependency of a target, spelled short.
func product(_ name: String, _ package: String) -> Target.Dependency { .product(name: name, package: package) }

let argumentParser = product("ArgumentParser", "swift-argument-parser")
let asyncHTTPClient = product("AsyncHTTPClient", "async-http-client")
let collections = product("Collections", "swift-collections")
let crypto = product("Crypto", "swift-crypto")
let grpc = product("GRPCCore", "grpc-swift-2")
let grpcProtobuf = product("GRPCProtobuf", "grpc-swift-protobuf")
let grpcTransport = product("GRPCNIOTransportHTTP2", "grpc-swift-nio-transport")
let hummingbird = product("Hummingbird", "hummingbird")
let hummingbirdTLS = product("HummingbirdTLS", "hummingbird")
let lifecycle = product("ServiceLifecycle", "swift-service-lifecycle")
let logging = product("Logging", "swift-log")
let metrics = product("Metrics", "swift-metrics")
let nioCertificateReloading = product("NIOCertificateReloading", "swift-nio-extras")
let nioCore = product("NIOCore", "swift-nio")
let nioHTTP1 = product("NIOHTTP1", "swift-nio")
let nioPosix = product("NIOPosix", "swift-nio")
let nioSSL = product("NIOSSL", "swift-nio-ssl")
let nioTLS = product("NIOTLS", "swift-nio")
let nioHTTPTypes = product("NIOHTTPTypes", "swift-nio-extras")
let protobuf = product("SwiftProtobuf", "swift-protobuf")
let subprocess = product("Subprocess", "swift-subprocess")
let swiftASN1 = product("SwiftASN1", "swift-asn1")
let unixSignals = product("UnixSignals", "swift-service-lifecycle")
let x509 = product("X509", "swift-certificates")
let yams = product("Yams", "Yams")

let package = Package(
    name: "swell",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "swell", targets: ["swell"]),
        .executable(name: "swell-coordinator", targets: ["swell-coordinator"]),
        .executable(name: "swell-agent", targets: ["swell-agent"]),
        .executable(name: "swell-kubesim", targets: ["swell-kubesim"]),
        .executable(name: "swell-proof", targets: ["swell-proof"]),
        .executable(name: "swell-load", targets: ["swell-load"]),
    ],
    // Each at one version: what is built is what was looked at. `scripts/check-dependencies` does the same for what these bring.
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", exact: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", exact: "1.21.1"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", exact: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", exact: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", exact: "1.39.0"),
        .package(url: "https://github.com/grpc/grpc-swift-2", exact: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", exact: "2.9.2"),
        .package(url: "https://github.com/grpc/grpc-swift-protobuf", exact: "2.4.1"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2"),
    ],
    targets: [
        // libpq, as the system has it.
        .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),

        // Waiting and limiting for all the others: signals, latest values, bounded concurrency. No noun of ours.
        .target(name: "AsyncSupport"),
        // Which characters are spelled out where people read. No noun of ours.
        .target(name: "ShownText"),
        // Keeps a TCP port's connections few, alive and honest: deadlines, limits, displacement. No noun of ours.
        .target(name: "PortGuard", dependencies: [metrics, nioCore, nioSSL, nioTLS]),
        // HTTP connections that a server accepted end well also where it ends before it has come to them. No noun of ours.
        .target(name: "AcceptedConnections", dependencies: [hummingbird, nioCore, logging]),
        // How a TLS handshake goes at an address, for words to a person. No noun of ours.
        .target(name: "HandshakeProbe", dependencies: [nioCore, nioPosix, nioSSL, nioTLS]),
        // JSON and YAML as Kubernetes reads them: values with positions, object identity, patches.
        .target(
            name: "KubernetesObjects", dependencies: ["ShownText", yams, collections],
            resources: [.embedInCode("Schema/Tables")]),
        // The nouns: clusters, applications, policies, releases, assignments; documents decoded strictly.
        .target(name: "SwellModel", dependencies: ["KubernetesObjects", crypto]),
        // The verbs: pure state machines of rollout, stage, target, lease, agent and session.
        .target(name: "SwellEngine", dependencies: ["SwellModel", collections]),
        // libpq without blocking: connections, pool, transactions, pipeline, COPY, LISTEN.
        .target(name: "PostgresClient", dependencies: ["CLibpq", logging, lifecycle, collections]),
        // What is stored, and how: the store protocol, PostgreSQL and in-memory forms, migrations.
        .target(
            name: "SwellStore", dependencies: ["SwellModel", "SwellEngine", "PostgresClient", crypto, logging],
            resources: [.embedInCode("Migrations")]),
        // The wire between coordinator and agent: messages, generated code, conversions.
        .target(
            name: "SwellProtocol", dependencies: ["ShownText", "SwellModel", grpc, grpcProtobuf, protobuf],
            exclude: ["Protos"]),
        // Who is who: the CA, enrolment, certificates and names in them, verification.
        .target(
            name: "SwellIdentity",
            dependencies: [
                "SwellModel", x509, swiftASN1, crypto, nioCore, nioSSL, nioCertificateReloading, grpcTransport,
            ]),
        // A client for any Kubernetes API server: discovery, apply, watch, health.
        .target(
            name: "KubernetesClient",
            dependencies: [
                "AsyncSupport", "KubernetesObjects", asyncHTTPClient, nioCore, nioHTTP1, nioPosix, nioSSL, logging,
                crypto,
            ]),
        // Kubernetes API servers and their controllers, many in one process, with faults to order.
        .target(
            name: "KubernetesSimulator",
            dependencies: [
                "AcceptedConnections", "AsyncSupport", "KubernetesObjects", hummingbird, hummingbirdTLS, nioCore,
                nioSSL,
                logging, lifecycle, collections,
                x509, swiftASN1, crypto,
            ],
            resources: [.copy("Resources")]),
        // Metrics exposition and the log handler.
        .target(name: "SwellTelemetry", dependencies: ["ShownText", logging, metrics]),
        // Runs the engine's actions: leases, reconcile loop, agent sessions, ingestion.
        .target(
            name: "SwellCoordinator",
            dependencies: [
                "AsyncSupport", "PortGuard", "SwellModel", "SwellEngine", "SwellStore", "SwellProtocol",
                "SwellIdentity",
                "SwellTelemetry",
                "PostgresClient", collections, crypto, grpc, grpcTransport, lifecycle, logging, metrics, x509,
                swiftASN1, nioSSL,
                nioCore,
                nioPosix,
            ]),
        // The operator's side: HTTPS API, server-sent events, sign-in.
        .target(
            name: "SwellConsole",
            dependencies: [
                "AcceptedConnections", "KubernetesObjects", "PortGuard", "ShownText", "SwellModel", "SwellEngine",
                "SwellStore", hummingbird, hummingbirdTLS,
                logging, lifecycle, crypto, metrics, nioCore, nioSSL, nioHTTPTypes,
            ]),
        // In each cluster: enrol, stream, fetch, render, apply, verify, roll back, report.
        .target(
            name: "SwellAgent",
            dependencies: [
                "AsyncSupport", "HandshakeProbe", "SwellModel", "SwellEngine", "SwellProtocol", "SwellIdentity",
                "KubernetesClient", "KubernetesObjects", "SwellTelemetry", grpc, grpcTransport, protobuf, lifecycle,
                logging, metrics, nioPosix, x509, crypto,
            ]),
        // The command line's words: requests to the operator API, tables and trees.
        .target(
            name: "SwellCommands",
            dependencies: [
                "HandshakeProbe", "KubernetesObjects", "ShownText", "SwellModel", argumentParser, asyncHTTPClient,
                nioCore,
                nioHTTP1, nioPosix, nioSSL, subprocess,
            ]),
        // A seeded world for the engine: network, clocks, crashes; the invariants.
        .target(name: "SwellSimulation", dependencies: ["SwellModel", "SwellEngine", "SwellStore", collections]),

        // Agents by the thousand over the real wire, clusters only played behind them; what coordinators are compared with.
        .target(
            name: "SwellLoad",
            dependencies: [
                "AsyncSupport", "SwellModel", "SwellEngine", "SwellProtocol", "SwellIdentity", "SwellAgent", crypto,
                grpc, grpcTransport, logging, nioCore, nioPosix, nioSSL, nioTLS, x509,
            ]),

        // How the services' executables begin and end.
        .target(name: "SwellProgram", dependencies: [argumentParser]),

        // The operator's command line.
        .executableTarget(name: "swell", dependencies: ["SwellCommands"]),
        // The central service.
        .executableTarget(
            name: "swell-coordinator",
            dependencies: [
                "SwellCoordinator", "SwellConsole", "SwellTelemetry", "SwellStore", "SwellIdentity", "SwellModel",
                "PostgresClient", "SwellProgram", argumentParser, lifecycle, unixSignals, logging, nioSSL,
                nioCertificateReloading,
            ]),
        // The service in each cluster.
        .executableTarget(
            name: "swell-agent",
            dependencies: [
                "SwellAgent", "SwellTelemetry", "SwellModel", "SwellIdentity", "KubernetesClient", "SwellProgram",
                argumentParser, lifecycle, unixSignals, logging,
            ]),
        // Simulated Kubernetes API servers.
        .executableTarget(
            name: "swell-kubesim",
            dependencies: [
                "KubernetesObjects", "KubernetesSimulator", "SwellProgram", argumentParser, asyncHTTPClient, lifecycle,
                logging, nioCore,
                nioHTTP1,
            ]),
        // Runs simulated worlds and checks the invariants.
        .executableTarget(name: "swell-proof", dependencies: ["SwellSimulation", "SwellProgram", argumentParser]),
        // The agents of a large fleet, to put a load on a coordinator.
        .executableTarget(
            name: "swell-load",
            dependencies: [
                "SwellLoad", "SwellAgent", "SwellIdentity", "SwellModel", "SwellProgram", argumentParser, logging,
            ]),

        // The manifest's arrows, the sources' imports, the repository's shape.
        .testTarget(name: "ArchitectureTests"),
        .testTarget(name: "AsyncSupportTests", dependencies: ["AsyncSupport"]),
        .testTarget(name: "PortGuardTests", dependencies: ["PortGuard"]),
        .testTarget(
            name: "AcceptedConnectionsTests",
            dependencies: ["AcceptedConnections", hummingbird, nioCore, nioPosix, logging]),
        .testTarget(name: "KubernetesObjectsTests", dependencies: ["KubernetesObjects"]),
        .testTarget(name: "SwellModelTests", dependencies: ["SwellModel"]),
        .testTarget(name: "SwellEngineTests", dependencies: ["SwellEngine"]),
        // Starts a private PostgreSQL server for the tests that need one.
        .target(name: "PostgresTesting", dependencies: ["PostgresClient"], path: "Tests/PostgresTesting"),
        // What Kubernetes API servers were seen to answer, for the tests that put it before Swell.
        .target(
            name: "KubernetesTesting", dependencies: ["KubernetesObjects"], path: "Tests/KubernetesTesting"),
        // What tests and benchmarks put between processes of their own: free ports, and links that can be spoilt.
        .target(name: "NetworkTesting", dependencies: [nioCore, nioPosix], path: "Tests/NetworkTesting"),
        .testTarget(name: "PostgresClientTests", dependencies: ["PostgresClient", "PostgresTesting"]),
        .testTarget(
            name: "SwellStoreTests", dependencies: ["KubernetesObjects", "SwellStore", "PostgresTesting"],
            exclude: ["Golden/v1", "Golden/v2"]),
        .testTarget(name: "SwellProtocolTests", dependencies: ["SwellProtocol", protobuf]),
        .testTarget(name: "SwellIdentityTests", dependencies: ["SwellIdentity", x509, swiftASN1, crypto]),
        .testTarget(
            name: "KubernetesClientTests",
            dependencies: [
                "KubernetesClient", "KubernetesObjects", "KubernetesSimulator", nioCore, nioPosix, nioHTTP1,
            ],
            exclude: ["Recorded"]),
        .testTarget(
            name: "KubernetesSimulatorTests",
            dependencies: ["KubernetesObjects", "KubernetesSimulator", asyncHTTPClient, nioCore, nioHTTP1, nioSSL]),
        .testTarget(name: "SwellTelemetryTests", dependencies: ["SwellTelemetry", logging, metrics]),
        .testTarget(
            name: "SwellCoordinatorTests",
            dependencies: [
                "AsyncSupport", "PortGuard", "SwellCoordinator", "PostgresTesting", grpc, grpcTransport, lifecycle,
                logging,
                x509, crypto, nioCore, nioPosix, nioSSL,
            ]),
        .testTarget(
            name: "SwellConsoleTests",
            dependencies: [
                "SwellConsole", "SwellCommands", "PortGuard", asyncHTTPClient, nioCore, nioPosix, nioSSL, nioHTTPTypes,
            ]),
        .testTarget(
            name: "SwellAgentTests",
            dependencies: [
                "HandshakeProbe", "SwellAgent", "SwellCommands", "SwellEngine", "SwellIdentity", "SwellProtocol",
                "SwellModel",
                "KubernetesObjects", "KubernetesClient", "KubernetesSimulator", "KubernetesTesting", grpc,
                grpcTransport, protobuf, crypto, logging, nioCore, nioHTTP1, nioPosix, nioSSL, x509, swiftASN1,
            ]),
        .testTarget(name: "SwellProgramTests", dependencies: ["SwellProgram", argumentParser]),
        .testTarget(name: "SwellCommandsTests", dependencies: ["SwellCommands", nioCore, nioPosix]),
        .testTarget(
            name: "SwellLoadTests",
            dependencies: [
                "SwellLoad", "SwellAgent", "SwellEngine", "SwellIdentity", "SwellModel", logging,
            ]),
        .testTarget(name: "SwellSimulationTests", dependencies: ["SwellSimulation"]),
        // Every decoder of bytes from outside against kept and mutated inputs.
        .testTarget(
            name: "FuzzTests",
            dependencies: [
                "KubernetesClient", "KubernetesObjects", "KubernetesSimulator", "PostgresClient", "SwellAgent",
                "SwellCommands", "SwellConsole", "SwellEngine", "SwellIdentity", "SwellModel", "SwellProtocol", crypto,
                protobuf, x509,
            ],
            exclude: ["Corpus", "Coverage"]),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "AsyncSupport", "SwellModel", "SwellEngine", "SwellStore", "SwellIdentity", "PostgresClient",
                "NetworkTesting", "PostgresTesting", "KubernetesClient", "KubernetesObjects", "KubernetesTesting",
                "SwellProtocol", grpc,
                grpcTransport, nioCore, nioHTTP1, nioPosix, protobuf, x509, crypto,
            ],
            // The harness builds it, for single processes under test.
            exclude: ["Harness/clock-shift.c"]),
    ]
)

if Context.environment["SWELL_BENCHMARKS"] != nil {
    package.targets += [
        // What is applied where applies are measured.
        .target(
            name: "BenchmarkBundle", dependencies: ["KubernetesObjects"], path: "Tests/Benchmarks/BenchmarkBundle"),
        // Measures applies against kubectl's; built by scripts/benchmark-apply alone.
        .executableTarget(
            name: "ApplyBenchmark", dependencies: ["BenchmarkBundle", "KubernetesClient", "KubernetesObjects"],
            path: "Tests/Benchmarks/ApplyBenchmark"),
        // Measures everything else against baselines of the same run; built by scripts/benchmark alone.
        .executableTarget(
            name: "Benchmark",
            dependencies: [
                "BenchmarkBundle", "KubernetesClient", "KubernetesObjects", "NetworkTesting", "PostgresClient",
                "PostgresTesting", "SwellConsole", "SwellEngine", "SwellIdentity", "SwellLoad", "SwellModel",
                "SwellSimulation",
                "SwellStore", crypto, logging, nioCore,
            ],
            path: "Tests/Benchmarks/Benchmark"),
    ]
}

if Context.environment["SWELL_FUZZING"] != nil,
    let place = package.targets.firstIndex(where: { $0.name == "FuzzTests" })
{
    // The same targets under libFuzzer, built by scripts/fuzz alone: in place of the tests, since a file is of one target.
    package.targets[place] = .executableTarget(
        name: "CoverageFuzzer", dependencies: package.targets[place].dependencies, path: "Tests/FuzzTests",
        exclude: [
            "Corpus", "FoundTests.swift", "FuzzTests.swift", "Engine/Campaign.swift", "Engine/Corpus.swift",
            "Engine/FuzzRandom.swift", "Engine/InFlight.swift", "Engine/Mutator.swift",
        ])
}

// Every Swift target, tests included, is compiled under the same settings.
for target in package.targets where target.type != .system {
    target.swiftSettings = [
        .treatAllWarnings(as: .error),
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .enableUpcomingFeature("InferIsolatedConformances"),
    ]
}

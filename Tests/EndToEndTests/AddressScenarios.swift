internal import Foundation
internal import KubernetesObjects
internal import Testing

/// What an agent is told to dial: addresses as well as names, and the wrong port of the right machine.
@Suite(.serialized) struct AddressScenarios {
    private func isConnected(_ cluster: String, _ fleet: Fleet) async throws -> Bool? {
        let view = try await fleet.swell("get", "cluster", cluster, "-o", "json").json()
        return view["status"]?["connected"] == true ? true : nil
    }

    /// Without anything of before: it has to enrol.
    private func forget(_ cluster: String, _ fleet: Fleet) async throws {
        try await fleet.killAgent(cluster)
        try FileManager.default.removeItem(at: fleet.agentFolder(cluster))
        try? FileManager.default.removeItem(at: fleet.log("agent-\(cluster)"))
    }

    @Test func anAgentDialsAddressesAsWellAsNames() async throws {
        try await withFleet(.init(regions: ["us-east-1": ["use1-a"]])) { fleet in
            let (port, enrolment) = await (fleet.fleetPort(), fleet.enrolmentPort())
            let api = "https://127.0.0.1:\(await fleet.apiPort())"
            let call = try await fleet.swell("get", "clusters", "--server", api)
            #expect(call.code == 0, "the certificate has the address: \(call.errors)")
            for host in ["127.0.0.1", "[::ffff:127.0.0.1]"] {
                try await forget("use1-a", fleet)
                _ = try await fleet.swell("cluster", "revoke", "use1-a", "--reason", "again")
                try await eventually("it to be away") {
                    try await isConnected("use1-a", fleet) == nil ? true : nil
                }
                try await fleet.startAgent(
                    "use1-a", dialling: ("\(host):\(port)", "\(host):\(enrolment)"))
                try await eventually("\(host) to be dialled") {
                    try await isConnected("use1-a", fleet)
                } orDescribe: {
                    fleet.printed("agent-use1-a")
                }
            }
        }
    }

    @Test func theWrongPortIsToldWithTheRightOne() async throws {
        try await withFleet(.init(regions: ["us-east-1": ["use1-a"]])) { fleet in
            let (port, enrolment) = await (fleet.fleetPort(), fleet.enrolmentPort())
            let api = await fleet.apiPort()
            func says(_ words: [String], _ coordinator: Int, _ enroll: Int) async throws {
                try await fleet.startAgent(
                    "use1-a", dialling: ("localhost:\(coordinator)", "localhost:\(enroll)"))
                let printed = try await eventually("a reason") { () -> String? in
                    let text = fleet.printed("agent-use1-a")
                    return text.contains("reason") ? text : nil
                }
                for word in words { #expect(printed.contains(word), "\(printed)") }
            }
            for (wrong, met) in [(port, "port for agents' sessions"), (api, "operators' API")] {
                try await forget("use1-a", fleet)
                try await says([met, "--enroll", "7444"], port, wrong)
            }
            try await forget("use1-a", fleet)
            try await fleet.startAgent("use1-a")
            try await eventually("it to join") { try await isConnected("use1-a", fleet) }
            for (wrong, met) in [(enrolment, "port for enrolment"), (api, "operators' API")] {
                try await fleet.killAgent("use1-a")
                try? FileManager.default.removeItem(at: fleet.log("agent-use1-a"))
                try await says([met, "--coordinator", "7443"], wrong, enrolment)
            }
        }
    }

    @Test(.enabled(if: ClockShift.library != nil, "no C compiler is there to build the clock's shim"))
    func aClockThatIsOffIsToldWithBothMoments() async throws {
        try await withFleet(.init(regions: ["us-east-1": ["use1-a"]])) { fleet in
            for (days, word) in [(-2, "counts from 2"), (2, "ended at 2")] {
                let call = try await fleet.swell(["get", "clusters"], replica: "a", clock: .minutes(days * 24 * 60))
                #expect(call.code == 4)
                #expect(call.errors.contains(word) && call.errors.contains("one of the two clocks"), "\(call.errors)")
            }
        }
    }

    @Test func aPortThatIsTakenIsNamedWithItsFlag() async throws {
        try await withFleet(.init(regions: ["us-east-1": ["use1-a"]])) { fleet in
            let (port, enrolment, api) = await (fleet.fleetPort(), fleet.enrolmentPort(), fleet.apiPort())
            for (flag, taken) in [("--agent-listen", port), ("--enroll-listen", enrolment), ("--api-listen", api)] {
                var ports = ["--agent-listen": 0, "--enroll-listen": 0, "--api-listen": 0]
                ports[flag] = taken
                let call = try await Programs.call(
                    "swell-coordinator",
                    ["serve", "--state-dir", fleet.stateFolder.path, "--database", fleet.databaseURL, "--replica", "b"]
                        + ports.flatMap { [$0.key, "127.0.0.1:\($0.value)"] })
                #expect(call.code == 1)
                let said = call.errors + call.output
                #expect(
                    said.contains(flag) && said.contains("127.0.0.1:\(taken)") && said.contains("in use"), "\(said)")
            }
        }
    }
}
